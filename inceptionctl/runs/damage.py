"""What is wrong with the files of a run folder: links, files of another kind, figures that contradict each other."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from inceptionctl.files import MAX_YAML_BYTES, FileError, MissingFileError, kind_of, read_text
from inceptionctl.runs.io import RecordError, make_private, read_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRecord
from inceptionctl.runs.records.metrics import EvalRow, MetricRow
from inceptionctl.runs.records.result import Result

FILES = {"config.yaml", "label.json", "index.npz", "env.json", "metrics.jsonl", "result.json", "starts.jsonl",
         "jobs.jsonl", "exit.json", "request.json", "evaluation.json", "evaluation.npz",
         ".lock", ".heartbeat", ".reserve", ".pid"}  # fmt: skip
FOLDERS = {"checkpoints", "details", "diverged", "evaluations", "log", "parts", "slurm", "trackers"}
OF_FILES = ("log", "evaluations", "parts", "trackers")  # folders that hold nothing else
CONFIG_KEYS = ("name:", "seed:", "outputs:", "arch:", "train:", "resolved:")  # the last one ends the file
EVALUATION = re.compile(r"evaluations/[^/]+\.json")
APPENDED = ("metrics.jsonl", "starts.jsonl", "jobs.jsonl", "log/*.log")


def check_kinds(run: RunDir) -> None:
    """Raises RecordError for a link in the folder, through which a run would write to files elsewhere, and for a file
    of another kind than its name promises."""
    for entry in _entries(run.path):
        _check_kind(entry, entry.name in FILES, entry.name in FOLDERS)
    for name in OF_FILES:
        for entry in _entries(run.path / name):
            _check_kind(entry, True, False)
    for entry in _entries(run.checkpoints):
        _check_kind(entry, False, entry.name.startswith("step-"))


def detach(run: RunDir) -> None:
    """Gives the run copies of its own of files that it appends to and that have other names (hard links). Raises
    RecordError and InceptionctlError."""
    for path in (path for pattern in APPENDED for path in run.path.glob(pattern)):
        make_private(path)


def check_config_text(run: RunDir) -> None:
    """Raises RecordError for a config.yaml that was not written to its end, or is something else; it is not parsed,
    which takes too long for hundreds of runs."""
    try:
        lines = read_text(run.config, MAX_YAML_BYTES).splitlines()
    except MissingFileError:
        return  # the folder has just been made, or has lost it
    missing = [key for key in CONFIG_KEYS if not any(line.startswith(key) for line in lines)]
    if missing:
        raise RecordError(f"{run.config} is incomplete: it has no {missing[0].rstrip(':')}")


def read_result(run: RunDir) -> Result:
    """Raises RecordError for a result that is damaged or of another run than the folder's name says, and
    MissingFileError."""
    result = read_record(run.result, Result)
    if run.identity not in (None, result.identity):
        raise RecordError(f"{run.result} is of another run: {result.identity}, and its folder is of {run.identity}")
    if strange := next((one.file for one in result.evaluations if not EVALUATION.fullmatch(one.file)), None):
        raise RecordError(f"{run.result} is damaged: it lists {strange!r} as an evaluation")
    missing = {"ema", "raw"} - {one.weights for one in result.evaluations}
    if missing:
        raise RecordError(f"{run.result} is incomplete: it has no evaluation of the weights {', '.join(missing)}")
    return result


def read_own_evaluation(run: RunDir, result: Result, path: Path) -> EvaluationRecord:
    """The evaluation at `path`. Raises MissingFileError if `result` does not list it, and RecordError if it is damaged
    or says something else than `result`."""
    name = path.relative_to(run.path).as_posix()
    listed = next((one for one in result.evaluations if one.file == name), None)
    if listed is None:
        raise MissingFileError(f"{run.path} was not evaluated in this way: there is no {name}")
    try:
        record = read_record(path, EvaluationRecord)
    except MissingFileError as error:
        raise RecordError(f"{path} is missing: result.json lists it") from error
    if (listed.n_images, listed.top1_error) != (record.n_images, record.top1_error):
        raise RecordError(f"{path} is of another evaluation than result.json lists")
    return record


def check_metrics(run: RunDir, result: Result, rows: Sequence[MetricRow]) -> None:
    """Raises RecordError if `rows`, the last ones of metrics.jsonl, have none of the final evaluations of `result`. A
    run may have lost the file, and one that was evaluated in several ways has the rows of the last one only."""
    ways = {(one.image_set, one.protocol) for one in result.evaluations}
    listed = {(one.weights, one.n_images, one.top1_error) for one in result.evaluations}
    final = (row for row in rows if isinstance(row, EvalRow) and row.purpose == "final")
    logged = {(row.weights, row.n_images, row.top1_error) for row in final}
    if os.path.lexists(run.metrics) and len(ways) == 1 and not listed & logged:
        raise RecordError(f"{run.metrics} is incomplete or of another run: it lacks the evaluations of result.json")


def is_sound(run: RunDir) -> bool:
    """Whether the run is finished and its result can be read."""
    try:
        return bool(read_result(run))
    except FileError:
        return False


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Raises RecordError if the folder cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except FileNotFoundError:
        return
    except OSError as error:
        raise RecordError(f"{folder} cannot be listed: {error.strerror}") from error


def _check_kind(entry: os.DirEntry[str], is_file: bool, is_folder: bool) -> None:
    if entry.is_symlink():
        raise RecordError(f"{entry.path} cannot be trusted: it is a link")
    if is_file and not entry.is_file(follow_symlinks=False):
        raise RecordError(f"{entry.path} is damaged: it is {kind_of(entry.stat(follow_symlinks=False).st_mode)}")
    if is_folder and not entry.is_dir(follow_symlinks=False):
        raise RecordError(f"{entry.path} is damaged: it is not a folder")
