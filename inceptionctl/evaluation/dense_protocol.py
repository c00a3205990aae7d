"""The fully convolutional protocol of ResNet and VGG: whole images of any size. No torch; `dense.py` is the network."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import Self

from inceptionctl.errors import RequestError
from inceptionctl.evaluation.crops import Crop, Size, scaled, whole, with_shorter_side
from inceptionctl.evaluation.protocol_base import SeveralViews, Side
from inceptionctl.evaluation.render import Render
from inceptionctl.settings import section

SCALES = (224, 256, 384, 480, 640)  # He et al., section 3.4
VGG = ("vgg16", "vgg19")
NETWORKS = ("resnet50", "resnet101", "resnet152", *VGG)


@section
class Dense(SeveralViews):
    """ResNet's and VGG's: the whole image at several scales and mirrored, by the network made fully convolutional; the
    logits of all positions of the last map are averaged."""

    name: Literal["dense"]
    scales: Annotated[list[Side], Field(min_length=1)] | None
    """Shorter sides of the image; null: 224, 256, 384, 480, 640 for an input of 224 (He et al.), scaled to the
    network's. VGG has 256, 384, 512."""

    size_key, mirrored, uniform = "scales", True, False

    @property
    def num_crops(self) -> int:
        return len(self.scales or SCALES)

    def sides(self, pixels: int) -> list[int]:
        return self.scales or [scaled(side, pixels) for side in SCALES]

    def with_sizes(self, pixels: int) -> Self:
        return replace(self, scales=self.sides(pixels))

    def check(self, pixels: int, network: str | None = None) -> None:
        super().check(pixels, network)
        if network is not None and network not in NETWORKS:
            raise RequestError(f"protocol=dense is for {', '.join(NETWORKS)}, not for {network}: take protocol=crops10")
        if network in VGG and pixels // 32 != 7:
            raise RequestError(
                f"protocol=dense needs the last map of {network} to be 7 x 7, as its hidden layers are: arch.pixels "
                f"from 224 to 255, not {pixels}"
            )

    def crops(self, size: Size, pixels: int) -> list[Crop]:
        return [crop for side in self.sides(pixels) for crop in _whole_at(side, size)]

    def transforms(self, pixels: int) -> list[Render]:
        self.check(pixels)
        return [Render(partial(_whole_at, side), None, self.method) for side in self.sides(pixels)]


def _whole_at(side: int, size: Size) -> list[Crop]:
    resized = with_shorter_side(size, side)
    return [Crop(resized, whole(resized), "whole")]
