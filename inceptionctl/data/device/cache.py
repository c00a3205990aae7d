"""Decoded images on the rank's device, all in one tensor, out of which crops are cut (`data.cache=device`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from inceptionctl.data.decoded.for_device import ForDevice
from inceptionctl.data.device.margins import inside, padded
from inceptionctl.data.lazy_image import Box
from inceptionctl.errors import DataError, bytes_text

PIECE_BYTES = 64 << 20  # copied to the device at once
# Of this process, for as long as the images are in use. Only a rank asks for them, at its first batch: its workers were
# forked, and may not use a GPU.
PIXELS: WeakKeyDictionary[ForDevice, dict[torch.device, Tensor]] = WeakKeyDictionary()


@dataclass(frozen=True)
class CachedImage:
    """`index`: of the image; `size`: its (width, height); `box`: what is cut out, black beyond the image."""

    index: int
    size: tuple[int, int]
    box: Box

    @property
    def length(self) -> int:
        """Bytes that a batch has of it."""
        return 0


def cut_out(images: Sequence[CachedImage], cached: ForDevice, device: torch.device) -> list[Tensor]:
    """The pixels of their boxes, uint8, (height, width, 3), on `device`. Raises DataError as `on_device`."""
    pixels_B, found = on_device(cached, device), list[Tensor]()
    for image in images:
        (width, height), (left, top, right, bottom) = image.size, inside(image.box, image.size)
        begin = int(cached.file.begins_N[image.index])
        image_HWC = pixels_B[begin : begin + 3 * width * height].view(height, width, 3)
        found.append(padded(image_HWC[top:bottom, left:right], image.box, image.size))
    return found


def on_device(cached: ForDevice, device: torch.device) -> Tensor:
    """All pixels of `cached`, uint8, of one dimension, copied to `device` when they are asked for first. Raises
    DataError where they do not fit there, and as `ForDevice.pixels`."""
    by_device = PIXELS.setdefault(cached, {})
    if device not in by_device:
        by_device[device] = _copied(cached, device)
    return by_device[device]


def _copied(cached: ForDevice, device: torch.device) -> Tensor:
    pixels_B, begin = _allocated(cached.file.size, device), 0
    for piece in cached.pieces(PIECE_BYTES):
        pixels_B[begin : begin + piece.size].copy_(torch.from_numpy(piece))
        begin += piece.size
    return pixels_B


def _allocated(size: int, device: torch.device) -> Tensor:
    try:
        return torch.empty(size, dtype=torch.uint8, device=device)
    except RuntimeError as error:
        if device.type != "cpu" and not isinstance(error, torch.OutOfMemoryError):  # which is not raised on a CPU
            raise
        raise DataError(
            f"data.cache=device: the decoded images need {bytes_text(size)}, which {device} does not have free\n"
            "  data.cache=memory holds them in the memory of the machine"
        ) from error
