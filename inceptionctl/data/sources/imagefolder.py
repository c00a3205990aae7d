"""Pictures in a folder per class: found without torch, read by PIL."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from inceptionctl.data.images import IGNORED, Unreadable
from inceptionctl.data.order import generator
from inceptionctl.data.transforms import Transform
from inceptionctl.errors import DataError, RequestError, warn

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff")
SPLIT_SEED = 0
MID_GREY = 128


@dataclass(frozen=True)
class Listing:
    """Files of one split, sorted, as paths below `root`, with the class of each."""

    root: Path
    files: tuple[str, ...]
    classes: tuple[str, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True)
class Splits:
    """`origin` says which folders or which share were used."""

    train: Listing
    eval: Listing
    origin: str

    @cached_property
    def fingerprint(self) -> str:
        """Twelve digits over every file's name and size: data of another kind is another run."""
        digest = hashlib.sha256()
        for listing in (self.train, self.eval):
            for name in listing.files:
                digest.update(f"{name}\0{(listing.root / name).stat().st_size}\n".encode())
        return digest.hexdigest()[:12]


@dataclass(frozen=True)
class FolderImages:
    """Pictures cropped to the network's input: picture `index` of `epoch` is a pure function of both and `seed`.

    `corrupt`, for those that cannot be read: "error" raises, "skip" gives grey that counts for nothing, "replace" gives
    the next one by index that can be read.
    """

    listing: Listing
    transform: Transform
    seed: int
    corrupt: str = "error"

    def __len__(self) -> int:
        return len(self.listing.files)

    @property
    def labels_N(self) -> np.ndarray:
        return np.array(self.listing.labels)

    @property
    def groups_N(self) -> np.ndarray:
        return np.arange(len(self))

    def image(self, epoch: int, index: int) -> np.ndarray:
        """uint8, (pixels, pixels, 3). Raises DataError for a picture that cannot be read, and Unreadable with what
        stands in for it unless `corrupt` is "error"."""
        try:
            return self._varied(epoch, index, decode(self.path(index)))
        except DataError as error:
            if self.corrupt == "error":
                raise DataError(f"{error}; remove it, or set data.on_corrupt=skip or replace") from error
            _say_once(self.path(index), "skipped" if self.corrupt == "skip" else "replaced")
            raise Unreadable(str(error), *self._stand_in(epoch, index)) from error

    def path(self, index: int) -> Path:
        return self.listing.root / self.listing.files[index]

    def _varied(self, epoch: int, index: int, picture: Image.Image) -> np.ndarray:
        return np.asarray(self.transform(picture, generator(self.seed, epoch, index)))

    def _stand_in(self, epoch: int, index: int) -> tuple[np.ndarray, int]:
        """(picture, label) in place of picture `index`."""
        if self.corrupt == "skip":
            blank = self._varied(epoch, index, Image.new("RGB", (64, 64)))  # the transform knows the size
            return np.full_like(blank, MID_GREY), IGNORED
        for other in (*range(index + 1, len(self)), *range(index)):
            with suppress(DataError):
                return self._varied(epoch, other, decode(self.path(other))), self.listing.labels[other]
        raise DataError(f"not one of the {len(self)} pictures below {self.listing.root} can be read")


def decode(path: Path) -> Image.Image:
    """The picture in RGB, read to its end. Raises DataError for what is none, is cut off or is a decompression bomb."""
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except Exception as error:  # broken files make Pillow raise nearly anything, SyntaxError and struct.error included
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"picture {path} cannot be read: {reason}") from error


@cache
def _say_once(path: Path, outcome: str) -> None:
    warn(f"picture {path} cannot be read ({outcome})")


def find(root: str | None, train: str | None, val: str | None, split: float | None, holdout: str) -> Splits:
    """The splits that the settings name. Raises RequestError if they name none, several, or folders without pictures.

    `holdout` "dev" holds a tenth of the training pictures out instead of the evaluation ones, to choose settings on.
    """
    found = _given(root, train, val, split)
    if holdout == "dev":
        kept, eval = _carve(found.train, 0.1)
        return Splits(kept, eval, f"{found.origin}; dev: a tenth of the training pictures")
    return found


def _given(root: str | None, train: str | None, val: str | None, split: float | None) -> Splits:
    if train and val:
        return _pair(Path(train), Path(val))
    if train or val:
        raise RequestError("data.train and data.val go together: one of them is missing")
    if not root:
        raise RequestError("data=imagefolder needs data.root=DIR, or data.train=DIR and data.val=DIR")
    folder = Path(root)
    if not folder.is_dir():
        raise RequestError(f"data.root = {root} is not a folder")
    if split:
        kept, eval = _carve(listing(folder), split)
        return Splits(kept, eval, f"{root}, {split:.0%} held out (data.split)")
    for name in ("val", "test"):
        if (folder / "train").is_dir() and (folder / name).is_dir():
            return _pair(folder / "train", folder / name)
    raise RequestError(
        f"data.root = {root} has no train/ with val/ or test/\n  hold a share out instead: data.split=0.1"
    )


def _pair(train: Path, eval: Path) -> Splits:
    parts = Splits(listing(train), listing(eval), f"{train} and {eval}")
    if parts.train.classes != parts.eval.classes:
        odd = sorted(set(parts.train.classes) ^ set(parts.eval.classes))
        raise RequestError(f"{train} and {eval} have different classes: {', '.join(odd[:5])}")
    return parts


def listing(folder: Path) -> Listing:
    """Raises RequestError where there is no picture."""
    if not folder.is_dir():
        raise RequestError(f"{folder} is not a folder")
    classes = tuple(sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()))
    files = [(name, label) for label, kind in enumerate(classes) for name in _pictures(folder, kind)]
    if not files:
        raise RequestError(f"no pictures in the class folders of {folder} (looked for {', '.join(SUFFIXES)})")
    return Listing(folder, tuple(name for name, _ in files), classes, tuple(label for _, label in files))


def _pictures(folder: Path, kind: str) -> list[str]:
    found = (f"{kind}/{entry.name}" for entry in os.scandir(folder / kind) if entry.is_file())
    return sorted(name for name in found if name.lower().endswith(SUFFIXES))


def _carve(whole: Listing, share: float) -> tuple[Listing, Listing]:
    """Splits each class alike, the same way for every seed."""
    labels = np.array(whole.labels)
    eval = np.zeros(len(labels), dtype=bool)
    for kind in range(len(whole.classes)):
        members = generator(SPLIT_SEED, 0, kind).permutation(np.flatnonzero(labels == kind))
        eval[members[: max(1, round(share * len(members)))]] = True
    return _subset(whole, ~eval), _subset(whole, eval)


def _subset(whole: Listing, chosen: np.ndarray) -> Listing:
    indices = np.flatnonzero(chosen)
    files, labels = tuple(whole.files[i] for i in indices), tuple(whole.labels[i] for i in indices)
    if not files:
        raise RequestError(f"nothing is left of {whole.root} on one side of the split")
    return Listing(whole.root, files, whole.classes, labels)
