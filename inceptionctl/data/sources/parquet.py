"""Labelled images in Parquet files, as data sets on the Hugging Face Hub have them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from inceptionctl.data.found import Found
from inceptionctl.data.images import DataSplits, Views
from inceptionctl.data.index import Index
from inceptionctl.data.listing import split_classes
from inceptionctl.data.parquet.layout import SplitFiles, find_parquet
from inceptionctl.data.parquet.rows import require_pyarrow
from inceptionctl.data.parquet.split import Split, check_trained, classes_of, read_split
from inceptionctl.data.training_source import TrainingSource
from inceptionctl.errors import RequestError, count
from inceptionctl.settings import AbsolutePath, Finite, PathSegment, section

EVALUATED = ("validation", "valid", "val", "test", "dev", "eval")  # the first that is there


@section
class Settings(TrainingSource):
    """Parquet files in `root` with a column of images and one of labels: `train` and `val` name two of the splits."""

    title = "Parquet files"
    modules = ("pyarrow.parquet",)

    name: Literal["parquet"]
    root: AbsolutePath | None
    """Folder that `hf download ORG/NAME --repo-type dataset` left, or another with such files."""
    train: PathSegment
    """Split to train on, by the names of its files."""
    val: PathSegment | None
    """Split to evaluate on; null: the first that is there of validation, valid, val, test, dev and eval."""
    split: Annotated[Finite, Field(gt=0, lt=1)] | None
    """Fraction of each class of `train` to evaluate on, the same images for every seed; null: another split is."""
    image_column: Annotated[str, Field(min_length=1)] | None
    """Column of the images; null: the only one that may be."""
    label_column: Annotated[str, Field(min_length=1)] | None
    """Column of the labels; null: the only one that is declared as classes, or `label`, `labels` or `class`."""
    class_names: AbsolutePath | None
    """Text file with a class name a line, for labels that are numbers: the first line is class 0; null: the names that
    the files state, or else the numbers."""

    def find(self) -> Found:
        require_pyarrow()
        columns = self.image_column, self.label_column
        return _find(_Asked(self.root, self.train, self.val, self.split, *columns, self.class_names))

    def open(self, index: Index, views: Views, seed: int) -> DataSplits:
        require_pyarrow()
        return super().open(index, views, seed)


@dataclass(frozen=True)
class _Asked:
    root: str | None
    train: str
    val: str | None
    split: float | None
    image: str | None
    label: str | None
    class_names: str | None


@cache  # the rows of a table share their images
def _find(asked: _Asked) -> Found:
    if not asked.root:
        raise RequestError("data=parquet needs data.root=DIR, a folder with .parquet files")
    if asked.val and asked.split:
        raise RequestError("data.split has no effect beside data.val: leave one of them out")
    files = find_parquet(Path(asked.root))
    names = [asked.train] if asked.split else [asked.train, _evaluated(files, asked)]
    named = zip(names, ("data.train", "data.val"), strict=False)
    splits = [read_split(files, name, setting, asked.image, asked.label) for name, setting in named]
    classes, numbered = classes_of(splits, asked.class_names)
    lists = [split.files(classes) for split in splits]
    check_trained(lists[0], classes, asked.train)
    where = f"{' and '.join(_shown(split) for split in splits)} in {files.root}"
    notes = [note for split in splits for note in split.notes]
    if asked.split:
        train, eval = split_classes(lists[0], classes, asked.split)
        where += f", {asked.split:.0%} of it to evaluate on (data.split)"
        return Found(classes, train, eval, where, tuple(notes), numbered)
    if names[0] == names[1]:
        notes.append("evaluated on the training images, since both are the same split")
    return Found(classes, lists[0], lists[1], where, tuple(notes), numbered)


def _evaluated(files: SplitFiles, asked: _Asked) -> str:
    """Raises RequestError where no split is there to evaluate on."""
    if asked.val:
        return asked.val
    if found := [name for name in EVALUATED if name in files.splits and name != asked.train]:
        return found[0]
    raise RequestError(
        f"{files.root} has no split to evaluate on, but {', '.join(files.splits)}\n"
        "  name one with data.val=SPLIT, or divide the training images with data.split=0.1"
    )


def _shown(split: Split) -> str:
    return f"{count(len(split.paths), 'file')} of {split.name}"
