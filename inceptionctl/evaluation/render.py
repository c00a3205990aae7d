"""Renders the crops of one decoded image: Pillow resizes, whatever needs no resize is copied. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL import __version__ as pillow_version

from inceptionctl.errors import DataError
from inceptionctl.evaluation.crops import Box, Crop, Size

MOST_PIXELS = 2 * 89_478_485  # Pillow's limit for an image that is opened


def resizer() -> str:
    """What resizes views, for an evaluation's record: an image's values depend on its version."""
    return f"pillow {pillow_version}"


@dataclass(frozen=True)
class Render:
    """From an image of any size to the network's input: uint8, (pixels, pixels, 3), or (crops, pixels, pixels, 3) where
    `crops`, from the size of an image, gives several. `pixels` is None for crops that keep their own size."""

    crops: Callable[[Size], Sequence[Crop]]
    pixels: int | None
    interpolation: Image.Resampling

    def __call__(self, image: Image.Image, random: np.random.Generator) -> np.ndarray:
        crops = self.crops(image.size)
        views_VHWC = render(image, crops, self.pixels, self.interpolation)
        return views_VHWC if len(crops) > 1 else views_VHWC[0]


def render(image: Image.Image, crops: Sequence[Crop], pixels: int | None, method: Image.Resampling) -> np.ndarray:
    """uint8, (crops, pixels, pixels, 3). The image is resized once for each size, and crops that coincide once.

    A crop that is resized is cut by the filter, which sees what lies beside it. Raises DataError for an image so narrow
    that it would become too large.
    """
    resized = {size: _resized(image, size, method) for size in dict.fromkeys(crop.size for crop in crops)}
    arrays = {size: np.asarray(one) for size, one in resized.items()}
    views = dict[Crop, np.ndarray]()
    for crop in crops:
        window = _window(crop.box, pixels)
        if crop not in views and window:
            views[crop] = arrays[crop.size][window]
        elif crop not in views and pixels:
            views[crop] = np.asarray(resized[crop.size].resize((pixels, pixels), method, box=crop.box))
    return np.stack([views[crop] for crop in crops])


def _resized(image: Image.Image, size: Size | None, method: Image.Resampling) -> Image.Image:
    if size is None or size == image.size:
        return image
    if size[0] * size[1] > MOST_PIXELS:
        raise DataError(f"an image of {image.width} x {image.height} would be resized to {size[0]} x {size[1]}")
    return image.resize(size, method)


def _window(box: Box, pixels: int | None) -> tuple[slice, slice] | None:
    """The rows and columns of a box that has the network's size already, or keeps its own."""
    left, top, right, bottom = map(int, box)
    if pixels:
        right, bottom = left + pixels, top + pixels
    return (slice(top, bottom), slice(left, right)) if box == (left, top, right, bottom) else None
