"""Which run folder a plan works in: a finished one, one to resume, or a new attempt."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

from inceptionctl.config.identity import identity as identity_of
from inceptionctl.errors import RequestError, warn
from inceptionctl.files import FileError
from inceptionctl.planning.evaluation.records import is_evaluated
from inceptionctl.planning.plan import Plan
from inceptionctl.runs import find
from inceptionctl.runs.config_file import read_config, write_config
from inceptionctl.runs.damage import check_kinds, detach, read_result
from inceptionctl.runs.index_file import holds_index, write_index
from inceptionctl.runs.io import RecordError
from inceptionctl.runs.label import write_label
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.places import check_place
from inceptionctl.runs.records.result import Result


def attempts(plan: Plan) -> list[RunDir]:
    """Every run folder of this identity, oldest first: the one that `run_dir` names, or all below `outputs`, after
    those of other folders that count."""
    elsewhere = [run for place in plan.found_in for run in find.attempts_in(Path(place), plan.identity)]
    return [*elsewhere, *_own_attempts(plan)]


def _own_attempts(plan: Plan) -> list[RunDir]:
    """Those that this plan may continue."""
    if plan.config.run_dir:
        return [RunDir(Path(plan.config.run_dir))]
    return find.attempts(Path(plan.config.outputs), plan.identity)


def finished(plan: Plan) -> RunDir | None:
    """The newest finished run of this identity, under whatever name, that was evaluated as `plan` asks."""
    return next((run for run in reversed(attempts(plan)) if _is_finished(run, plan)), None)


def trained(plan: Plan) -> RunDir | None:
    """The newest finished run of this identity whose weights are still there; None with `rerun`."""
    if plan.config.rerun:
        return None
    found = (run for run in reversed(attempts(plan)) if any(run.checkpoints.glob("step-*")))
    return next((run for run in found if _result(run, plan)), None)


def unfinished(plan: Plan) -> RunDir | None:
    """The newest attempt that can be resumed; None with `rerun`, which asks for a new one."""
    if plan.config.rerun:
        return None
    return next((run for run in reversed(_own_attempts(plan)) if run.resumable and _is_whole(run, plan)), None)


def _is_finished(run: RunDir, plan: Plan) -> bool:
    result = _result(run, plan)
    try:
        return result is not None and is_evaluated(run, result, plan)
    except FileError as error:
        _say(f"{error}\n  the run is evaluated again if its weights are there, and otherwise does not count")
        return False


def _result(run: RunDir, plan: Plan) -> Result | None:
    """None for a run that is not finished, and for one whose files are damaged, which is said."""
    if not run.finished:
        return None
    try:
        check_kinds(run)
        result = read_result(run)
        if result.identity != plan.identity:
            raise RecordError(f"{run.result} is of another run: {result.identity}, and not {plan.identity}")
        return result
    except FileError as error:
        _say(f"{error}\n  this attempt does not count")
        return None


def _is_whole(run: RunDir, plan: Plan) -> bool:
    """Whether what the attempt would be continued from can be read, but for its checkpoints, of which it has several;
    what cannot is said."""
    try:
        check_kinds(run)
        if (found := identity_of(read_config(run))) != plan.identity:
            raise RecordError(f"{run.config} is of another run: {found}, and not {plan.identity}")
        read_metrics(run.metrics)
        return True
    except (FileError, RequestError) as error:
        _say(f"{error}\n  this attempt does not count")
        return False


@cache
def _say(message: str) -> None:
    """Once: a run is looked at from several sides."""
    warn(message)


def needs_run(plan: Plan) -> bool:
    return plan.config.rerun or finished(plan) is None


def open_folder(plan: Plan, nproc: int, threads: int) -> RunDir:
    """The folder to work in, with its config.yaml and index.npz: of a trained run that is to be evaluated in another
    way, of an attempt to resume, or a new one."""
    config = plan.config
    if config.run_dir:
        run = open_run_dir(Path(config.run_dir), plan.identity)
    else:
        run = trained(plan) or unfinished(plan) or find.create(Path(config.outputs), config.name, plan.identity)
    before = read_config(run) if os.path.lexists(run.config) else None
    detach(run)
    launch, place = replace(config.launch, nproc=nproc, threads=threads), before or config
    now = replace(config, name=place.name, outputs=place.outputs, run_dir=place.run_dir, launch=launch)
    if now != before or not holds_index(run, plan.data):
        write_index(run, plan.data)
        if before is None:
            write_label(run, plan.label)
        write_config(run, now)
    return run


def open_run_dir(path: Path, identity: str) -> RunDir:
    """The folder that `run_dir` names, made if it is missing. Raises RequestError as `check_run_dir` does."""
    check_run_dir(path, identity)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"cannot make run_dir = {path}: {error.strerror}") from error
    return RunDir(path)


def check_run_dir(path: Path, identity: str) -> None:
    """Raises RequestError unless `path` is missing, empty, or the folder of the run with this identity."""
    run = RunDir(path)
    check_place(path, f"run_dir = {path}")
    if os.path.lexists(run.config):
        if (other := identity_of(read_config(run))) != identity:
            raise RequestError(f"run_dir = {path} belongs to another run ({other}, this one is {identity})")
        _check_result(run)
    elif path.is_dir() and any(path.iterdir()):
        raise RequestError(f"run_dir = {path} is neither empty nor a run folder: name another")


def _check_result(run: RunDir) -> None:
    """Raises RequestError for a finished run whose result cannot be read: there is no other attempt to turn to."""
    try:
        if run.finished:
            read_result(run)
    except FileError as error:
        raise RequestError(f"run_dir = {run.path} is damaged: {error}\n  name another folder, or remove it") from error
