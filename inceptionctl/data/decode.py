"""Reads images: the one decoder of training, evaluation and `predict`, but for crops that `crop_decoder` and `device`
decode alone.

Pillow reads every format. It opens JPEG files too, but simplejpeg decodes those that need nothing done to them
afterwards: the bits are Pillow's, in three quarters of the time (benchmarks/input_pipeline.py).
"""

from __future__ import annotations

import io
import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL import __version__ as pillow_version

from inceptionctl.data.crop_decoder import decode_crop
from inceptionctl.data.index import MAX_IMAGE_BYTES, FileList
from inceptionctl.data.jpeg_header import size_of_plain_jpeg
from inceptionctl.data.lazy_image import Box, DecodedImage, LazyImage
from inceptionctl.errors import DataError
from inceptionctl.files import FileError, read_bytes

# Formats of Pillow that are not read: EPS starts Ghostscript, the others have no decoder of their own.
EXCLUDED = {"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"}
USUAL = ("JPEG", "PNG")  # tried first
BITS_PER_SAMPLE = 258  # a tag of TIFF


@cache
def formats() -> tuple[str, ...]:
    """The formats that are read, by Pillow's names, in the order in which they are tried."""
    Image.init()
    return (*USUAL, *(name for name in Image.ID if name not in EXCLUDED | {*USUAL}))


@cache
def suffixes() -> frozenset[str]:
    """The suffixes of the formats that are read, in lower case; a JPEG of several images has one of its own."""
    read = {*formats(), "MPO"}
    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in read)


def decoder() -> str:
    """The decoder for an evaluation's record: an image's values depend on its version and on these rules."""
    return f"pillow {pillow_version}, simplejpeg {simplejpeg.__version__}, EXIF orientation applied, 16 bits >> 8"


def read_pixels(files: FileList, index: int) -> np.ndarray:
    """Image `index` of `files`, decoded: uint8, (height, width, 3). Raises DataError for one that cannot be read."""
    return read_image(files, index).whole()


def read_image(files: FileList, index: int) -> LazyImage:
    """Image `index` of `files`: a plain JPEG file is decoded when its pixels are asked for, any other image here.
    Raises DataError for one that cannot be read, and so do its pixels."""
    try:
        data = files.read(index)
    except FileError as error:
        reason = str(error).removeprefix(f"{files.path(index)} cannot be read: ")
        raise DataError(f"image {files.name(index)} cannot be read: {reason}") from error
    raw = files.ranges.pixels(index, data) if files.ranges else None
    if raw is not None:
        return DecodedImage(raw)
    name = files.name(index)
    size = size_of_plain_jpeg(data)
    return PlainJpeg(data, name, size) if size else DecodedImage(by_pillow(data, name))


def decode(path: Path) -> Image.Image:
    """The image of a file in RGB, upright by its EXIF orientation, read to its end.

    Transparency is dropped; of 16 bits the higher eight are taken, as viewers do. Raises DataError for a file that is
    not an image, is cut off, is larger than Pillow's limit, or has 32-bit values, whose range no file states.
    """
    try:
        return Image.fromarray(decode_bytes(read_bytes(path, MAX_IMAGE_BYTES), str(path)))
    except FileError as error:
        raise DataError(f"image {error}") from error


def decode_bytes(data: bytes, name: str) -> np.ndarray:
    """The pixels of an encoded image, as `read_pixels` gives them. Raises DataError as `decode`."""
    size = size_of_plain_jpeg(data)
    return PlainJpeg(data, name, size).whole() if size else by_pillow(data, name)


@dataclass(frozen=True, eq=False)
class PlainJpeg:
    """A JPEG file of `size`, (width, height), that needs nothing done to it once it is decoded. `name`: for errors."""

    data: bytes
    name: str
    size: tuple[int, int]

    def crop(self, box: Box) -> np.ndarray:
        """As `LazyImage.crop`."""
        pixels = decode_crop(self.data, box) if self._is_part(box) else None
        return DecodedImage(self.whole()).crop(box) if pixels is None else pixels

    def _is_part(self, box: Box) -> bool:
        left, top, right, bottom = box
        return box != (0, 0, *self.size) and min(left, top) >= 0 and right <= self.size[0] and bottom <= self.size[1]

    def whole(self) -> np.ndarray:
        try:
            decoded: np.ndarray = simplejpeg.decode_jpeg(self.data, "RGB", strict=True)
            return decoded
        except ValueError:  # any doubt of the decoder's: Pillow tells what can be read from what cannot
            return by_pillow(self.data, self.name)


def by_pillow(data: bytes, name: str) -> np.ndarray:
    """Of any format that is read. Raises DataError as `decode`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about metadata
            with Image.open(io.BytesIO(data), formats=formats()) as image:
                return _pixels(image)
    except UnidentifiedImageError as error:
        raise DataError(f"image {name} cannot be read: it is of no format that is read") from error
    except Exception as error:  # broken files make Pillow raise nearly anything, SyntaxError and struct.error included
        reason = getattr(error, "strerror", None) or error
        advice = " Scale the image down." if isinstance(error, Image.DecompressionBombError) else ""
        raise DataError(f"image {name} cannot be read: {reason}{advice}") from error


def _pixels(image: Image.Image) -> np.ndarray:
    """Of an image that Pillow has opened."""
    _turn_upright(image)
    return np.array(_to_eight_bits(image).convert("RGB"))


def _turn_upright(image: Image.Image) -> None:
    image.load()
    with suppress(Exception):  # EXIF that cannot be parsed: the pixels are whole, and stay as they are stored
        ImageOps.exif_transpose(image, in_place=True)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """A mode that `convert` turns into RGB without clipping values and without a warning."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        bits = max(8, _bits(image))
        return Image.fromarray((np.asarray(image).astype(np.int32) >> (bits - 8)).clip(0, 255).astype(np.uint8))
    if image.mode in ("I", "F"):
        kind = "integers" if image.mode == "I" else "floating point"
        raise ValueError(f"its values are 32-bit {kind} of unknown range; convert it to 8 or 16 bits")
    return image.convert("RGBA") if image.mode == "P" and "transparency" in image.info else image


def _bits(image: Image.Image) -> int:
    """Bits of a grey value that are used: 16, or what a TIFF of, say, 12 bits states."""
    tags = getattr(image, "tag_v2", {})
    return int(tags[BITS_PER_SAMPLE][0]) if BITS_PER_SAMPLE in tags else 16
