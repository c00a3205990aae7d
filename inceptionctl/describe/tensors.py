"""The tensors of a network by name and shape, with their names at timm and torchvision: what a file of weights has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inceptionctl.describe.format import DASH
from inceptionctl.models.spec.tensors import tensors
from inceptionctl.models.weights.maps import name_map, publishers
from inceptionctl.models.zoo.registry import network


def as_json(name: str, pixels: int) -> dict[str, Any]:
    """Each tensor in the order of the network; a library that has no such tensor is left out."""
    theirs = _libraries(name)
    found = [
        {"name": key, "shape": list(shape)} | {library: names[key] for library, names in theirs.items() if key in names}
        for key, shape in tensors(network(name), (pixels, pixels)).items()
    ]
    return {"network": name, "pixels": pixels, "tensors": found}


def table(name: str, pixels: int) -> list[str]:
    """One line per tensor: our name, its shape, the libraries' names; one column for both where they are equal."""
    theirs = _libraries(name)
    if len(theirs) > 1 and len({tuple(names.items()) for names in theirs.values()}) == 1:
        theirs = {" and ".join(theirs): next(iter(theirs.values()))}
    rows = [("tensor", "shape", *theirs)]
    for key, shape in tensors(network(name), (pixels, pixels)).items():
        sizes = "x".join(map(str, shape)) or "a number"
        rows.append((key, sizes, *(names.get(key, DASH) for names in theirs.values())))
    return _left_aligned(rows)


def _libraries(name: str) -> dict[str, dict[str, str]]:
    """{ours: theirs} by library."""
    maps = {publisher: name_map(name, publisher) for publisher in publishers(name)}
    return {library: {ours: theirs for theirs, ours in names.items()} for library, names in maps.items()}


def _left_aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
