"""Draws what a network sees of an image: its crops as rectangles in colours, and below them the views themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont, ImageOps

from inceptionctl.evaluation.crops import Box, Crop
from inceptionctl.evaluation.protocol_base import ProtocolSettings

COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#D55E00", "#CC79A7")  # Okabe and Ito
INK, PAPER = "#1f2933", "#ffffff"
WIDTH, MARGIN, GAP, LINE = 1200, 20, 14, 3
LARGEST_IMAGE, LARGEST_VIEW = 640, 320
DIMMED = 0.4  # brightness of what no crop of a panel shows
TEXT, SMALL = 17, 13
# So that neighbours do not hide each other's edges, in widths of a line.
INSETS = {"whole": 0, "top left": 1, "bottom right": 1, "top right": 2, "bottom left": 2, "centre": 0}
# Where in its rectangle a crop's number stands, as shares of the room.
PLACES = {"top left": (0, 0), "top right": (1, 0), "bottom left": (0, 1), "bottom right": (1, 1), "whole": (0.5, 0)}
Numbered = tuple[int, Crop]


@dataclass(frozen=True)
class Drawing:
    """A page with a panel for each size that the image is resized to, or for each square where colours run out."""

    image: Image.Image
    protocol: ProtocolSettings
    pixels: int

    @cached_property
    def panels(self) -> list[list[Numbered]]:
        numbered = list(enumerate(self.protocol.crops(self.image.size, self.pixels), 1))
        panels = _split(numbered, lambda crop: crop.size)
        if max(map(len, panels)) > len(COLOURS):
            panels = [part for panel in panels for part in _split(panel, lambda crop: crop.square)]
        return panels

    @cached_property
    def views(self) -> list[Image.Image]:
        inputs = [one(self.image, np.random.default_rng(0)) for one in self.protocol.transforms(self.pixels)]
        return [Image.fromarray(view) for views in inputs for view in (views if views.ndim == 4 else views[None])]

    def page(self, heading: Sequence[str]) -> Image.Image:
        """At most `WIDTH` pixels wide."""
        columns = min(3 if len(self.panels) > 4 else 2, len(self.panels))
        width = (WIDTH - 2 * MARGIN - (columns - 1) * GAP) // columns
        panels = [self._panel(panel, width) for panel in self.panels]
        rows = [panels[i : i + columns] for i in range(0, len(panels), columns)]
        parts = [self._head(heading), *(_beside(row) for row in rows)]
        return _framed(_below(parts))

    def _head(self, heading: Sequence[str]) -> Image.Image:
        """The heading and what the colours mean."""
        head = Image.new("RGB", (WIDTH - 2 * MARGIN, 26 * (len(heading) + 1)), PAPER)
        draw = ImageDraw.Draw(head)
        for i, line in enumerate(heading):
            draw.text((0, 26 * i), line, INK, _font(TEXT))
        x, y = 0, 26 * len(heading)
        for colour, name in zip(COLOURS, _names(self.panels[0]), strict=False):
            draw.rectangle((x, y + 3, x + 14, y + 17), colour, INK)
            draw.text((x + 22, y), name, INK, _font(TEXT))
            x += 44 + round(draw.textlength(name, _font(TEXT)))
        note = "below a view: its number, and that of its mirror image"
        draw.text((x, y), note if self.protocol.mirrored else "", INK, _font(TEXT))
        return head

    def _panel(self, panel: list[Numbered], width: int) -> Image.Image:
        """Title, image with rectangles, views; a single view beside the image."""
        title = Image.new("RGB", (width, 22), PAPER)
        ImageDraw.Draw(title).text((0, 0), self._title(panel), INK, _font(SMALL))
        if len(self.views) == 1:
            image = self._image(panel, width - LARGEST_VIEW - GAP)
            return _below([title, _beside([image, self._view(1, COLOURS[0], LARGEST_VIEW)])], gap=6)
        return _below([title, self._image(panel, width), self._views(panel, width)], gap=6)

    def _title(self, panel: list[Numbered]) -> str:
        crop = panel[0][1]
        size = "image as it is" if crop.size is None else "image resized to {} x {}".format(*crop.size)
        several = len({one.square for _, one in panel}) > 1
        return size if several or not crop.square else f"{size}, {crop.square} square"

    def _image(self, panel: list[Numbered], width: int) -> Image.Image:
        height = LARGEST_IMAGE if len(self.panels) == 1 else round(0.75 * width)
        factor = min(width / self.image.width, height / self.image.height)
        size = [max(1, round(factor * length)) for length in self.image.size]
        shown = self.image.resize(size, Image.Resampling.LANCZOS if factor < 1 else Image.Resampling.NEAREST)
        boxes = [_scaled(crop.on_original(self.image.size), factor) for _, crop in panel]
        shown = _dimmed_outside(shown, boxes)
        draw, differ = ImageDraw.Draw(shown), len({crop.part for _, crop in panel}) > 1
        for i, ((_, crop), box) in enumerate(zip(panel, boxes, strict=True)):
            _outline(draw, box, LINE * (INSETS.get(crop.part, 0) if differ else i), _colour(i))
        for i, ((number, crop), box) in enumerate(zip(panel, boxes, strict=True)):
            _tag(draw, str(number), box, PLACES.get(crop.part, (0.5, 0.5)), _colour(i))
        return shown

    def _views(self, panel: list[Numbered], width: int) -> Image.Image:
        """The views in frames of the colours of their rectangles, with their numbers."""
        side = min(LARGEST_VIEW, (width - 6 * (len(panel) - 1)) // max(5, len(panel)))
        return _beside([self._view(number, _colour(i), side) for i, (number, _) in enumerate(panel)], gap=6)

    def _view(self, number: int, colour: str, side: int) -> Image.Image:
        shown, view = Image.new("RGB", (side, side + 20), PAPER), self.views[number - 1]
        view = ImageOps.contain(view, (side - 2 * LINE, side - 2 * LINE), Image.Resampling.LANCZOS)
        shown.paste(colour, (0, 0, view.width + 2 * LINE, view.height + 2 * LINE))
        shown.paste(view, (LINE, LINE))
        mirror = f", {number + self.protocol.num_crops}" if self.protocol.mirrored else ""
        ImageDraw.Draw(shown).text((0, side + 2), f"{number}{mirror}", INK, _font(SMALL))
        return shown


def _split(crops: Sequence[Numbered], key: Callable[[Crop], object]) -> list[list[Numbered]]:
    """Parts of neighbours with an equal key."""
    return [list(group) for _, group in groupby(crops, lambda one: key(one[1]))]


def _colour(i: int) -> str:
    return COLOURS[i % len(COLOURS)]


def _names(panel: list[Numbered]) -> list[str]:
    """What tells the crops of a panel apart: their parts, or their squares."""
    parts = [crop.part for _, crop in panel]
    return parts if len(set(parts)) == len(parts) else [f"{crop.part} of the {crop.square} square" for _, crop in panel]


def _scaled(box: Box, factor: float) -> Box:
    left, top, right, bottom = box
    return left * factor, top * factor, right * factor, bottom * factor


def _dimmed_outside(image: Image.Image, boxes: Sequence[Box]) -> Image.Image:
    seen = Image.new("L", image.size, 0)
    for left, top, right, bottom in boxes:
        ImageDraw.Draw(seen).rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), 255)
    return Image.composite(image, image.point(lambda value: DIMMED * value), seen)


def _outline(draw: ImageDraw.ImageDraw, box: Box, inset: int, colour: str) -> None:
    """In colour between thin dark lines: visible on any image."""
    left, top, right, bottom = box[0] + inset, box[1] + inset, box[2] - inset - 1, box[3] - inset - 1
    if min(right - left, bottom - top) > 2 * LINE:
        draw.rectangle((left, top, right, bottom), outline=INK, width=LINE + 2)
        draw.rectangle((left + 1, top + 1, right - 1, bottom - 1), outline=colour, width=LINE)


def _tag(draw: ImageDraw.ImageDraw, text: str, box: Box, place: tuple[float, float], colour: str) -> None:
    """A number on a field of its crop's colour, at `place` within the box."""
    left, top, right, bottom = box
    width, height, edge = draw.textlength(text, _font(TEXT)) + 8, TEXT + 6, 10
    x = left + edge + place[0] * (right - left - width - 2 * edge)
    y = top + edge + place[1] * (bottom - top - height - 2 * edge)
    draw.rectangle((x, y, x + width, y + height), colour, INK)
    draw.text((x + 4, y + 1), text, _readable_on(colour), _font(TEXT))


def _readable_on(colour: str) -> str:
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return INK if 0.3 * red + 0.6 * green + 0.1 * blue > 110 else PAPER


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _below(images: Sequence[Image.Image], gap: int = GAP) -> Image.Image:
    page = Image.new("RGB", (max(i.width for i in images), sum(i.height + gap for i in images) - gap), PAPER)
    y = 0
    for image in images:
        page.paste(image, (0, y))
        y += image.height + gap
    return page


def _beside(images: Sequence[Image.Image], gap: int = GAP) -> Image.Image:
    page = Image.new("RGB", (sum(i.width + gap for i in images) - gap, max(i.height for i in images)), PAPER)
    x = 0
    for image in images:
        page.paste(image, (x, 0))
        x += image.width + gap
    return page


def _framed(page: Image.Image) -> Image.Image:
    framed = Image.new("RGB", (page.width + 2 * MARGIN, page.height + 2 * MARGIN), PAPER)
    framed.paste(page, (MARGIN, MARGIN))
    return framed
