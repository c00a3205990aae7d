"""Names in figures, in characters that some font of this machine has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache

from inceptionctl.report.evaluation.names import distinct, middle, one_line
from inceptionctl.report.plots.library import fontManager, get_font

FIRST = "DejaVu Sans"  # comes with matplotlib
BOX = "□"


def labels(names: Sequence[str], indices: Sequence[int], width: int) -> dict[int, str]:
    """As `names.distinct`; a class whose name no font has is its index, as #17."""
    shown = [name if drawable(name) else f"#{index}" for name, index in zip(names, indices, strict=True)]
    return distinct(shown, indices, width)


def note_on(names: Sequence[str]) -> str:
    """A sentence on labels such as #17 that stand for names; "" if there are none."""
    if all(map(drawable, names)):
        return ""
    return "#: the index of a class whose name no font of this machine has; classes.csv has the name."


def clean(text: str, width: int) -> str:
    """A text of one line; a box for what no font has."""
    return middle("".join(one if drawable(one) else BOX for one in one_line(text)), width)


def drawable(text: str) -> bool:
    return all(any(not _missing(one, family) for family in families(text)) for one in set(text))


@cache
def families(text: str) -> tuple[str, ...]:
    """The fonts that have the characters of `text`, as far as this machine has any; matplotlib's own comes first."""
    chosen, missing = [FIRST], _missing(text)
    for family in _files() if missing else ():
        left = {one for one in missing if ord(one) not in _characters(family)}
        if left < missing:
            chosen.append(family)
            missing = left
    return tuple(chosen)


def _missing(text: str, family: str = FIRST) -> set[str]:
    """Characters that the font has not."""
    return {one for one in set(one_line(text)) if ord(one) not in _characters(family)}


@cache
def _characters(family: str) -> frozenset[int]:
    with suppress(RuntimeError, OSError):  # a font file that is damaged
        return frozenset(get_font(_files()[family]).get_charmap())
    return frozenset()


@cache
def _files() -> dict[str, str]:
    """All fonts but the one that has a box for every character."""
    fonts = sorted(fontManager.ttflist, key=lambda font: font.name)
    return {font.name: font.fname for font in fonts if not font.name.startswith("Last Resort")}
