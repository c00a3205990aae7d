"""Photometric distortions as TensorFlow defines them, on floats: (3, height, width), 0 to 1 before the first of them.

Values may leave that range in between, as in `tf.image`; they are clipped once, at the end, as in TF-slim.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Distortions = tuple[tuple[str, float], ...]  # the name and the amount of each, in their order


@dataclass(frozen=True)
class Distortion:
    """`amount` is drawn evenly from `low` to `high`."""

    name: str
    low: float
    high: float

    def draw(self, random: np.random.Generator) -> float:
        return random.uniform(self.low, self.high)


def distorted(image: np.ndarray, distortions: Distortions) -> np.ndarray:
    """uint8, (height, width, 3), of the same."""
    planes = np.ascontiguousarray(image.transpose(2, 0, 1)).astype(np.float32)
    planes /= 255
    for name, amount in distortions:
        planes = BY_NAME[name](planes, amount)
    np.clip(planes, 0, 1, out=planes)
    planes *= 255
    bytes_HWC: np.ndarray = np.rint(planes, out=planes).astype(np.uint8).transpose(1, 2, 0)
    return bytes_HWC


def brightened(image: np.ndarray, delta: float) -> np.ndarray:
    return image + delta


def saturated(image: np.ndarray, factor: float) -> np.ndarray:
    """HSV's saturation times `factor`, at most full: scales the distance of each channel from the largest one."""
    value = image.max(axis=0)
    chroma = value - image.min(axis=0)
    stretch = factor * chroma
    np.minimum(stretch, np.maximum(value, 0), out=stretch)  # below 0 there is no saturation
    stretch /= np.where(chroma > 0, chroma, 1)
    distance = value - image
    distance *= stretch
    stretched: np.ndarray = np.subtract(value, distance, out=distance)
    return stretched


def hue_shifted(image: np.ndarray, turn: float) -> np.ndarray:
    """HSV's hue moved by `turn` of the full circle."""
    value, chroma = _value(image), _chroma(image)
    hue = (_hue(image, value, chroma) + 6 * turn) % 6
    return np.stack([value - chroma * _distance(hue, corner) for corner in (0, 2, 4)])


def contrasted(image: np.ndarray, factor: float) -> np.ndarray:
    """Each channel's distance from its mean over the image, times `factor`."""
    mean = image.mean(axis=(1, 2), keepdims=True)
    spread: np.ndarray = (image - mean) * factor + mean
    return spread


BY_NAME: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "brightness": brightened,
    "saturation": saturated,
    "hue": hue_shifted,
    "contrast": contrasted,
}

# TF-slim, inception_preprocessing: the amounts, and one of four orders; in fast mode three of them are the same.
BRIGHTNESS = Distortion("brightness", -32 / 255, 32 / 255)
SATURATION = Distortion("saturation", 0.5, 1.5)
HUE = Distortion("hue", -0.2, 0.2)
CONTRAST = Distortion("contrast", 0.5, 1.5)
FAST: tuple[tuple[Distortion, ...], ...] = ((BRIGHTNESS, SATURATION), *3 * ((SATURATION, BRIGHTNESS),))
FULL: tuple[tuple[Distortion, ...], ...] = (
    (BRIGHTNESS, SATURATION, HUE, CONTRAST),
    (SATURATION, BRIGHTNESS, CONTRAST, HUE),
    (CONTRAST, HUE, BRIGHTNESS, SATURATION),
    (HUE, SATURATION, CONTRAST, BRIGHTNESS),
)


def _value(image: np.ndarray) -> np.ndarray:
    largest: np.ndarray = image.max(axis=0)
    return largest


def _chroma(image: np.ndarray) -> np.ndarray:
    chroma: np.ndarray = image.max(axis=0) - image.min(axis=0)
    return chroma


def _hue(image: np.ndarray, value: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Hue in sixths of the circle, from red; 0 for grey: (height, width)."""
    red, green, blue = image
    divisor = np.where(chroma > 0, chroma, 1)
    rest = np.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor)
    return np.where(value == red, (green - blue) / divisor, np.where(chroma > 0, rest, 0))


def _distance(hue: np.ndarray, corner: int) -> np.ndarray:
    """How far a primary colour is from full: 0 up to a sixth from its `corner` of the circle, 1 from two sixths on."""
    distance: np.ndarray = np.clip(2 - np.abs(np.abs(hue - corner) - 3), 0, 1)
    return distance
