"""Decodes the crop of a JPEG file alone, where nvImageCodec is installed (the extra `gpu-decode`), on the CPU in one
thread: the bits are those of the whole image's crop (benchmarks/input_pipeline.py has the time).

A file that is cut short is found by its missing end, and refused as without the package. Other damage is not always
found: of files with changed bytes, the whole decoder refuses one in forty, most of which this reads. `data check`
decodes whole images.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from inceptionctl.data.lazy_image import Box
from inceptionctl.errors import warn

PACKAGE = "nvidia-nvimgcodec-cu13"
END = b"\xff\xd9"


def decode_crop(data: bytes, box: Box) -> np.ndarray | None:
    """uint8, (height, width, 3) of a part that lies within a JPEG file's image; None where the whole file has to be
    decoded: without the package, in any doubt, and for a file that does not end as a whole one does."""
    codec = _codec(os.getpid()) if data.endswith(END) and is_installed() else None
    if codec is None:
        return None
    library, decoder = codec
    left, top, right, bottom = box
    with suppress(Exception):  # of a file that it cannot read, whatever kind that has
        crop = library.CodeStream(data).get_sub_code_stream(region=library.Region(top, left, bottom, right))
        pixels: np.ndarray = np.require(decoder.decode(crop, params=as_stored(library)).cpu(), requirements="W")
        if pixels.shape == (bottom - top, right - left, 3):
            return pixels
    return None


def as_stored(library: Any) -> Any:  # noqa: ANN401
    """nvImageCodec's parameters for images that need not be turned. It turns by EXIF as it reads it, unless told not
    to."""
    return library.DecodeParams(apply_exif_orientation=False)


@cache
def is_installed() -> bool:
    with suppress(ImportError):  # of the package that it lies in
        return find_spec("nvidia.nvimgcodec") is not None
    return False


@lru_cache(maxsize=1)
def _codec(process: int) -> tuple[Any, Any] | None:
    """The library and a decoder of this process: one that was forked has none of its parent's threads."""
    try:
        with without_words():
            from nvidia import nvimgcodec

            backends = [nvimgcodec.Backend(nvimgcodec.BackendKind.CPU_ONLY)]
            decoder = nvimgcodec.Decoder(
                device_id=nvimgcodec.NVIMGCODEC_DEVICE_CPU_ONLY, backends=backends, max_num_cpu_threads=1
            )
    except Exception as error:  # a library that does not match the machine
        warn(f"{PACKAGE} cannot be used: {error}; JPEG files are decoded whole")
        return None
    return nvimgcodec, decoder


@contextmanager
def without_words() -> Iterator[None]:
    """The library says on stderr that decoders for a GPU are missing, which nothing here needs."""
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
