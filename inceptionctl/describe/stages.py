"""A network as the rows of a paper's layer table: its stages, identical neighbours as one row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from inceptionctl.models.spec.cost import Layer, stages
from inceptionctl.models.spec.nodes import Conv, Endpoint, Linear, Node, Pool, Seq
from inceptionctl.models.spec.shapes import FeatureMap


@dataclass(frozen=True)
class Stage:
    """One stage, or neighbours that share a row: `names` and `layers` of all, `into` of the first, `out` of the last.

    `one_input`: all of them have an input of the same size.
    """

    names: tuple[str, ...]
    node: Node
    into: FeatureMap
    out: FeatureMap
    layers: tuple[Layer, ...]
    one_input: bool = True

    @property
    def params(self) -> int:
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def is_head(self) -> bool:
        return isinstance(self.node, Endpoint)

    @property
    def module(self) -> Node:
        """The node; the auxiliary head of an endpoint."""
        return self.node.head if isinstance(self.node, Endpoint) and self.node.head else self.node

    @property
    def end(self) -> FeatureMap:
        """The output of `module`."""
        return self.layers[-1].after if self.is_head and self.layers else self.out

    @property
    def span(self) -> str:
        """`block_a1 .. block_a10`"""
        return f"{self.names[0]} .. {self.names[-1]}" if len(self.names) > 1 else self.names[0]

    @property
    def short(self) -> str:
        """`block_a` if the names only differ in a number; else `mixed_7b .. 7c`."""
        if len(self.names) == 1:
            return self.names[0]
        family = self.names[0].rstrip("0123456789")
        if all(name.startswith(family) and name[len(family) :].isdecimal() for name in self.names):
            return family.rstrip("_")
        return f"{self.names[0]} .. {self.names[-1].rpartition('_')[2]}"


def expand(spec: Seq, pixels: int) -> list[Stage]:
    """Every stage, the stem's layers in its place, without endpoints that have no head.

    Raises ShapeError for an input that is too small for the network.
    """
    children: list[tuple[str, Node]] = []
    for name, node in spec:
        if name == "stem" and isinstance(node, Seq):
            children += [(f"stem.{layer}", child) for layer, child in node]
        else:
            children.append((name, node))
    return [
        Stage((name,), node, into, cost.out, cost.layers)
        for name, node, into, cost in stages(Seq(tuple(children)), (pixels, pixels))
        if not (isinstance(node, Endpoint) and node.head is None)
    ]


def identical(a: Stage, b: Stage) -> bool:
    """The same layers on a map of the same size: the same cost."""
    return a.node == b.node and str(a.into) == str(b.into)


def alike(a: Stage, b: Stage) -> bool:
    """The same layers and output; the widths of the inputs may differ. A paper draws these once, with a factor."""
    return a.node == b.node and str(a.out) == str(b.out)


def merge_repeats(found: Iterable[Stage], same: Callable[[Stage, Stage], bool] = identical) -> list[Stage]:
    """The stages with neighbours that are the `same` as one row."""
    rows: list[Stage] = []
    for stage in found:
        if rows and same(rows[-1], stage):
            last = rows.pop()
            names, layers = last.names + stage.names, (*last.layers, *stage.layers)
            one_input = last.one_input and str(last.into) == str(stage.into)
            stage = Stage(names, stage.node, last.into, stage.out, layers, one_input)
        rows.append(stage)
    return rows


def body(rows: Iterable[Stage]) -> Iterator[Stage]:
    """The stages before the final pooling or the first fully connected layer, without auxiliary heads."""
    for stage in rows:
        node = stage.node
        if isinstance(node, Linear) or (isinstance(node, Pool) and (node.global_ or node.grid)):
            return
        if isinstance(node, Conv) and node.global_:
            return
        if not stage.is_head:
            yield stage
