"""Names of classes and files in a given width: on one line, and told apart where they are shortened alike."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

ELLIPSIS = "…"


def middle(text: str, width: int) -> str:
    """`text` with its middle left out where it is wider: names often differ at their ends. In columns of a terminal,
    of which an East Asian character takes two."""
    if cell_len(text) <= width:
        return text
    end = (width - 1) // 2
    tail = set_cell_size(text[::-1], end).rstrip()[::-1]
    return set_cell_size(text, width - 1 - end).rstrip() + ELLIPSIS + tail


def one_line(text: str) -> str:
    """`text` with plain spaces and without control characters; a question mark for what is no character."""
    return "".join(map(_plain, text))


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc" or category.startswith("Z"):
        return " "
    return "?" if category in ("Cs", "Cn") else character


def distinct(names: Sequence[str], indices: Sequence[int], width: int) -> dict[int, str]:
    """A label for each of the classes with these `indices`; those that would look the same begin with their index."""
    short = {index: middle(one_line(name), width) for index, name in zip(indices, names, strict=True)}
    number = Counter(short.values())
    whole = dict(zip(indices, names, strict=True))
    return {
        index: middle(f"#{index} {one_line(whole[index])}", width) if number[label] > 1 else label
        for index, label in short.items()
    }
