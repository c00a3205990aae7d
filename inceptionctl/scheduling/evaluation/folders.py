"""Which folder an evaluation works in, and where a finished one is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from inceptionctl.errors import RequestError, warn
from inceptionctl.files import FileError, from_here
from inceptionctl.planning.evaluation.plan import EvaluationPlan
from inceptionctl.planning.evaluation.records import answers, find_evaluation
from inceptionctl.runs import find
from inceptionctl.runs.config_file import write_config
from inceptionctl.runs.damage import check_kinds
from inceptionctl.runs.evaluations import has_probabilities, read_evaluation
from inceptionctl.runs.index_file import write_index
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRequest


def finished(plan: EvaluationPlan) -> Path | None:
    """The record of an evaluation that answers the request: in the run itself, or in a folder of its own. A damaged one
    is named and does not count."""
    found = _in_run(plan) or next((run.outcome for run in _attempts(plan) if _answers(run.outcome, plan)), None)
    if found and plan.request.probabilities and _lacks_probabilities(found):
        return None
    return found


def _in_run(plan: EvaluationPlan) -> Path | None:
    if not plan.run:
        return None
    try:
        return find_evaluation(plan.run, plan.request, plan.request.members[0].weights)
    except FileError as error:
        warn(f"{error}\n  the run is evaluated again")
        return None


def _answers(path: Path, plan: EvaluationPlan) -> bool:
    if not path.is_file():
        return False
    try:
        return answers(read_evaluation(path), plan.request)
    except FileError as error:
        warn(f"{error}\n  this evaluation does not count")
        return False


def _lacks_probabilities(path: Path) -> bool:
    try:
        return not has_probabilities(path)
    except FileError as error:
        warn(f"{error}\n  this evaluation does not count")
        return True


def unfinished(plan: EvaluationPlan) -> RunDir | None:
    """The newest folder in which the same evaluation was begun; None with `rerun`."""
    if plan.settings.rerun:
        return None
    return next((run for run in _attempts(plan) if not run.finished and _is_same_request(run, plan)), None)


def expected(plan: EvaluationPlan) -> Path:
    """The folder that it would work in."""
    begun = unfinished(plan)
    return begun.path if begun else Path(plan.config.outputs) / plan.config.name / f"{plan.identity}-0"


def open_folder(plan: EvaluationPlan, nproc: int, threads: int) -> RunDir:
    """The folder to work in, with config.yaml, index.npz and request.json. Raises RequestError if it cannot be made."""
    run = unfinished(plan) or find.create(Path(plan.config.outputs), plan.config.name, plan.identity)
    try:
        run.log().parent.mkdir(exist_ok=True)
    except OSError as error:
        raise RequestError(f"{from_here(run.path)} cannot be written to: {error.strerror}") from error
    write_index(run, plan.index)
    write_config(run, replace(plan.config, launch=replace(plan.config.launch, nproc=nproc, threads=threads)))
    write_record(run.request, plan.request)
    return run


def _attempts(plan: EvaluationPlan) -> list[RunDir]:
    """Newest first."""
    return find.attempts(Path(plan.config.outputs), plan.identity)[::-1]


def _is_same_request(run: RunDir, plan: EvaluationPlan) -> bool:
    try:
        check_kinds(run)
        return read_record(run.request, EvaluationRequest) == plan.request
    except FileError as error:
        warn(f"{error}\n  this evaluation is begun anew")
        return False
