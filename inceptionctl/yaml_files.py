"""Reads plain YAML: no tags, no key twice, bounded in depth and in values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from inceptionctl.files import MAX_YAML_BYTES, FileError, read_text

MAX_DEPTH = 64
MAX_NODES = 100_000  # with every alias expanded: a short text of nested aliases can stand for billions
OCTAL = re.compile(r"[-+]?0[0-7_]+")
FLOAT = re.compile(
    r"""[-+]?(?:
    (?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?  # 1.5, .5, 1.5e-3
    |[0-9][0-9_]*[eE][-+]?[0-9]+  # 1e-3
    |[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*  # 12:30:00.5, to be refused
    |\.(?:inf|Inf|INF))$
    |\.(?:nan|NaN|NAN)$""",
    re.VERBOSE,
)


def read_yaml(path: Path) -> Any:  # noqa: ANN401  whatever a document holds
    """The document of a YAML file. Raises FileError with the line for what is not plain YAML: tags, duplicate keys,
    times that YAML 1.1 takes for numbers, aliases or nesting beyond all use."""
    return _parsed(path, lambda loader: loader.get_single_data())


def line_of(path: Path, keys: Sequence[str | int]) -> int:
    """The line of a value in a YAML file, such as that under ("rows", 2, "set", 0); if there is none, of the deepest
    part of the way that there is. Raises FileError as `read_yaml`."""
    node = _parsed(path, lambda loader: loader.get_single_node())
    mark = node.start_mark if node else None
    for key in keys:
        found = _child(node, key)
        if found is None:
            break
        at, node = found
        mark = at.start_mark
    return mark.line + 1 if mark else 1


def _child(node: yaml.Node | None, key: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """(where it begins, its value): an entry of a mapping begins with its key."""
    if isinstance(node, yaml.MappingNode):
        return next(((name, value) for name, value in node.value if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None


def _parsed(path: Path, parse: Callable[[_StrictLoader], Any]) -> Any:  # noqa: ANN401  a document or its nodes
    try:
        return parse(_StrictLoader(read_text(path, MAX_YAML_BYTES)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise FileError(f"{path}{where}: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise FileError(f"{path} cannot be read: {' '.join(str(error).split())}") from error


class _StrictLoader(yaml.SafeLoader):
    """Counts nodes while composing, so that nothing large is ever built."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth, self.nodes = 0, 0
        self.nodes_of: dict[str, int] = {}  # by anchor, expanded

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401  as in PyYAML
        event = self.peek_event()  # type: ignore[no-untyped-call]
        anchor, before = event.anchor, self.nodes
        if isinstance(event, yaml.AliasEvent):
            if anchor in self.anchors and anchor not in self.nodes_of:
                raise _error(event, f"*{anchor} contains itself")
            self._count(self.nodes_of.get(anchor, 1), event)
            return super().compose_node(parent, index)
        self._count(1, event)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        if anchor:
            self.nodes_of[anchor] = self.nodes - before
        return node

    def _count(self, nodes: int, event: yaml.Event) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES or self.depth > MAX_DEPTH:
            raise _error(event, f"there are more than {MAX_NODES:,} values or {MAX_DEPTH} levels of them")

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401
        keys = set[str]()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _error(key, "a key is a word, not a list or a mapping")
            if key.value in keys:
                raise _error(key, f"the key {key.value!r} stands twice")
            keys.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: Any) -> int:  # noqa: ANN401
        return int(super().construct_yaml_int(_not_a_time(node)))

    def construct_yaml_float(self, node: Any) -> float:  # noqa: ANN401
        return float(super().construct_yaml_float(_not_a_time(node)))


# Numbers as OmegaConf and the command line have them, 1e-3 too; a date is a text.
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":float", ":timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, [*"-+0123456789."])
_StrictLoader.add_constructor("tag:yaml.org,2002:int", _StrictLoader.construct_yaml_int)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _StrictLoader.construct_yaml_float)


def _not_a_time(node: yaml.ScalarNode) -> yaml.ScalarNode:
    if ":" in node.value:
        raise _error(node, f"{node.value} is a number to YAML, in base 60: put it in quotes")
    if OCTAL.fullmatch(node.value):
        raise _error(node, f"{node.value} is a number to YAML, in base 8: write it without the 0, or in quotes")
    return node


def _error(at: Any, problem: str) -> yaml.MarkedYAMLError:  # noqa: ANN401  a node or an event
    return yaml.MarkedYAMLError(problem=problem, problem_mark=at.start_mark)
