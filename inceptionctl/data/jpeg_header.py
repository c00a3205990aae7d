"""What the header of a JPEG file says of the way in which it has to be decoded. No torch."""

from __future__ import annotations

from PIL import Image

from inceptionctl.data.orientation import is_upright

START = b"\xff\xd8"
FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended and progressive, with Huffman codes
APPLICATION, SCAN = range(0xE0, 0xF0), 0xDA
PASSED_OVER = {0xC4, 0xDB, 0xDD, 0xFE, *APPLICATION}  # tables and comments, which the decoder checks itself
SEVERAL_IMAGES, EXIF, XMP = b"MPF\0", b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
SHORTEST = {b"JFIF": 7, b"Adobe": 7, b"ICC_PROFILE\0": 14}  # bytes that Pillow reads of such segments


def size_of_plain_jpeg(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a JPEG file in colour or grey that needs nothing done to it once it is decoded. None for any
    other, and for what Pillow might refuse. Pillow, which takes ten times as long, is asked only where an image may
    have to be turned."""
    at, size, may_be_turned = len(START), None, False
    while data.startswith(START) and at + 4 <= len(data) and data[at] == 0xFF:
        marker, end = data[at + 1], at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        segment = data[at + 4 : end]
        if marker == SCAN:
            return None if may_be_turned and not is_upright(data) else size
        if marker in FRAMES and size is None:
            size = _size(segment)
            if size is None:
                return None
        elif marker not in PASSED_OVER or (marker in APPLICATION and not _is_plain(segment)):
            return None
        may_be_turned |= _may_turn(segment)
        at = end
    return None


def _size(frame: bytes) -> tuple[int, int] | None:
    """Of one or three components of 8 bits, and no more pixels than Pillow opens without a word."""
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    if len(frame) < 6 or frame[0] != 8 or frame[5] not in (1, 3):
        return None
    return (width, height) if 0 < width * height <= (Image.MAX_IMAGE_PIXELS or 0) else None


def _is_plain(segment: bytes) -> bool:
    """Of an application."""
    if segment.startswith(SEVERAL_IMAGES):
        return False
    return all(len(segment) >= least for name, least in SHORTEST.items() if segment.startswith(name))


def _may_turn(segment: bytes) -> bool:
    return segment.startswith(EXIF) or (segment.startswith(XMP) and b"tiff:Orientation" in segment)
