"""A network as the rows of a paper's layer table: its stages, identical ones in a row taken together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from inceptionctl.models.spec.cost import Layer, stages
from inceptionctl.models.spec.nodes import Conv, Endpoint, Linear, Node, Pool, Seq
from inceptionctl.models.spec.shapes import FeatureMap


@dataclass(frozen=True)
class Stage:
    """`names` of the stages that are one; `into` the input of the first, `out` the output of the last, `layers` of all
    of them; `one_input`: all get a map of the same size."""

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
    def end(self) -> FeatureMap:
        """The output; of an auxiliary head its own."""
        return self.layers[-1].after if isinstance(self.node, Endpoint) and self.layers else self.out

    @property
    def span(self) -> str:
        """`block_a1 .. block_a10`"""
        return f"{self.names[0]} .. {self.names[-1]}" if len(self.names) > 1 else self.names[0]

    @property
    def short(self) -> str:
        """`block_a`, where that says it all beside a count; else `mixed_7b .. 7c`."""
        if len(self.names) == 1:
            return self.names[0]
        family = self.names[0].rstrip("0123456789")
        if all(name.startswith(family) and name[len(family) :].isdecimal() for name in self.names):
            return family.rstrip("_")
        return f"{self.names[0]} .. {self.names[-1].rpartition('_')[2]}"


def expand(spec: Seq, pixels: int) -> list[Stage]:
    """Every stage by itself, the stem's layers in its place; taps without a head, which do nothing, are left out.
    Raises ShapeError where the network does not survive an input of `pixels`."""
    children: list[tuple[str, Node]] = []
    for name, node in spec:
        inner = [(f"stem.{step}", layer) for step, layer in node] if isinstance(node, Seq) and name == "stem" else None
        children += inner or [(name, node)]
    found = stages(Seq(tuple(children)), (pixels, pixels))
    return [
        Stage((name,), node, into, part.out, part.layers)
        for name, node, into, part in found
        if not (isinstance(node, Endpoint) and node.head is None)
    ]


def identical(a: Stage, b: Stage) -> bool:
    """The same layers on the same map: the same cost."""
    return a.node == b.node and str(a.into) == str(b.into)


def alike(a: Stage, b: Stage) -> bool:
    """What a paper draws once, with a factor: the same layers to the same map, from inputs that may differ in width."""
    return a.node == b.node and str(a.out) == str(b.out)


def merge_repeats(found: Iterable[Stage], same: Callable[[Stage, Stage], bool] = identical) -> list[Stage]:
    """Neighbours that are the `same` taken together."""
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
    """The stages that work on maps: those before the final pooling or the first fully connected layer. Side heads are
    none of them."""
    for stage in rows:
        node = stage.node
        if isinstance(node, Linear) or (isinstance(node, Pool) and (node.global_ or node.grid)):
            return
        if isinstance(node, Conv) and node.global_:
            return
        if not isinstance(node, Endpoint):
            yield stage
