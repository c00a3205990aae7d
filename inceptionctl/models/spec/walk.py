"""The one way through a spec: every node with its path."""

from __future__ import annotations

from collections.abc import Iterator

from inceptionctl.models.spec.nodes import Children, Endpoint, Leaf, Named, Node, Res


def walk(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """`node` and all nodes inside, shortcuts and auxiliary heads included, each before its parts, with their paths.

    Paths are those of torch's modules. A head and its endpoint share one.
    """
    yield path, node
    for name, part in contents(node):
        yield from walk(part, join(path, name))


def leaves(node: Node) -> Iterator[Leaf]:
    """The layers of `node`."""
    return (inner for _, inner in walk(node) if isinstance(inner, Leaf))


def contents(node: Node) -> Children:
    """The nodes directly inside `node`, by name."""
    if isinstance(node, Endpoint):
        return (("", node.head),) if node.head else ()
    children = node.children if isinstance(node, Named) else ()
    return (*children, ("shortcut", node.shortcut)) if isinstance(node, Res) and node.shortcut else children


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name
