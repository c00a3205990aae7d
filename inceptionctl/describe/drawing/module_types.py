"""The distinct modules of a network: stages of one structure are drawn once. Filter counts in which they differ become
letters with a table below the figure, as in the papers (GoogLeNet Table 1, Inception-v4 Table 1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase, ascii_uppercase

from inceptionctl.describe.stages import Stage
from inceptionctl.models.spec.nodes import Cat, Conv, Endpoint, Linear, Node, Res, Sep, Seq
from inceptionctl.models.spec.rewrite import rewrite

Path = tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """`widths`: what stands in the box of each layer, its filters or a letter; `letters`: the filters of each member
    behind a letter."""

    tag: str
    members: tuple[Stage, ...]
    widths: dict[Path, str]
    letters: dict[str, tuple[int, ...]]

    @property
    def node(self) -> Node:
        return module(self.members[0])


def module(stage: Stage) -> Node:
    return stage.node.head if isinstance(stage.node, Endpoint) and stage.node.head else stage.node


def is_module(stage: Stage) -> bool:
    """Whether the stage has a figure of its own: it is more than one layer."""
    return isinstance(stage.node, Cat | Res | Seq | Endpoint)


def kinds(rows: Iterable[Stage]) -> list[Kind]:
    """In the order in which they first occur, auxiliary heads last."""
    found: dict[Node, list[Stage]] = {}
    for stage in filter(is_module, sorted(rows, key=lambda stage: isinstance(stage.node, Endpoint))):
        found.setdefault(rewrite(stage.node, _shape), []).append(stage)
    return [_kind(ascii_uppercase[i], members) for i, members in enumerate(found.values())]


def places(node: Node, path: Path = ()) -> Iterator[tuple[Path, int]]:
    """Every layer with a width, by the names on the way to it."""
    if isinstance(node, Seq | Cat | Res):
        for name, child in node:
            yield from places(child, (*path, name))
    if isinstance(node, Res) and node.shortcut:
        yield from places(node.shortcut, (*path, "shortcut"))
    elif isinstance(node, Conv | Sep):
        yield path, node.filters
    elif isinstance(node, Linear):
        yield path, node.features


def _kind(tag: str, members: Sequence[Stage]) -> Kind:
    """Layers that are equally wide in every member share a letter."""
    filters = [dict(places(module(stage))) for stage in members]
    widths: dict[Path, str] = {}
    letters: dict[tuple[int, ...], str] = {}
    for path in filters[0]:
        counts = tuple(member[path] for member in filters)
        if len(set(counts)) > 1:
            widths[path] = letters.setdefault(counts, ascii_lowercase[len(letters)])
        else:
            widths[path] = str(counts[0])
    return Kind(tag, tuple(members), widths, {letter: counts for counts, letter in letters.items()})


def _shape(node: Node) -> Node:
    """A rule: a layer without its width, and without what no figure shows."""
    if isinstance(node, Conv | Sep):
        return replace(node, filters=0, init=None)
    return replace(node, features=0, init=None) if isinstance(node, Linear) else node
