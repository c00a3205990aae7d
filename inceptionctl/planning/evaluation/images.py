"""The images that an evaluation asks for, with labels that are class indices of the networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from inceptionctl.config.evaluation import BLACKLIST, EvalSettings
from inceptionctl.config.keys import matches
from inceptionctl.data.images import DataSource
from inceptionctl.data.index import Index
from inceptionctl.data.labels import matched
from inceptionctl.data.real_labels import with_real_labels
from inceptionctl.data.selection import select
from inceptionctl.errors import RequestError
from inceptionctl.planning.evaluation.checks import Typed
from inceptionctl.planning.evaluation.records import chosen_image_set, image_set
from inceptionctl.planning.networks import TrainedNetwork
from inceptionctl.planning.plan import frozen_plan
from inceptionctl.runs.index_file import read_index
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import ImageSet

WORKERS = "data.workers"  # the one setting of the data that is not about which images there are


def images_of(
    settings: EvalSettings, typed: Typed, networks: Sequence[TrainedNetwork]
) -> tuple[DataSource, Index, ImageSet]:
    """Of a run its own, unless others are named."""
    first, chosen = networks[0], settings.images
    own = first.record.run and not any(matches(key, ["data"]) for key in typed.keys() - {WORKERS})
    if own:
        data, index, images = _own_images(networks)
        if WORKERS in typed:
            data = replace(data, workers=settings.data.workers)
    else:
        data, where = settings.data, first.record.label
        index = matched(data.index(dev=False), first.classes, where)
    named = f"data={data.name}"
    index, _ = select(
        index,
        Path(chosen.keep) if chosen.keep else None,
        chosen.leave_out if chosen.leave_out in (None, BLACKLIST) else Path(chosen.leave_out),
        named,
        Path(devkit) if (devkit := getattr(data, "devkit", None)) else None,
    )
    if chosen.labels == "real":
        index = with_real_labels(index, named)
    if not own or chosen.keep or chosen.leave_out or chosen.labels == "real":
        images = chosen_image_set(data, index, chosen.leave_out == BLACKLIST, chosen.labels)
    return data, index, images


def _own_images(networks: Sequence[TrainedNetwork]) -> tuple[DataSource, Index, ImageSet]:
    """Those that the run was planned with; several runs have to agree on them."""
    found = []
    for each in networks:
        run = RunDir(Path(each.record.run or ""))
        plan = frozen_plan(each.config, read_index(run, each.config.resolved.data_fingerprint))
        found.append((each, plan, replace(image_set(plan), root=None)))
    first, plan, images = found[0]
    for other, _, theirs in found[1:]:
        if theirs != images:
            raise RequestError(
                f"{first.record.label} and {other.record.label} were evaluated on other images ({images.data} "
                f"{images.digest or images.split}, {theirs.data} {theirs.digest or theirs.split})\n"
                "  name some for all: data=NAME"
            )
    return plan.config.data, _evaluated(plan.data), image_set(plan)


def _evaluated(index: Index) -> Index:
    """Without the images that a run was trained on, which may be many."""
    return index.evaluated_on(index.files["eval"]) if "eval" in index.files else index
