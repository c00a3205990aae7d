"""Folders of evaluations, as a request makes them, and work on them in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from inceptionctl.config.schema import Config
from inceptionctl.data.index import Index
from inceptionctl.planning.evaluation.records import image_set, protocol
from inceptionctl.planning.plan import frozen_plan
from inceptionctl.runs.config_file import read_config, write_config
from inceptionctl.runs.evaluations import Predictions, read_evaluation, read_predictions
from inceptionctl.runs.index_file import read_index, write_index
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRequest, MemberRecord
from inceptionctl.worker.evaluation import EvaluationJob, assemble

IDENTITY = "0123456789ab"


def member(run: RunDir, weights: str = "ema") -> MemberRecord:
    config = read_config(run)
    return MemberRecord(
        label=f"{config.arch.name} {run.path.name}",
        arch=config.arch.name,
        weights=weights,
        pixels=config.arch.pixels,
        run=str(run.path),
    )


def evaluation_of(
    path: Path, *members: MemberRecord, index: Index | None = None, changed: Callable[[Config], Config] | None = None,
    **request: object,
) -> RunDir:  # fmt: skip
    """The folder of an evaluation of runs on the images of the first of them, or on those of `index`. `changed`: other
    settings than that run's."""
    first = RunDir(Path(members[0].run or ""))
    config = read_config(first)
    plan = frozen_plan(config, read_index(first, config.resolved.data_fingerprint))
    config = changed(config) if changed else config
    index = index or (plan.data.evaluated_on(plan.data.files["eval"]) if plan.data.files else plan.data)
    made = RunDir(path)
    made.log().parent.mkdir(parents=True)
    write_index(made, index)
    write_config(made, config)
    asked = EvaluationRequest(
        identity=IDENTITY,
        members=list(members),
        image_set=image_set(plan),
        protocol=protocol(replace(plan, config=replace(config, data=plan.config.data))),
        classes=list(index.classes),
        n_images=index.n_eval,
        on_unreadable="skip",
        batch_size=100,
        probabilities=False,
    )
    write_record(made.request, replace(asked, **request))  # type: ignore[arg-type]
    return made


def evaluated(made: RunDir) -> RunDir:
    work_on(made).work(lambda: False)
    return made


def work_on(made: RunDir) -> EvaluationJob:
    return assemble(made)


def outcome(made: RunDir) -> Predictions:
    return read_predictions(made.outcome, read_evaluation(made.outcome))
