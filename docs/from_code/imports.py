"""Which package of inceptionctl imports which, and a level for each: one above all that it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import inceptionctl

PACKAGE = Path(inceptionctl.__file__).parent
Graph = Mapping[str, set[str]]


def graph() -> dict[str, set[str]]:
    """Packages and single files directly in inceptionctl, each with those that it imports, in functions too."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] not in ("__init__", "__main__", "conf"):
            names = {name.split(".")[1] for name in _imported(path) if name.startswith("inceptionctl.")}
            found.setdefault(parts[0], set()).update(names - {parts[0]})
    return {name: targets & found.keys() for name, targets in found.items()}


def with_torch() -> set[str]:
    """The packages with a file that imports torch when it is imported itself."""
    heads = {path: ast.parse(path.read_text()).body for path in PACKAGE.rglob("*.py")}
    found = {path for path, body in heads.items() if any(_is_torch(statement) for statement in body)}
    return {path.relative_to(PACKAGE).parts[0] for path in found}


def _is_torch(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return (statement.module or "").partition(".")[0] == "torch"
    return isinstance(statement, ast.Import) and any(one.name.partition(".")[0] == "torch" for one in statement.names)


def levels(imports: Graph) -> list[list[str]]:
    """From the ground up."""

    @cache
    def level(name: str) -> int:
        return 1 + max(map(level, imports[name]), default=-1)

    return [[name for name in imports if level(name) == k] for k in range(1 + max(map(level, imports)))]


def direct(imports: Graph) -> dict[str, set[str]]:
    """Without those imports that follow from the others: a imports c, where it imports b and b imports c."""

    @cache
    def reached(name: str) -> frozenset[str]:
        return frozenset(imports[name]).union(*map(reached, imports[name]))

    return {
        name: {target for target in targets if not any(target in reached(other) for other in targets - {target})}
        for name, targets in imports.items()
    }


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "inceptionctl":
            yield from (f"inceptionctl.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            yield str(node.values[0].value)  # import_module(f"inceptionctl.commands.{command}")
