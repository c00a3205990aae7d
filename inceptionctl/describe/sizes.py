"""How much a network knows at each stage: the size of its representation, with the places where much is lost at once.

The papers' first principle (Rethinking, section 2) is that no stage, least of all an early one, should throw much away
at once. Its Figure 9 (left) is the measure taken here: a grid that is halved without more channels keeps a quarter of
the numbers. A stage of the body that keeps a quarter or less is flagged. By that measure the grid
reductions of Inception-v3, v4 and the Inception-ResNets pass, as the paper wants it, and all of Inception-v4 does; the
pools between GoogLeNet's and VGG's stages are bottlenecks, and so are the two pools in the stem of Inception-v3.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from inceptionctl.describe.stages import Stage, body
from inceptionctl.models.spec.cost import Layer
from inceptionctl.models.spec.nodes import Conv, Pool, Sep

BOTTLENECK = 4.0  # times smaller than the stage before
CHARACTERS = 4  # of a bar for each doubling, so that the same loss looks the same everywhere
BLOCKS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class Size:
    """`shrinks`: how many times smaller than the input of the stage."""

    stage: Stage
    numbers: int
    shrinks: float

    @property
    def bottleneck(self) -> bool:
        return self.shrinks >= BOTTLENECK


def sizes(rows: Iterable[Stage]) -> list[Size]:
    """The stages of the body. The image itself is no representation: its three channels count as nothing lost."""
    found: list[Size] = []
    for stage in body(rows):
        before = stage.into.activations if found else 0
        found.append(Size(stage, stage.out.activations, before / stage.out.activations))
    return found


def oversized(rows: Iterable[Stage]) -> list[str]:
    """Kernels that are larger than the map they work on, so that part of them only ever sees padding."""
    found: list[str] = []
    for stage in rows:
        maps: dict[str, set[str]] = {}
        for layer in filter(_oversized, stage.layers):
            on = f"{layer.before.h}x{layer.before.w}"
            maps.setdefault(on, set()).add(f"{layer.kernel[0]}x{layer.kernel[1]}")
        found += [f"{stage.span}: {', '.join(sorted(kernels))} on a {on} map" for on, kernels in maps.items()]
    return found


def plot(found: list[Size], *, ascii_only: bool = False) -> list[str]:
    """One bar a stage, so many characters a doubling from a quarter of the smallest; bottlenecks say so."""
    if not found:
        return []
    spans = [size.stage.span for size in found]
    name, numbers = max(map(len, spans)), max(len(f"{size.numbers:,}") for size in found)
    start = min(size.numbers for size in found) / 4
    return [
        f"{span:<{name}}  {size.numbers:>{numbers},}  {bar(size.numbers / start, ascii_only=ascii_only)}{_flag(size)}"
        for span, size in zip(spans, found, strict=True)
    ]


def bar(times: float, *, ascii_only: bool = False) -> str:
    """As long as `times` has doublings."""
    length = CHARACTERS * math.log2(times)
    if ascii_only:
        return "#" * round(length)
    whole, rest = divmod(round(8 * length), 8)
    return "█" * whole + BLOCKS[rest].strip()


def _flag(size: Size) -> str:
    return f"  < bottleneck: {size.shrinks:.1f} times smaller" if size.bottleneck else ""


def _oversized(layer: Layer) -> bool:
    node = layer.node
    if not isinstance(node, Conv | Sep | Pool) or (isinstance(node, Pool) and (node.global_ or node.grid)):
        return False
    return layer.kernel[0] > layer.before.h or layer.kernel[1] > layer.before.w
