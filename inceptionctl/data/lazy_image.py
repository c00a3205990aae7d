"""Images whose size is known before their pixels are: an augmentation asks for the part that it takes. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

Box = tuple[int, int, int, int]  # left, top, right, bottom, in whole pixels
Window = tuple[float, float, float, float]  # the same, at any place


class LazyImage(Protocol):
    """One image, upright and in RGB."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        ...

    def crop(self, box: Box) -> np.ndarray:
        """uint8, (height, width, 3) of `box`; what lies beyond the image is black. Raises DataError for an image that
        cannot be decoded."""
        ...

    def whole(self) -> np.ndarray:
        """uint8, (height, width, 3), that can be written to. Raises DataError as `crop`."""
        ...


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """`pixels`: uint8, (height, width, 3)."""

    pixels: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        height, width, _ = self.pixels.shape
        return width, height

    def crop(self, box: Box) -> np.ndarray:
        """As `LazyImage.crop`. Only what is cut out is copied, and only where torch, which wants to write, needs it."""
        left, top, right, bottom = box
        width, height = self.size
        inside = self.pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        if left < 0 or top < 0 or right > width or bottom > height:
            margins = (max(-top, 0), max(bottom - height, 0)), (max(-left, 0), max(right - width, 0)), (0, 0)
            return np.pad(inside, margins)
        return np.require(inside, requirements="W")

    def whole(self) -> np.ndarray:
        return np.require(self.pixels, requirements="W")
