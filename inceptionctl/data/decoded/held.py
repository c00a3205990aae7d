"""Whether decoded images are held in memory, by `data.cache`, and where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, Protocol

import numpy as np

from inceptionctl.data.decoded.pixel_file import TooLarge
from inceptionctl.data.decoded.size import estimated_bytes, least_bytes, raw_bytes
from inceptionctl.data.decoded.store import shared
from inceptionctl.data.index import FileList
from inceptionctl.errors import RequestError, bytes_text, count, warn

Cache = Literal["auto", "memory", "none"]
MOST_BYTES = 4 << 30  # of all images of a run
AUTO_BYTES = 2_000_000_000  # the same, by `auto`
REMEDY = "data.cache=none reads images as they are needed"


class DecodedImages(Protocol):
    """The decoded images of a list, held somewhere."""

    def image(self, index: int) -> np.ndarray | None:
        """uint8, (height, width, 3), of the caller alone; None for one that has to be read from its file."""
        ...


def hold(splits: Mapping[str, FileList], cache: Cache) -> Mapping[str, DecodedImages]:
    """The decoded images of each split that are held; none by `cache` = "none", and by "auto", which says why, where
    they are large or need no decoding. Raises RequestError for "memory" where they are too large."""
    if cache == "none":
        return {}
    if cache == "auto":
        reason = _reason_against(splits.values())
        warn(f"data.cache=auto: {reason or _reason_for(splits.values())}")
        if reason:
            return {}
    check_size(splits.values(), cache)
    try:
        return _held(splits)
    except TooLarge as error:
        found = f"data.cache={cache}: the first {error.images:,} decoded images need more than {bytes_text(error.most)}"
        if cache == "memory":
            raise RequestError(f"{found}, the most that is held\n  {REMEDY}") from error
        warn(f"{found}: images are read as they are needed")
        return {}


def _held(splits: Mapping[str, FileList]) -> Mapping[str, DecodedImages]:
    held, left = dict[str, DecodedImages](), MOST_BYTES
    for split, files in splits.items():
        if len(files):
            held[split] = found = shared(files, left)
            left -= found.size
    return held


def check_size(splits: Collection[FileList], cache: Cache) -> None:
    """Raises RequestError for images that are too large for "memory"."""
    if cache == "memory" and (size := sum(map(estimated_bytes, splits))) > MOST_BYTES:
        raise RequestError(
            f"data.cache=memory: the decoded images need about {bytes_text(size)}, and {bytes_text(MOST_BYTES)} is the "
            f"most that is held\n  {REMEDY}"
        )


def _reason_against(splits: Collection[FileList]) -> str:
    """Why "auto" does not hold the images; "" where it does. Large ones are found so without a look at any of them."""
    splits = [files for files in splits if len(files)]
    if all(raw_bytes(files) is not None for files in splits):
        return "images are read as they are needed, since they lie there as pixels"
    size, how = sum(map(least_bytes, splits)), "at least"
    if size < AUTO_BYTES:
        size, how = sum(map(estimated_bytes, splits)), "about"
    if size < AUTO_BYTES:
        return ""
    return f"images are read as they are needed, since decoded ones need {how} {bytes_text(size)}"


def _reason_for(splits: Collection[FileList]) -> str:
    size, images = sum(map(estimated_bytes, splits)), sum(map(len, splits))
    return f"{count(images, 'decoded image')} are held in memory, since they need {bytes_text(size)}"
