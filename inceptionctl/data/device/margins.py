"""Boxes that reach beyond their image."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import pad

from inceptionctl.data.lazy_image import Box


def inside(box: Box, size: tuple[int, int]) -> Box:
    """What of `box` lies inside an image of `size`, (width, height)."""
    (left, top, right, bottom), (width, height) = box, size
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)


def padded(pixels_HWC: Tensor, box: Box, size: tuple[int, int]) -> Tensor:
    """`pixels_HWC` of what lies inside, with what lies beyond, which is black."""
    (left, top, right, bottom), within = box, inside(box, size)
    if box == within:
        return pixels_HWC
    return pad(pixels_HWC, (0, 0, within[0] - left, right - within[2], within[1] - top, bottom - within[3]))
