"""Evaluation protocols by name: each a section of settings that says which crops of an image a network sees. No torch.

A new one is a class (its geometry from `crops.py`) and a line of `PROTOCOLS`, and `conf/protocol/NAME.yaml`.
"""

from __future__ import annotations

import math
from typing import Literal

from inceptionctl.evaluation.crops import (
    Crop,
    Size,
    centre,
    five,
    share_of_both_sides,
    share_of_shorter_side,
    six,
    three_squares,
    whole,
    with_shorter_side,
)
from inceptionctl.evaluation.dense_protocol import Dense
from inceptionctl.evaluation.protocol_base import (
    OneView,
    ProtocolSettings,
    Resized,
    Scales,
    SeveralViews,
)
from inceptionctl.settings import Fraction, section

__all__ = ["PROTOCOLS", "ProtocolSettings"]


@section
class Single(OneView):
    """One centre crop, resized in one step."""

    name: Literal["single"]
    crop: Fraction
    """Side of the crop as a share of the image's shorter side."""

    def crops(self, size: Size, pixels: int) -> list[Crop]:
        return [Crop(None, share_of_shorter_side(size, self.crop))]


@section
class Slim(OneView):
    """TF-slim's: the middle of both sides, resized to a square without keeping the aspect."""

    name: Literal["slim"]
    crop: Fraction
    """Width and height of the crop as a share of the image's."""

    def crops(self, size: Size, pixels: int) -> list[Crop]:
        return [Crop(None, share_of_both_sides(size, self.crop))]


@section
class TorchVision(Resized, OneView):
    """torchvision's: the image resized, then its centre cut out."""

    name: Literal["torchvision"]

    def crops(self, size: Size, pixels: int) -> list[Crop]:
        resized = with_shorter_side(size, *self.sides(pixels))
        return [Crop(resized, centre(whole(resized), pixels))]


@section
class Timm(OneView):
    """timm's: as torchvision's, with a size that follows from a share."""

    name: Literal["timm"]
    crop_pct: Fraction
    """Side of the crop as a share of the resized image's shorter side, which is rounded down: 341 for 0.875 of 299."""

    size_key = "crop_pct"

    def sides(self, pixels: int) -> list[int]:
        return [math.floor(pixels / self.crop_pct)]

    def crops(self, size: Size, pixels: int) -> list[Crop]:
        resized = with_shorter_side(size, *self.sides(pixels))
        return [Crop(resized, centre(whole(resized), pixels))]


@section
class Squeezed(Resized, OneView):
    """Caffe's: the whole image squeezed to a square of side `resize`, then its centre cut out."""

    name: Literal["squeezed"]

    def crops(self, size: Size, pixels: int) -> list[Crop]:
        (side,) = self.sides(pixels)
        square = (side, side)
        return [Crop(square, centre(whole(square), pixels))]


@section
class Flip(SeveralViews):
    """The centre crop of `single` and its mirror image."""

    name: Literal["flip"]
    crop: Fraction
    """Side of the crop as a share of the image's shorter side."""

    mirrored = True

    def crops(self, size: Size, pixels: int) -> list[Crop]:
        return [Crop(None, share_of_shorter_side(size, self.crop))]


@section
class Crops10(Resized, SeveralViews):
    """The four corners and the centre of the resized image, mirrored: Krizhevsky et al., He et al."""

    name: Literal["crops10"]
    corners: Literal["image", "centre_square"]
    """Whose corners: those of the whole resized image (torchvision's TenCrop) or of its centre square (Krizhevsky)."""

    num_crops, mirrored = 5, True

    def crops(self, size: Size, pixels: int) -> list[Crop]:
        resized = with_shorter_side(size, *self.sides(pixels))
        image = whole(resized)
        return five(resized, image if self.corners == "image" else centre(image, min(resized)), pixels)


@section
class Crops12(Scales):
    """The Inception-v4 paper's, which refers to GoogLeNet for them: three readings of its 4 x 3 x 6 x 2 crops."""

    name: Literal["crops12"]
    reading: Literal["centre_square", "squeezed", "scales_and_squares"]
    """centre_square: corners, centre and whole of the centre square at one scale, mirrored; squeezed: those of the
    whole image, squeezed to a square; scales_and_squares: the centres of three squares at four scales, unmirrored."""

    @property
    def num_scales(self) -> int:
        return 4 if self.reading == "scales_and_squares" else 1

    @property
    def _taker(self) -> str:
        return f"protocol.reading={self.reading}"

    @property
    def mirrored(self) -> bool:
        return self.reading != "scales_and_squares"

    @property
    def num_crops(self) -> int:
        return 6 if self.mirrored else 12

    def crops(self, size: Size, pixels: int) -> list[Crop]:
        sides = self.sides(pixels)
        if self.reading == "squeezed":
            square = (sides[0], sides[0])
            return six(square, whole(square), pixels)
        if self.reading == "centre_square":
            resized = with_shorter_side(size, sides[0])
            return six(resized, three_squares(resized)["centre"], pixels)
        return [
            Crop(resized, centre(box, pixels), square=square)
            for resized in (with_shorter_side(size, side) for side in sides)
            for square, box in three_squares(resized).items()
        ]


@section
class Crops144(Scales):
    """GoogLeNet's: of three squares at each of four scales, the corners, the centre and the whole, mirrored. Crops that
    coincide, as all squares of a square image do, count each."""

    name: Literal["crops144"]

    num_crops, mirrored = 72, True

    def crops(self, size: Size, pixels: int) -> list[Crop]:
        return [
            crop
            for resized in (with_shorter_side(size, side) for side in self.sides(pixels))
            for square, box in three_squares(resized).items()
            for crop in six(resized, box, pixels, square)
        ]


PROTOCOLS: dict[str, type[ProtocolSettings]] = {
    "single": Single,
    "slim": Slim,
    "torchvision": TorchVision,
    "timm": Timm,
    "squeezed": Squeezed,
    "flip": Flip,
    "crops10": Crops10,
    "crops12": Crops12,
    "crops144": Crops144,
    "dense": Dense,
}
