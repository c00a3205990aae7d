"""The libraries that decode images, and whether they give the same bits."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import simplejpeg
from PIL import Image, features

from inceptionctl.data.crop_decoder import PACKAGE, decode_crop, is_installed
from inceptionctl.data.decode import decoder
from inceptionctl.doctor.finding import Finding, note, ok
from inceptionctl.runs.environment import installed

CHECK = "decoders"
BOX = (8, 8, 40, 40)


def check() -> Iterator[Finding]:
    data = example()
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(image)
    yield _whole(simplejpeg.decode_jpeg(data, "RGB"), expected)
    yield _crop(decode_crop(data, BOX) if is_installed() else None, expected)


def example() -> bytes:
    """A small JPEG file, with its colours at half the resolution, as cameras have them."""
    values = np.arange(64, dtype=np.uint8) * 3
    pixels = np.stack([*np.broadcast_arrays(values[:, None], values[None], np.uint8(90))], axis=-1)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90, subsampling="4:2:0")
    return file.getvalue()


def _whole(pixels: np.ndarray, expected: np.ndarray) -> Finding:
    turbo = features.version("libjpeg_turbo")
    library = f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {features.version('jpg')}, without turbo"
    message = f"{decoder()}; Pillow decodes JPEG by {library}"
    values = {"pillow": installed("pillow"), "simplejpeg": installed("simplejpeg"), "libjpeg": library}
    if np.array_equal(pixels, expected):
        return ok(CHECK, message, same_bits=True, **values)
    text = f"{message}: Pillow and simplejpeg differ by up to {_difference(pixels, expected)} of 255"
    return note(
        CHECK,
        text,
        "pip install --upgrade pillow simplejpeg: errors of other machines may differ",
        same_bits=False,
        **values,
    )


def _crop(pixels: np.ndarray | None, expected: np.ndarray) -> Finding:
    """nvImageCodec is a matter of speed: without it, JPEG files are decoded whole."""
    left, top, right, bottom = BOX
    version = installed(PACKAGE)
    if not is_installed():
        return ok(
            CHECK, "nvImageCodec is not installed: it would decode crops alone (extra gpu-decode)", nvimgcodec=None
        )
    if pixels is None:
        return note(
            CHECK,
            f"nvImageCodec {version} decodes nothing here",
            f"pip install --upgrade {PACKAGE}",
            nvimgcodec=version,
        )
    part = expected[top:bottom, left:right]
    if np.array_equal(pixels, part):
        return ok(CHECK, f"nvImageCodec {version} decodes crops of JPEG files alone", nvimgcodec=version)
    message = f"nvImageCodec {version} and Pillow differ by up to {_difference(pixels, part)} of 255"
    return note(CHECK, message, f"pip install --upgrade {PACKAGE} pillow", nvimgcodec=version)


def _difference(pixels: np.ndarray, expected: np.ndarray) -> int:
    return int(np.abs(pixels.astype(int) - expected.astype(int)).max())
