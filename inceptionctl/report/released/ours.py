"""Our own figures of released weights: from stored evaluations on ImageNet's 50,000 validation images alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.files import FileError
from inceptionctl.report.released.asked import Asked
from inceptionctl.runs.evaluations import read_evaluation
from inceptionctl.runs.records.evaluation import EvaluationRecord

N_VALIDATION, N_CLASSES = 50_000, 1000


@dataclass(frozen=True, kw_only=True)
class Ours:
    """Errors in percent; `folder`: of the evaluation."""

    top1_error: float
    top5_error: float
    n_images: int
    folder: Path


def find_ours(folder: Path, asked: Iterable[Asked]) -> tuple[dict[Asked, Ours], list[str]]:
    """The stored evaluations below `folder` that answer what is asked, and what is wrong with files that cannot be
    read, which do not count. Of several the one whose folder was made last."""
    records, problems = _records(folder)
    ours = {}
    for one in asked:
        found = [(path, record) for path, record in records if _answers(record, one)]
        if found:
            path, record = found[-1]
            assert record.top5_error is not None
            ours[one] = Ours(
                top1_error=record.top1_error,
                top5_error=record.top5_error,
                n_images=record.n_images,
                folder=path.parent,
            )
    return ours, problems


def _records(folder: Path) -> tuple[list[tuple[Path, EvaluationRecord]], list[str]]:
    """By the time that they were written."""
    found, problems = [], []
    for path in sorted(folder.glob("*/evaluation.json"), key=lambda path: (path.stat().st_mtime_ns, str(path))):
        try:
            found.append((path, read_evaluation(path)))
        except FileError as error:
            problems.append(str(error))
    return found, problems


def _answers(record: EvaluationRecord, asked: Asked) -> bool:
    if len(record.members) != 1 or not _is_whole(record):
        return False
    (member,) = record.members
    if (member.arch, member.weights) != (asked.arch, asked.release.name):
        return False
    protocol = asked.protocol(member.pixels)
    if protocol is None:  # the release's own, which is not known here: that of its publisher
        return record.protocol.settings.get("name") == asked.release.publisher
    return record.protocol.name == protocol


def _is_whole(record: EvaluationRecord) -> bool:
    images = record.image_set
    left_out = record.unreadable if record.unreadable_as == "left out" else 0
    all_images = record.n_images + left_out == N_VALIDATION and not images.blacklist and images.labels == "own"
    return all_images and record.n_classes == N_CLASSES and record.top5_error is not None
