"""What every evaluation protocol has, and what several share. No torch.

A size that is null is that for inputs of 224 pixels, scaled to the network's input: 256 is 342 for 299, 90 for 79.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from PIL import Image
from pydantic import BeforeValidator, Field
from typing_extensions import Self

from inceptionctl.errors import RequestError, count
from inceptionctl.evaluation.crops import Crop, Size, scaled, share_of_shorter_side
from inceptionctl.evaluation.render import Render
from inceptionctl.settings import Integer, section
from inceptionctl.written import literal

Averaging = Literal["softmax", "logits", "maximum"]
MOST_SIDE = 8192  # twice the largest input of a network
Side = Annotated[Integer, Field(ge=1, le=MOST_SIDE)]

BASE = 256  # shorter side for inputs of 224 pixels: Krizhevsky et al., He et al., torchvision, Caffe
SCALES = (256, 288, 320, 352)  # GoogLeNet, section 7
# By the network's input: soeaver/caffe-model, cls/evaluation_cls.py. Its twelve crops take the first.
PUBLIC_SCRIPT = {224: SCALES, 235: (270, 300, 330, 360), 299: (320, 352, 384, 416), 320: (352, 384, 416, 448)}
NAMED_SCALES = ("scaled", "public_script")
MONITORED = 0.875  # of the shorter side: the crop of `single`


def _named_or_listed(scales: object) -> object:
    """What pydantic says of a union is about its first part alone."""
    if scales not in NAMED_SCALES and not (
        isinstance(scales, list) and all(type(side) is int and 1 <= side <= MOST_SIDE for side in scales)
    ):
        raise ValueError(f"it should be {' or '.join(NAMED_SCALES)}, or a list of sides from 1 to {MOST_SIDE:,} pixels")
    return scales


@section
class ProtocolSettings(ABC):
    """What every protocol has.

    The network sees `num_crops` crops of an image in the order of `crops`; if `mirrored`, the mirror image of each,
    after all of these. `averaging`: how the scores of its views become one; None for a single view.
    """

    name: str
    interpolation: Literal["bilinear", "bicubic"]
    """Filter that resizes; it widens where it shrinks an image (antialiasing)."""

    size_key = ""  # the setting that `sides` follows from
    if TYPE_CHECKING:  # a setting of those with several views

        @property
        def averaging(self) -> Averaging | None: ...

    @property
    def uniform(self) -> bool:
        """Whether all views of all images have the size of the network's input. Otherwise (`dense`) batches are of one
        image, `transforms` has one for each size of its views, and the network is made fully convolutional."""
        return True

    @property
    def num_crops(self) -> int:
        return 1

    @property
    def mirrored(self) -> bool:
        return False

    @property
    def num_views(self) -> int:
        """Images that the network sees of one, mirror images included."""
        return self.num_crops * (2 if self.mirrored else 1)

    @abstractmethod
    def crops(self, size: Size, pixels: int) -> list[Crop]:
        """Of an image of `size`, (width, height), for a network's input of `pixels` a side."""

    def with_sizes(self, pixels: int) -> Self:
        """The same protocol with the sizes that it has for this input in place of null: what a record states."""
        return self

    def sides(self, pixels: int) -> list[int]:
        """Shorter sides that the whole image is resized to; none if crops are cut of the image as it is."""
        return []

    def check(self, pixels: int, network: str | None = None) -> None:
        """Raises RequestError for sizes that no crop of `pixels` fits into, and for a network that the protocol is not
        for, before an image is seen."""
        for side in self.sides(pixels):
            if not pixels <= side <= MOST_SIDE:
                value = literal(getattr(self, self.size_key))
                raise RequestError(
                    f"protocol.{self.size_key} = {value} resizes the shorter side to {side:,} pixels: it should be at "
                    f"least {pixels:,}, the network's input, and at most {MOST_SIDE:,}"
                )

    def transform(self, pixels: int) -> Render:
        """From an image of any size to the network's input, of a uniform protocol. Raises RequestError as `check`."""
        (only,) = self.transforms(pixels)
        return only

    def transforms(self, pixels: int) -> list[Render]:
        """One for each size of a view, together all crops. Raises RequestError as `check` does."""
        self.check(pixels)
        return [Render(partial(self.crops, pixels=pixels), pixels, self.method)]

    def monitor_transform(self, pixels: int) -> Render:
        """What training is monitored with: the protocol itself if it has one view, otherwise a plain centre crop."""
        return self.transform(pixels) if self.num_views == 1 else Render(_monitored, pixels, self.method)

    @property
    def method(self) -> Image.Resampling:
        return Image.Resampling[self.interpolation.upper()]


@section
class OneView(ProtocolSettings):
    """The network's scores are those of one view."""

    averaging = None


@section
class SeveralViews(ProtocolSettings):
    """The network's scores are made of those of several views."""

    averaging: Averaging
    """How the scores of the views become one: mean of softmax (the papers) or of logits, or largest softmax."""


@section
class Resized(ProtocolSettings):
    """The image is resized to one size before crops are cut."""

    resize: Side | None
    """Shorter side of the resized image; null: 256 for an input of 224, scaled to the network's (342 for 299)."""

    size_key = "resize"

    def sides(self, pixels: int) -> list[int]:
        return [self.resize or scaled(BASE, pixels)]

    def with_sizes(self, pixels: int) -> Self:
        return replace(self, resize=self.sides(pixels)[0])


@section
class Scales(SeveralViews):
    """The image is resized to `num_scales` sizes, and crops are cut of each."""

    scales: Annotated[Literal["scaled", "public_script"] | list[Side], BeforeValidator(_named_or_listed)]
    """Shorter sides of the resized image. scaled: 256, 288, 320, 352 for an input of 224, scaled to the network's (342,
    384, 427, 470 for 299); public_script: a script's for 224, 235, 299 (320, 352, 384, 416) and 320; or a list."""

    size_key = "scales"

    @property
    def num_scales(self) -> int:
        return 4

    def sides(self, pixels: int) -> list[int]:
        if isinstance(self.scales, list):
            return self.scales
        named = PUBLIC_SCRIPT.get(pixels, ()) if self.scales == "public_script" else [scaled(s, pixels) for s in SCALES]
        return list(named[: self.num_scales])

    def with_sizes(self, pixels: int) -> Self:
        return replace(self, scales=self.sides(pixels))

    def check(self, pixels: int, network: str | None = None) -> None:
        sides = self.sides(pixels)
        if not sides and self.scales == "public_script":
            raise RequestError(
                f"protocol.scales = public_script has no sizes for an input of {pixels} pixels, only for "
                f"{', '.join(map(str, PUBLIC_SCRIPT))}: give protocol.scales=scaled or a list"
            )
        if len(sides) != self.num_scales:
            raise RequestError(
                f"protocol.scales = {literal(sides)}: {self._taker} takes {count(self.num_scales, 'scale')}"
            )
        super().check(pixels, network)

    @property
    def _taker(self) -> str:
        return f"protocol={self.name}"


def _monitored(size: Size) -> list[Crop]:
    return [Crop(None, share_of_shorter_side(size, MONITORED))]
