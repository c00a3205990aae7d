"""Where the crops of an image lie: pure geometry of whole pixels, without an image. Sizes are (width, height)."""

from __future__ import annotations

from dataclasses import dataclass, field

Size = tuple[int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom

CORNERS = ("top left", "top right", "bottom left", "bottom right")


@dataclass(frozen=True)
class Crop:
    """One view of an image. The whole image is resized to `size` (None: it stays as it is); `box` is cut out of that,
    and resized to the network's input if it has another size.

    For people, and no part of equality: `part`: what the crop is of its square or image; `square`: which square.
    """

    size: Size | None
    box: Box
    part: str = field(default="centre", compare=False)
    square: str = field(default="", compare=False)

    @property
    def box_size(self) -> tuple[float, float]:
        left, top, right, bottom = self.box
        return right - left, bottom - top

    def on_original(self, size: Size) -> Box:
        """The box in pixels of the original, an image of `size`."""
        if self.size is None:
            return self.box
        (width, height), (to_width, to_height) = size, self.size
        left, top, right, bottom = self.box
        x, y = width / to_width, height / to_height
        return left * x, top * y, right * x, bottom * y


def scaled(length: int, pixels: int) -> int:
    """A length of a protocol for inputs of 224 pixels, for inputs of `pixels`: 256 is 342 at 299 and 90 at 79."""
    return round(length * pixels / 224)


def with_shorter_side(size: Size, side: int) -> Size:
    """The size of an image that keeps its aspect; the longer side is rounded down, as by torchvision's Resize."""
    width, height = size
    if width <= height:
        return side, int(side * height / width)
    return int(side * width / height), side


def whole(size: Size) -> Box:
    return 0, 0, *size


def centre(box: Box, side: int) -> Box:
    """The square of `side` in the middle of `box`. Half a pixel goes to the even offset, as by torchvision's
    CenterCrop."""
    left, top, right, bottom = box
    x, y = left + round((right - left - side) / 2), top + round((bottom - top - side) / 2)
    return x, y, x + side, y + side


def share_of_shorter_side(size: Size, share: float) -> Box:
    """The square in the middle with a side of `share` times the shorter side, not rounded to whole pixels."""
    width, height = size
    side = share * min(size)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def share_of_both_sides(size: Size, share: float) -> Box:
    """The rectangle in the middle with `share` of the width and of the height, in whole pixels, as by TensorFlow's
    central_crop: the margins are rounded down."""
    x, y = (int((length - length * share) / 2) for length in size)
    width, height = size
    return x, y, width - x, height - y


def three_squares(size: Size) -> dict[str, Box]:
    """Left, centre and right of an image, or top, centre and bottom of one in portrait format: as large as possible.
    Of a square image they coincide."""
    width, height = size
    side = min(size)
    first, last = ("left", "right") if width >= height else ("top", "bottom")
    return {
        first: (0, 0, side, side),
        "centre": centre(whole(size), side),
        last: (width - side, height - side, width, height),
    }


def five(size: Size, box: Box, pixels: int, square: str = "") -> list[Crop]:
    """The four corners of `box` and its centre, each of `pixels` x `pixels`; in the order of torchvision's FiveCrop."""
    left, top, right, bottom = box
    starts = [(x, y) for y in (top, bottom - pixels) for x in (left, right - pixels)]
    corners = [(x, y, x + pixels, y + pixels) for x, y in starts]
    named = zip((*CORNERS, "centre"), (*corners, centre(box, pixels)), strict=True)
    return [Crop(size, crop, part, square) for part, crop in named]


def six(size: Size, box: Box, pixels: int, square: str = "") -> list[Crop]:
    """`five`, and the whole of `box`, to be resized."""
    return [*five(size, box, pixels, square), Crop(size, box, "whole", square)]
