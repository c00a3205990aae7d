"""Labelled images in tar shards, as the webdataset library writes and reads them."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from inceptionctl.data.class_names import read_class_names
from inceptionctl.data.found import Found
from inceptionctl.data.index import FileList
from inceptionctl.data.listing import as_text, describe, some
from inceptionctl.data.shards import Shards, find_shards
from inceptionctl.data.training_source import TrainingSource
from inceptionctl.data.webdataset_samples import Samples, read_samples
from inceptionctl.errors import RequestError, count
from inceptionctl.settings import AbsolutePath, section


@section
class Settings(TrainingSource):
    """Tar shards to train and evaluate on: `train` and `val`, each a folder of shards or a pattern."""

    title = "webdataset"

    name: Literal["webdataset"]
    train: AbsolutePath | None
    """Shards to train on: a folder of .tar files, or a pattern as DIR/train-{000000..000146}.tar."""
    val: AbsolutePath | None
    """Shards to evaluate on."""
    class_names: AbsolutePath | None
    """Text file with the name of a class a line, that of class 0 first; null: classes are called by their numbers."""

    def find(self) -> Found:
        return _find(self.train, self.val, self.class_names)


@cache  # the rows of a table share their images, and listing a million files takes a while
def _find(train: str | None, val: str | None, classes: str | None) -> Found:
    if not (train and val):
        raise RequestError("data=webdataset needs data.train and data.val, each a folder of tars or a pattern of names")
    shards = (find_shards("data.train", train), find_shards("data.val", val))
    samples = (read_samples(shards[0]), read_samples(shards[1]))
    names = read_class_names(Path(classes)) if classes else None
    known = _known(samples[0], train, names)
    _check_evaluation(samples[1], val, len(known))
    where = f"{_where(train, shards[0])} and {_where(val, shards[1])}"
    notes = (*shards[0].notes, *shards[1].notes, *_notes("train", samples[0]), *_notes("val", samples[1]))
    if Path(train).resolve() == Path(val).resolve():
        notes = (*notes, "evaluated on the training images, since both are the same shards")
    return Found(known, _files(samples[0]), _files(samples[1]), where, notes, numbered=names is None)


def _known(train: Samples, setting: str, names: tuple[str, ...] | None) -> tuple[str, ...]:
    """The classes. Raises RequestError where one has no images to train on, and for a label without a name."""
    labels = np.unique(np.array(train.images.labels, dtype=np.int64))
    if not len(labels):
        raise RequestError(f"no images to train on in data.train = {setting}: {describe(train.left_out)}")
    if names is not None:
        _check_range(train, len(names), f"data.class_names names {len(names):,} classes")
    classes = names or tuple(map(str, range(int(labels[-1]) + 1)))
    if len(classes) < 2:
        raise RequestError(f"data.train = {setting} has one class, {classes[0]}: a network needs two to tell apart")
    missing = [classes[k] for k in np.setdiff1d(np.arange(len(classes)), labels)]
    if missing:
        advice = "\n  do the labels begin at 1? Class numbers begin at 0" if missing == ["0"] else ""
        raise RequestError(
            f"no images to train on in {len(missing):,} of the {len(classes):,} classes of data.train = {setting}: "
            f"{some(missing)}{advice}"
        )
    return classes


def _check_evaluation(val: Samples, setting: str, n_classes: int) -> None:
    if not val.images.labels:
        raise RequestError(f"no images to evaluate on in data.val = {setting}: {describe(val.left_out)}")
    _check_range(val, n_classes, f"data.train has {n_classes:,} classes")


def _check_range(samples: Samples, n_classes: int, known: str) -> None:
    images = samples.images
    if (largest := max(images.labels)) >= n_classes:
        name = as_text(images.files().name(images.labels.index(largest)))
        raise RequestError(f"{name} has the label {largest}, and {known}, 0 to {n_classes - 1}")


def _files(samples: Samples) -> FileList:
    """Images have their names in the shards, and the shards' paths before them where two shards have the same name."""
    images, files = samples.images, samples.images.files()
    if len(set(images.names)) == len(files):
        return files
    names = [
        os.fsencode(images.tars[tar]) + b"/" + name for tar, name in zip(images.tar_indices, images.names, strict=True)
    ]
    return replace(files, paths_N=np.array(names, dtype=bytes))


def _where(typed: str, shards: Shards) -> str:
    return f"{count(len(shards.paths), 'shard')} of {typed}"


def _notes(split: str, samples: Samples) -> list[str]:
    notes = [f"left out of data.{split}: {describe(samples.left_out)}"] if samples.left_out else []
    if samples.unused:
        notes.append(f"not used of the samples of data.{split}: {some(sorted(samples.unused))}")
    return notes
