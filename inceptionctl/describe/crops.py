"""The crops that a protocol takes of one image, for people and programs: `eval --list-crops`, `--draw-crops`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inceptionctl.data.decode import decode
from inceptionctl.data.listing import as_text
from inceptionctl.describe.drawing.crops import Drawing
from inceptionctl.describe.format import DASH
from inceptionctl.evaluation.crops import Crop, Size
from inceptionctl.evaluation.protocols import ProtocolSettings
from inceptionctl.files import writing

SCHEMA = 1
TITLES = ("view", "mirrored", "resized to", "square", "part", "left", "top", "right", "bottom")


@dataclass(frozen=True)
class CropList:
    """The views of one image of `size`, (width, height), by `protocol` for an input of `pixels`."""

    protocol: ProtocolSettings
    image: Path
    size: Size
    pixels: int

    @property
    def crops(self) -> list[Crop]:
        return self.protocol.crops(self.size, self.pixels)

    @property
    def heading(self) -> list[str]:
        """Two lines: which image, and what is done with it."""
        width, height = self.size
        number, mirrored = self.protocol.num_views, ", half of them mirror images" if self.protocol.mirrored else ""
        views = "one view" if number == 1 else f"{number} views{mirrored}"
        how = f"; {AVERAGES[self.protocol.averaging]}" if self.protocol.averaging else ""
        return [
            f"{as_text(self.image)}: {width} x {height} pixels",
            f"protocol={self.protocol.name} for an input of {self.pixels} x {self.pixels}: {views}{how}",
        ]

    def lines(self) -> list[str]:
        """A table with a line for each crop and the number of its mirror image; rectangles in pixels of the image."""
        offset = self.protocol.num_crops
        rows: list[tuple[str, ...]] = [TITLES]
        for number, crop in enumerate(self.crops, 1):
            mirror = str(number + offset) if self.protocol.mirrored else DASH
            size = "x".join(map(str, crop.size)) if crop.size else DASH
            edges = (f"{edge:.1f}" for edge in crop.on_original(self.size))
            rows.append((str(number), mirror, size, crop.square or DASH, crop.part, *edges))
        return [*self.heading, "", *_aligned(rows)]

    def as_json(self) -> dict[str, Any]:
        """Every view, mirror images included. `resize`: size of the whole image, null if it stays as it is; `box`: of
        that, left, top, right, bottom; `rectangle`: the same in pixels of the image."""
        return {
            "schema": SCHEMA,
            "image": as_text(self.image),
            "width": self.size[0],
            "height": self.size[1],
            "protocol": self.protocol.name,
            "pixels": self.pixels,
            "averaging": self.protocol.averaging,
            "views": [self._view(*view) for view in self._views()],
        }

    def _views(self) -> list[tuple[int, Crop, bool]]:
        both = [False, True] if self.protocol.mirrored else [False]
        views = [(crop, mirrored) for mirrored in both for crop in self.crops]
        return [(number, *view) for number, view in enumerate(views, 1)]

    def _view(self, number: int, crop: Crop, mirrored: bool) -> dict[str, Any]:
        return {
            "number": number,
            "mirrored": mirrored,
            "resize": list(crop.size) if crop.size else None,
            "square": crop.square or None,
            "part": crop.part,
            "box": list(crop.box),
            "rectangle": [round(edge, 3) for edge in crop.on_original(self.size)],
        }


AVERAGES = {
    "softmax": "the mean of their softmax outputs",
    "logits": "the softmax of the mean of their logits",
    "maximum": "the largest of their softmax outputs",
}


def list_crops(protocol: ProtocolSettings, image: Path, pixels: int) -> CropList:
    """Raises DataError for an image that cannot be read, RequestError for sizes that leave no room for a crop."""
    protocol.check(pixels)
    return CropList(protocol, image, decode(image).size, pixels)


def draw_crops(protocol: ProtocolSettings, image: Path, pixels: int, file: Path) -> None:
    """Draws the image with the rectangles and, below, what the network sees; PNG. Raises as `list_crops` does, and
    InceptionctlError where the file cannot be written."""
    protocol.check(pixels)
    decoded = decode(image)
    heading = CropList(protocol, Path(image.name), decoded.size, pixels).heading
    drawn = Drawing(decoded, protocol, pixels).page(heading)
    with writing(file) as temporary:
        drawn.save(temporary, "PNG")


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Numbers to the right, words to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    words = ("square", "part")
    return [
        "  ".join(
            cell.ljust(width) if title in words else cell.rjust(width)
            for cell, width, title in zip(row, widths, TITLES, strict=True)
        ).rstrip()
        for row in rows
    ]
