"""The size of the representation at each stage, with its bottlenecks.

The papers' first principle (Rethinking, section 2) is to avoid bottlenecks, above all early ones. A stage counts as one
if it keeps a quarter of the numbers or less, as a grid does that is halved without more channels (Figure 9, left). By
this measure Inception-v4 has none, and the grid reductions of Inception-v3 and the Inception-ResNets are none, as the
paper wants it; the pools between the stages of GoogLeNet and VGG are, and both pools in the stem of Inception-v3.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from inceptionctl.describe.stages import Stage, body
from inceptionctl.models.spec.cost import Layer
from inceptionctl.models.spec.nodes import Conv, Pool, Sep

BOTTLENECK = 4.0  # times smaller than the stage before
CHARACTERS = 4  # of a bar per doubling, so that the same loss looks the same everywhere
EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class Size:
    """`shrinks`: how many times smaller the output of the stage is than its input."""

    stage: Stage
    numbers: int
    shrinks: float

    @property
    def bottleneck(self) -> bool:
        return self.shrinks >= BOTTLENECK


def sizes(rows: Iterable[Stage]) -> list[Size]:
    """The stages of the body. The first one, whose input is the image, is never a bottleneck."""
    found: list[Size] = []
    for stage in body(rows):
        before = stage.into.activations if found else 0
        found.append(Size(stage, stage.out.activations, before / stage.out.activations))
    return found


def oversized(rows: Iterable[Stage]) -> list[str]:
    """Kernels larger than the map they work on, so that a part of them only ever sees padding."""
    found: list[str] = []
    for stage in rows:
        maps: dict[str, set[str]] = {}
        for layer in filter(_oversized, stage.layers):
            grid = f"{layer.before.h}x{layer.before.w}"
            maps.setdefault(grid, set()).add(f"{layer.kernel[0]}x{layer.kernel[1]}")
        found += [f"{stage.span}: {', '.join(sorted(kernels))} on a {grid} map" for grid, kernels in maps.items()]
    return found


def plot(found: list[Size], *, ascii_only: bool = False) -> list[str]:
    """One bar per stage; it begins at a quarter of the smallest size. Bottlenecks are marked."""
    if not found:
        return []
    spans = [size.stage.span for size in found]
    name, numbers = max(map(len, spans)), max(len(f"{size.numbers:,}") for size in found)
    start = min(size.numbers for size in found) / 4
    return [
        f"{span:<{name}}  {size.numbers:>{numbers},}  {bar(size.numbers / start, ascii_only=ascii_only)}{_mark(size)}"
        for span, size in zip(spans, found, strict=True)
    ]


def bar(times: float, *, ascii_only: bool = False) -> str:
    """As long as `times` has doublings."""
    length = CHARACTERS * math.log2(times)
    if ascii_only:
        return "#" * round(length)
    full, eighths = divmod(round(8 * length), 8)
    return "█" * full + EIGHTHS[eighths].strip()


def _mark(size: Size) -> str:
    return f"  < bottleneck: {size.shrinks:.1f} times smaller" if size.bottleneck else ""


def _oversized(layer: Layer) -> bool:
    node = layer.node
    if not isinstance(node, Conv | Sep | Pool) or (isinstance(node, Pool) and (node.global_ or node.grid)):
        return False
    return layer.kernel[0] > layer.before.h or layer.kernel[1] > layer.before.w
