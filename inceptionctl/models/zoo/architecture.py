"""A network of the papers as the registry knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inceptionctl.models.spec.nodes import Seq

Blocks = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Architecture:
    """`spec` takes the number of classes; `pixels` is the side of the paper's input; `blocks` are the repeated modules
    of each grid; `head` is the family's side head, which `at` can attach anywhere (None: it has none); `init` names the
    scheme of its paper or release. `cell` and `size` are the records of papers.yaml with its error and with what is
    said of its size; `differs` says why that and the count differ."""

    spec: Callable[[int], Seq]
    pixels: int
    blocks: Blocks
    head: Callable[[int], Seq] | None
    init: str
    about: str
    cell: str | None = None
    size: str | None = None
    differs: str = ""
