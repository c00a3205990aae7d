"""The distinct modules of a network: stages of one structure share a figure.

Filter counts in which they differ are letters with a table below the figure, as in the papers (GoogLeNet Table 1,
Inception-v4 Table 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase, ascii_uppercase

from inceptionctl.describe.stages import Stage
from inceptionctl.models.spec.nodes import Cat, Conv, Endpoint, Linear, Node, Res, Sep, Seq
from inceptionctl.models.spec.rewrite import rewrite
from inceptionctl.models.spec.walk import walk


@dataclass(frozen=True)
class ModuleType:
    """`widths`: the text for each layer's filters, a number or a letter, by the layer's path; `letters`: the filters
    of each member behind a letter."""

    tag: str
    members: tuple[Stage, ...]
    widths: dict[str, str]
    letters: dict[str, tuple[int, ...]]

    @property
    def node(self) -> Node:
        return self.members[0].module


def module_types(rows: Iterable[Stage]) -> list[ModuleType]:
    """In the order of their first occurrence, auxiliary heads last."""
    found: dict[Node, list[Stage]] = {}
    for stage in sorted(rows, key=lambda stage: stage.is_head):
        if isinstance(stage.node, Cat | Res | Seq | Endpoint):  # more than one layer
            found.setdefault(rewrite(stage.node, _without_widths), []).append(stage)
    return [_module_type(ascii_uppercase[i], members) for i, members in enumerate(found.values())]


def _module_type(tag: str, members: Sequence[Stage]) -> ModuleType:
    """Layers that are equally wide in every member share a letter."""
    filters = [_filters(stage.module) for stage in members]
    widths: dict[str, str] = {}
    letters: dict[tuple[int, ...], str] = {}
    for path in filters[0]:
        counts = tuple(member[path] for member in filters)
        if len(set(counts)) > 1:
            widths[path] = letters.setdefault(counts, ascii_lowercase[len(letters)])
        else:
            widths[path] = str(counts[0])
    return ModuleType(tag, tuple(members), widths, {letter: counts for counts, letter in letters.items()})


def _filters(module: Node) -> dict[str, int]:
    """The width of every layer that has one, by its path."""
    nodes = dict(walk(module))
    widths = {path: node.filters for path, node in nodes.items() if isinstance(node, Conv | Sep)}
    return widths | {path: node.features for path, node in nodes.items() if isinstance(node, Linear)}


def _without_widths(node: Node) -> Node:
    """A rule: a layer without its width and initialisation, which no figure shows."""
    if isinstance(node, Conv | Sep):
        return replace(node, filters=0, init=None)
    return replace(node, features=0, init=None) if isinstance(node, Linear) else node
