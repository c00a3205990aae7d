"""Inspects one image: what it is, whether training can read it, and how its values lie."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile

from inceptionctl.data.decode import BITS_PER_SAMPLE, decode_bytes, formats, read_pixels
from inceptionctl.data.index import FileList
from inceptionctl.data.orientation import SIDEWAYS, UPRIGHT, orientation
from inceptionctl.errors import DataError
from inceptionctl.files import FileError, open_file

# What an image may be that training reads all the same.
FACTS = ("cmyk", "grey", "palette", "transparency", "sixteen_bits", "other_suffix", "several_frames", "exif_rotated")
PNG, PNG_DEPTH = b"\x89PNG\r\n\x1a\n", 24  # how a PNG begins, and where it states bits a value: Pillow hides 16


@dataclass(frozen=True)
class Inspection:
    """`error`: why training cannot read the image, "" if it can; `tolerant`: a decoder that fills in what is missing
    can. `width` and `height` are those of the upright image, 0 where unknown; `facts`: of FACTS; `digest`: SHA-256 of
    its bytes, empty where there are none."""

    error: str = ""
    tolerant: bool = False
    format: str = ""
    mode: str = ""
    width: int = 0
    height: int = 0
    facts: tuple[str, ...] = ()
    digest: bytes = b""


def inspect(files: FileList, index: int) -> Inspection:
    """Decodes an image as training does."""
    try:
        data = files.read(index)
    except FileError as error:
        return Inspection(str(error).rpartition("cannot be read: ")[2])
    if not data:
        return Inspection("a file of 0 bytes")
    if files.ranges and (shape := files.ranges.pixel_shape(index)):
        return _pixels(shape, hashlib.sha256(data).digest())
    problem = _problem(data)
    tolerant = bool(problem) and _is_read_tolerantly(data)
    width, height, form, mode, facts = _header(data, os.fsdecode(files.paths_N[index]))
    return Inspection(problem, tolerant, form, mode, width, height, facts, hashlib.sha256(data).digest())


def measure(files: FileList, index: int) -> Inspection:
    """What the head of an image says: the rest is neither decoded nor, of a file of its own, read."""
    if files.ranges and (shape := files.ranges.pixel_shape(index)):
        return _pixels(shape, b"")
    try:
        with _stream(files, index) as stream, _opened(stream) as image:
            width, height = _upright_size(image)
            return Inspection(format=image.format or "", mode=image.mode, width=width, height=height)
    except Exception:  # damaged files make Pillow raise nearly anything
        return Inspection("its head cannot be read")


def moments(files: FileList, index: int) -> np.ndarray | None:
    """(2, 3): the means of the channels of an image and of their squares, of values from 0 to 1; None for one that
    cannot be read."""
    try:
        values = np.asarray(read_pixels(files, index), dtype=np.float64) / 255
    except DataError:
        return None
    return np.stack([values.mean(axis=(0, 1)), (values**2).mean(axis=(0, 1))])


def _pixels(shape: tuple[int, ...], digest: bytes) -> Inspection:
    height, width, channels = shape
    mode, facts = ("RGB", ()) if channels == 3 else ("L", ("grey",))
    return Inspection("", False, "pixels", mode, width, height, facts, digest)


def _problem(data: bytes) -> str:
    try:
        decode_bytes(data, "")
    except DataError as error:
        return str(error).partition("cannot be read: ")[2]
    return ""


def _is_read_tolerantly(data: bytes) -> bool:
    with _tolerant():
        return not _problem(data)


@contextmanager
def _tolerant() -> Iterator[None]:
    """Has Pillow fill in what a file lacks."""
    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _stream(files: FileList, index: int) -> BinaryIO:
    """An image to read from: of a file of its own no more than is read. Raises FileError."""
    return io.BytesIO(files.read(index)) if files.ranges else open_file(files.path(index))


@contextmanager
def _opened(stream: BinaryIO) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow, about metadata
        with Image.open(stream, formats=formats()) as image:
            yield image


def _header(data: bytes, name: str) -> tuple[int, int, str, str, tuple[str, ...]]:
    """(width, height, format, mode, facts); nothing of what is no image."""
    with suppress(Exception), _opened(io.BytesIO(data)) as image:
        (width, height), facts = _upright_size(image), zip(FACTS, _facts(image, data, name), strict=True)
        return width, height, image.format or "", image.mode, tuple(fact for fact, is_so in facts if is_so)
    return 0, 0, "", "", ()


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if orientation(image) in SIDEWAYS else (width, height)


def _facts(image: Image.Image, data: bytes, name: str) -> Iterator[bool]:
    """Whether each of FACTS is the case."""
    yield image.mode in ("CMYK", "YCCK")
    yield image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")
    yield image.mode in ("P", "PA")
    yield "transparency" in image.info or image.mode in ("RGBA", "RGBa", "LA", "La", "PA")
    yield _has_sixteen_bits(image, data)
    yield _is_named_otherwise(image, name)
    yield image.format != "MPO" and getattr(image, "n_frames", 1) > 1  # MPO: a camera's preview images
    yield orientation(image) != UPRIGHT


def _has_sixteen_bits(image: Image.Image, data: bytes) -> bool:
    tags = getattr(image, "tag_v2", {})
    bits = max(tags[BITS_PER_SAMPLE]) if BITS_PER_SAMPLE in tags else 8
    bits = data[PNG_DEPTH] if data.startswith(PNG) else bits
    return bits > 8 or image.mode.startswith("I")


def _is_named_otherwise(image: Image.Image, name: str) -> bool:
    """Whether the suffix is that of another format."""
    usual = Image.registered_extensions().get(os.path.splitext(name)[1].lower())
    actual = "JPEG" if image.format == "MPO" else image.format
    return usual is not None and ("JPEG" if usual == "MPO" else usual) != actual
