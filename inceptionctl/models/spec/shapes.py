"""Feature maps, and what a layer turns one into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inceptionctl.errors import RequestError
from inceptionctl.models.spec.nodes import Conv, Kernel, Leaf, Linear, Pool, Sep


class ShapeError(RequestError):
    """A map that is too small for a layer, or maps that do not fit each other; the message names layer and map."""


@dataclass(frozen=True)
class FeatureMap:
    """`field`: the receptive field of one position, in input pixels; `jump`: the input pixels between positions."""

    h: int
    w: int
    c: int
    field: Kernel = (1, 1)
    jump: int = 1

    def __str__(self) -> str:
        return f"{self.h}x{self.w}x{self.c}"

    @property
    def activations(self) -> int:
        return self.h * self.w * self.c


def fitted_kernel(node: Leaf, into: FeatureMap) -> Kernel:
    """The kernel of `node` on this map: the map's size if it is global, at most that if it shrinks to its map, the
    windows of adaptive pooling if it has a `grid`."""
    if not isinstance(node, Conv | Sep | Pool):
        return 1, 1
    if isinstance(node, Pool) and node.grid:
        return -(-into.h // node.grid), -(-into.w // node.grid)
    if isinstance(node, Pool) and node.shrink_to_map:
        return min(node.kernel[0], into.h), min(node.kernel[1], into.w)
    return (into.h, into.w) if isinstance(node, Conv | Pool) and node.global_ else node.kernel


def output_map(node: Leaf, into: FeatureMap, path: str) -> FeatureMap:
    """Raises ShapeError where `into` is smaller than the kernel."""
    if isinstance(node, Linear):
        return FeatureMap(1, 1, node.features, _field(into, (into.h, into.w)), into.jump)
    if not isinstance(node, Conv | Sep | Pool):
        return into
    kernel = fitted_kernel(node, into)
    h, w = (_positions(size, k, node) for size, k in zip((into.h, into.w), kernel, strict=True))
    if min(h, w) < 1:
        raise ShapeError(f"{path} needs a map of at least {kernel[0]}x{kernel[1]} and gets {into.h}x{into.w}")
    c = into.c if isinstance(node, Pool) else node.filters
    return FeatureMap(h, w, c, _field(into, kernel), into.jump * node.stride)


def concatenated(maps: Sequence[FeatureMap]) -> FeatureMap:
    """One map with all channels and the largest receptive field."""
    field = (max(m.field[0] for m in maps), max(m.field[1] for m in maps))
    return FeatureMap(maps[0].h, maps[0].w, sum(m.c for m in maps), field, max(m.jump for m in maps))


def segment_sizes(count: int, channels: int) -> list[int]:
    """`channels` in `count` segments, as equal as possible."""
    size, rest = divmod(channels, count)
    return [size + 1] * rest + [size] * (count - rest)


def _field(into: FeatureMap, kernel: Kernel) -> Kernel:
    return into.field[0] + (kernel[0] - 1) * into.jump, into.field[1] + (kernel[1] - 1) * into.jump


def _positions(size: int, kernel: int, node: Conv | Sep | Pool) -> int:
    """The positions of a kernel on a side of `size` pixels."""
    if isinstance(node, Pool) and node.grid:
        return node.grid
    if node.padding in ("same", "tensorflow"):
        return -(-size // node.stride)
    free = size + 2 * node.padding - kernel if isinstance(node.padding, int) else size - kernel
    return (-(-free // node.stride) if node.padding == "ceil" else free // node.stride) + 1
