"""How an image becomes the input of a network, in the terms that timm and ONNX runtimes share. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from inceptionctl.data.inputs import CAFFE_MEAN, IMAGENET_DEVIATION, IMAGENET_MEAN
from inceptionctl.evaluation.protocol_base import MONITORED, ProtocolSettings

# (mean, deviation, order of the channels, range of the values) by `arch.input`.
INPUTS: dict[str, tuple[tuple[float, ...], tuple[float, ...], str, int]] = {
    "inception": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "RGB", 1),
    "imagenet": (IMAGENET_MEAN, IMAGENET_DEVIATION, "RGB", 1),
    "caffe": (CAFFE_MEAN, (1.0, 1.0, 1.0), "BGR", 255),
}


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """The image is resized so that its shorter side ("center"), or each of its sides ("squash"), is the input's over
    `crop_pct`, rounded down; its centre is cut out; values from 0 to `value_range` in the order of `channels` are
    normalised by `mean` and `std`."""

    pixels: int
    interpolation: str
    crop_pct: float
    crop_mode: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: str
    value_range: int

    @classmethod
    def of(cls, protocol: ProtocolSettings, pixels: int, input: str) -> Preprocessing:
        mean, std, channels, value_range = INPUTS[input]
        crop_pct, crop_mode = centre_crop(protocol, pixels)
        return cls(
            pixels=pixels,
            interpolation=protocol.interpolation,
            crop_pct=crop_pct,
            crop_mode=crop_mode,
            mean=mean,
            std=std,
            channels=channels,
            value_range=value_range,
        )

    def as_json(self) -> dict[str, Any]:
        """`input_size`: channels, height, width."""
        return {
            "input_size": [3, self.pixels, self.pixels],
            "interpolation": self.interpolation,
            "crop_pct": self.crop_pct,
            "crop_mode": self.crop_mode,
            "mean": list(self.mean),
            "std": list(self.std),
            "channels": self.channels,
            "value_range": self.value_range,
        }


def centre_crop(protocol: ProtocolSettings, pixels: int) -> tuple[float, str]:
    """(crop_pct, crop_mode) of a protocol with one view and of its first view with a mirror image; otherwise of the
    centre crop that training is monitored with."""
    if protocol.name in ("single", "flip", "slim", "timm"):
        share = getattr(protocol, "crop_pct" if protocol.name == "timm" else "crop")
        return float(share), "squash" if protocol.name == "slim" else "center"
    if protocol.name in ("torchvision", "squeezed"):
        (side,) = protocol.sides(pixels)
        return share_for(pixels, side), "squash" if protocol.name == "squeezed" else "center"
    return MONITORED, "center"


def share_for(pixels: int, side: int) -> float:
    """A share that gives `side` where timm divides `pixels` by it and rounds down."""
    share = pixels / side
    return share if math.floor(pixels / share) == side else math.nextafter(share, 0.0)
