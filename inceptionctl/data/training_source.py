"""What data sets of files to train on share: a fraction of the training images, a dev split, decoded images held."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from inceptionctl.data.cached_listing import Key
from inceptionctl.data.crop_decoder import PACKAGE, is_installed
from inceptionctl.data.decoded.cache import Cache, check_size, choose
from inceptionctl.data.decoded.size import raw_bytes
from inceptionctl.data.file_images import open_splits
from inceptionctl.data.found import Found
from inceptionctl.data.images import DataSource, DataSplits, Views
from inceptionctl.data.index import FileList, Index
from inceptionctl.data.index_cache import found_of
from inceptionctl.data.leave_out import leave_out_of
from inceptionctl.data.listing import Listing, per_class, some, split_classes
from inceptionctl.errors import RequestError
from inceptionctl.settings import AbsolutePath, Finite, section

DEV_FRACTION = 0.1


@section
class TrainingSource(DataSource):
    """Each is a subclass with its own settings and its `find`."""

    caches_listing: ClassVar[bool] = True
    """Whether a listing is kept in the user's cache. Of downloaded data it is not: the files are compared with their
    checksums whenever they are listed."""

    leave_out: AbsolutePath | None
    """List of images to leave out, one a line, as `data check --fix-list` writes it: a file name, or a path that begins
    at the folder of a split, at the folder around it, or at /."""
    train_fraction: Annotated[Finite, Field(gt=0, lt=1)] | None
    """Fraction of each class to train on, the same images for every seed; null: all of them."""
    cache: Cache
    """Whether decoded images are held in memory, once for all runs of a machine, with the same results. auto: those of
    less than 2 GB that lie in encoded files; memory: any, up to 4 GiB; device: the same, and those to train on also
    on the device of each rank, which cuts crops out of them; none: images are decoded whenever they are needed."""
    augment_on: Literal["cpu", "device"]
    """Where training images are resized, mirrored and coloured: by the workers, or by the rank on its device, which
    gives the same images to within rounding."""
    decode_on: Literal["cpu", "device"]
    """Where plain JPEG files to train on are decoded: by the workers, or by the rank on its device, with
    nvImageCodec."""
    on_corrupt: Literal["error", "skip", "replace", "wrong"]
    """For an image that cannot be read. error: end the run; skip: leave it out; replace: train on the next one instead,
    and leave it out in evaluation; wrong: leave it out in training, and count it as wrong in evaluation."""

    @property
    def augments_on_device(self) -> bool:
        return self.augment_on == "device"

    @property
    def decodes_on_device(self) -> bool:
        return self.decode_on == "device"

    def _check_device(self) -> None:
        """Raises RequestError for settings that do not go with images that are cached, or decoded, on the device."""
        if self.cache == "device" and not self.augments_on_device:
            raise RequestError(
                f"data.cache=device needs data.augment_on=device, not {self.augment_on}: workers have no images of a "
                "device\n  data.cache=memory holds images for the workers"
            )
        if self.decodes_on_device:
            self._check_decoding()

    def _check_decoding(self) -> None:
        needed = {
            "augment_on": (("device",), "the device augments what it decodes"),
            "cache": (("auto", "none"), "decoded images that are held need no decoding"),
            "on_corrupt": (("error",), "which image cannot be read is known when its batch is due"),
        }
        for name, (values, reason) in needed.items():
            if (value := getattr(self, name)) not in values:
                raise RequestError(f"data.decode_on=device needs data.{name}={values[0]}, not {value}: {reason}")

    @abstractmethod
    def find(self) -> Found:
        """Lists the images. Raises RequestError for data that is missing or cannot be used. A process lists them once,
        and gets the same object again: the rows of a table share it. Folders and files that it looks at without
        `listing.entries` and `files` it gives to `stamps.note`, since a listing is kept with their times."""

    @property
    def key(self) -> Key:
        """Of its listing in the user's cache: the settings that all data sets share are applied to what was found."""
        shared = {item.name for item in fields(TrainingSource)}
        own = ((item.name, getattr(self, item.name)) for item in fields(self) if item.name not in shared)
        return Key(self.name, tuple(own))

    def index(self, dev: bool) -> Index:
        self._check_device()  # before a million images are listed
        found = found_of(self.key, self.find) if self.caches_listing else self.find()
        index = _index(_without(found, self.leave_out), self.train_fraction, self.eval_split, dev)
        check_size(index.files.values(), self.cache)
        if self.decodes_on_device:
            _check_encoded(index.files["train"])
        return index

    def cache_note(self, index: Index) -> str:
        return choose(index.files, self.cache).sentence

    def listings(self) -> dict[str, Listing]:
        found = _without(self.find(), self.leave_out)
        return {split: Listing(files, found.classes, {}) for split, files in found.splits.items()}

    def open(self, index: Index, views: Views, seed: int) -> DataSplits:
        return open_splits(index, views, seed, self.on_corrupt, "none" if self.decodes_on_device else self.cache)


