"""The label of a run in lists, trackers and pages: what was typed for it, otherwise its network."""

from __future__ import annotations

import re
from contextlib import suppress

from inceptionctl.files import MAX_YAML_BYTES, FileError, read_text
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRequest
from inceptionctl.runs.records.label import RunLabel

NETWORK = re.compile(r"^arch:\n  name: (\w+)$", re.MULTILINE)  # in config.yaml, which takes long to parse


def write_label(run: RunDir, label: str) -> None:
    """Nothing for a run without a label of its own."""
    if label:
        write_record(run.label, RunLabel(label=label))


def label_of(run: RunDir) -> str:
    """What was typed for the run, or the row of the table that it was made for; otherwise its network; of an
    evaluation, what is evaluated and by which protocol. The folder's name if none of these can be read."""
    for find in (_evaluated, _typed, _network):
        with suppress(FileError):
            if label := find(run):
                return label
    return run.path.name


def _evaluated(run: RunDir) -> str | None:
    if not run.is_evaluation:
        return None
    request = read_record(run.request, EvaluationRequest)
    members = request.members
    what = members[0].label if len(members) == 1 else f"ensemble of {len(members)}"
    return f"{what}, {request.protocol.name}"


def _typed(run: RunDir) -> str:
    return read_record(run.label, RunLabel).label


def _network(run: RunDir) -> str | None:
    found = NETWORK.search(read_text(run.config, MAX_YAML_BYTES))
    return found[1] if found else None
