"""How a stored image has to be turned, by EXIF or, without it, by XMP. No torch."""

from __future__ import annotations

import io
import warnings
from contextlib import suppress

from PIL import ExifTags, Image

UPRIGHT = 1
TURNED = range(2, 9)
SIDEWAYS = range(5, 9)  # of these, which exchange width and height


def orientation(image: Image.Image) -> int:
    """UPRIGHT, or one of TURNED; UPRIGHT where it cannot be parsed, since the pixels then stay as they are stored."""
    with suppress(Exception):
        found = int(image.getexif().get(ExifTags.Base.Orientation, UPRIGHT))
        return found if found in TURNED else UPRIGHT
    return UPRIGHT


def is_upright(data: bytes) -> bool:
    """Whether the bytes are one image in a JPEG file whose pixels are stored upright. Reads its header."""
    with suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow, about metadata
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            return image.format == "JPEG" and orientation(image) == UPRIGHT
    return False
