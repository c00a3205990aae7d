"""Images that `inceptionctl data pack` scaled and stored in shards, from any data set of files."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from inceptionctl.data.found import Found
from inceptionctl.data.index import FileList
from inceptionctl.data.listing import as_text, some
from inceptionctl.data.packed.read import read_split
from inceptionctl.data.packed.records import PLAN, SPLITS, SUMMARY, Summary, read_json
from inceptionctl.data.training_source import TrainingSource
from inceptionctl.errors import RequestError, count
from inceptionctl.files import FileError, MissingFileError
from inceptionctl.settings import AbsolutePath, section


@section
class Settings(TrainingSource):
    """Images packed by `inceptionctl data pack`: `root` has packed.json and shards."""

    title = "packed images"
    as_published = False  # scaled, and most of them encoded anew

    name: Literal["packed"]
    root: AbsolutePath | None
    """Folder that `inceptionctl data pack ... --out DIR` wrote."""

    @property
    def shown_title(self) -> str:
        packed = _summary(self.root).plan
        return f"{as_text(packed.source.title)} (packed: {packed.packing})"

    def find(self) -> Found:
        return _find(self.root)


@cache  # the rows of a table share their images
def _find(root: str | None) -> Found:
    summary, folder = _summary(root), Path(root or "")
    classes = tuple(map(as_text, summary.plan.source.classes))
    if not 2 <= len(classes) == len(set(classes)):
        raise RequestError(f"{folder / SUMMARY} is damaged: it names fewer than two classes, or one of them twice")
    try:
        train, eval = (read_split(folder, split, summary) for split in SPLITS)
    except FileError as error:
        raise RequestError(f"{error}\n  remove the folder and pack the images again") from error
    _check_classes(train, eval, classes)
    where = f"{folder}, packed ({summary.plan.packing}) from {as_text(summary.plan.source.provenance)}"
    return Found(classes, train, eval, where, _notes(summary), summary.plan.source.numbered)


def _summary(root: str | None) -> Summary:
    """Raises RequestError for a folder whose packing is not complete."""
    if not root:
        raise RequestError("data=packed needs data.root=DIR, a folder that inceptionctl data pack ... --out DIR wrote")
    try:
        return read_json(Path(root, SUMMARY), Summary)
    except MissingFileError as error:
        if Path(root, PLAN).is_file():
            raise RequestError(
                f"data.root = {root} is not complete: it has no {SUMMARY}\n  the command that packed it continues it"
            ) from error
        raise RequestError(
            f"data.root = {root} has no {SUMMARY}: inceptionctl data pack ... --out DIR writes it"
        ) from error
    except FileError as error:
        raise RequestError(str(error)) from error


def _check_classes(train: FileList, eval: FileList, classes: tuple[str, ...]) -> None:
    """Raises RequestError where images that could not be read were all of a class."""
    missing = [classes[k] for k in np.flatnonzero(train.counts(classes) == 0)]
    if missing or not len(eval):
        what = f"to train on of {some(missing)}" if missing else "to evaluate on"
        raise RequestError(f"data.root = {train.root} has no images {what}")


def _notes(summary: Summary) -> tuple[str, ...]:
    if not summary.unreadable:
        return ()
    names = some([as_text(image.name) for image in summary.unreadable])
    return (f"{count(len(summary.unreadable), 'image')} left out, since they could not be read: {names}",)
