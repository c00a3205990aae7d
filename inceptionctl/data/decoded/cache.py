"""Whether decoded images are held in memory, by `data.cache`, and where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from inceptionctl.data.decoded.for_device import DeviceImage, ForDevice
from inceptionctl.data.decoded.pixel_file import TooLarge
from inceptionctl.data.decoded.size import estimated_bytes, least_bytes, raw_bytes
from inceptionctl.data.decoded.store import shared
from inceptionctl.data.index import FileList
from inceptionctl.errors import RequestError, bytes_text, count, warn

Cache = Literal["auto", "memory", "device", "none"]
MOST_BYTES = 4 << 30  # of all images of a run
AUTO_BYTES = 2_000_000_000  # the same, by `auto`
ASKED = ("memory", "device")  # what is refused where it cannot be done
REMEDY = "data.cache=none reads images as they are needed"


class DecodedImages(Protocol):
    """The decoded images of a list, held somewhere."""

    def image(self, index: int) -> np.ndarray | DeviceImage | None:
        """uint8, (height, width, 3), of the caller alone, or where the rank has them on its device; None for one that
        has to be read from its file."""
        ...


@dataclass(frozen=True)
class Choice:
    """Whether images are held, and the sentence that says so with its reason."""

    holds: bool
    sentence: str


def choose(splits: Mapping[str, FileList], cache: Cache) -> Choice:
    """By `cache` = "auto": decoded images are held unless they are large or lie there as pixels. Large ones are found
    so without a look at any of them."""
    every = [files for files in splits.values() if len(files)]
    if cache == "none":
        return _read(cache, "")
    if cache == "auto":
        if all(raw_bytes(files) is not None for files in every):
            return _read(cache, ": they lie there as pixels")
        if (size := sum(map(least_bytes, every))) >= AUTO_BYTES:
            return _read(cache, f": decoded, they need at least {bytes_text(size)}")
    size = sum(map(estimated_bytes, every))
    if cache == "auto" and size >= AUTO_BYTES:
        return _read(cache, f": decoded, they need about {bytes_text(size)}")
    where = "on the device of each rank, those to evaluate on in memory" if cache == "device" else "in memory"
    held = f"{count(sum(map(len, every)), 'image')}, {bytes_text(size)}"
    return Choice(True, f"decoded images are held {where} (data.cache={cache}): {held}")


def _read(cache: Cache, why: str) -> Choice:
    return Choice(False, f"images are read as they are needed (data.cache={cache}){why}")


def open_cached(splits: Mapping[str, FileList], cache: Cache) -> Mapping[str, DecodedImages]:
    """The decoded images of each split, if they are held. Raises RequestError for "memory" and "device" where they are
    too large."""
    if not choose(splits, cache).holds:
        return {}
    check_size(splits.values(), cache)
    try:
        return _held(splits, cache)
    except TooLarge as error:
        found = f"data.cache={cache}: the first {error.images:,} decoded images need more than {bytes_text(error.most)}"
        if cache in ASKED:
            raise RequestError(f"{found}, the most that is held\n  {REMEDY}") from error
        warn(f"{found}: images are read as they are needed")
        return {}


def check_size(splits: Collection[FileList], cache: Cache) -> None:
    """Raises RequestError for images that are too large for "memory" and "device"."""
    if cache in ASKED and (size := sum(map(estimated_bytes, splits))) > MOST_BYTES:
        raise RequestError(
            f"data.cache={cache}: the decoded images need about {bytes_text(size)}, and {bytes_text(MOST_BYTES)} is "
            f"the most that is held\n  {REMEDY}"
        )


def _held(splits: Mapping[str, FileList], cache: Cache) -> Mapping[str, DecodedImages]:
    held, left = dict[str, DecodedImages](), MOST_BYTES
    for split, files in splits.items():
        if len(files):
            found = shared(files, left)
            held[split] = ForDevice(files, found) if (split, cache) == ("train", "device") else found
            left -= found.size
    return held