def _check_encoded(files: FileList) -> None:
    """Raises RequestError for images that need no decoder, and without the decoder of the device."""
    if raw_bytes(files) is not None:
        raise RequestError("data.decode_on=device has no effect: the images lie there as pixels\n  leave it out")
    if not is_installed():
        raise RequestError(f"data.decode_on=device needs {PACKAGE}: pip install 'inceptionctl[gpu-decode]'")


@cache
def _without(found: Found, leave_out: str | None) -> Found:
    """`found` less the images of a list. Raises RequestError for a list that names what is not there, or all images of
    a class to train on."""
    if leave_out is None:
        return found
    left, note = leave_out_of(found.splits, Path(leave_out))
    missing = [found.classes[k] for k in np.flatnonzero(left["train"].counts(found.classes) == 0)]
    if missing or not len(left["eval"]):
        what = f"to train on of {some(missing)}" if missing else "to evaluate on"
        raise RequestError(f"data.leave_out = {leave_out} leaves no images {what}")
    return replace(found, train=left["train"], eval=left["eval"], notes=(*found.notes, note))


def _check(found: Found) -> None:
    """Raises RequestError for images that no network can be trained on, whatever `find` has checked."""
    if len(found.classes) < 2:
        which = f"one class, {found.classes[0]}" if found.classes else "no class"
        raise RequestError(f"{found.where}: {which} was found, and a network needs two to tell apart")
    missing = [found.classes[k] for k in np.flatnonzero(found.train.counts(found.classes) == 0)]
    if missing or not len(found.eval):
        raise RequestError(
            f"{found.where}: no images to {f'train on of {some(missing)}' if missing else 'evaluate on'}"
        )


@cache
def _index(found: Found, train_fraction: float | None, eval_split: str, dev: bool) -> Index:
    _check(found)
    classes, train, eval, dev_files = found.classes, found.train, found.eval, None
    if train_fraction:
        train = split_classes(train, classes, train_fraction)[1]
    if dev or eval_split == "dev":
        train, dev_files = split_classes(train, classes, DEV_FRACTION)
        eval = dev_files if eval_split == "dev" else eval
    return Index(
        n_train=len(train),
        n_eval=len(eval),
        classes=classes,
        provenance=_provenance(found, train, eval, train_fraction, dev_files),
        fingerprint=train.digest(classes),
        eval_fingerprint=eval.digest(classes),
        dev=dev,
        files={"train": train, "eval": eval} | ({"dev": dev_files} if dev and dev_files else {}),
        numbered=found.numbered,
    )


def _provenance(
    found: Found, train: FileList, eval: FileList, train_fraction: float | None, dev: FileList | None
) -> str:
    train_K, eval_K = train.counts(found.classes), eval.counts(found.classes)
    notes = [
        f"{len(train):,} images of {len(found.classes):,} classes to train on ({per_class(train_K)}) and {len(eval):,} "
        f"to evaluate on ({per_class(eval_K)}): {found.where}"
    ]
    if train_fraction:
        notes.append(f"data.train_fraction: {train_fraction:.0%} of the {len(found.train):,} training images are used")
    if dev is not None:
        notes.append(f"dev split: {DEV_FRACTION:.0%} of the training images")
    if without := [found.classes[k] for k in np.flatnonzero(eval_K == 0)]:
        notes.append(f"no images to evaluate on of {some(without)}")
    return "; ".join([*notes, *found.notes])
