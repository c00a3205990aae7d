"""The page of the records: each file of a run, a table or an evaluation, field by field."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from from_code.text import code, page, plain, table
from inceptionctl.runs import records

INTRODUCTION = (
    "JSON files of run folders, tables and evaluations, from `inceptionctl/runs/records`. A file begins with `schema`, "
    "the version of its layout. [Files](../../files.md) says where each lies and what happens when it is damaged."
)


def pages() -> Iterator[tuple[str, str]]:
    modules = [import_module(f"{records.__name__}.{info.name}") for info in iter_modules(records.__path__)]
    yield "records.md", page("Records", INTRODUCTION, *(part for module in modules for part in _module(module)))


def _module(module: ModuleType) -> Iterator[str]:
    yield f"## {module.__name__.rpartition('.')[2]}"
    yield plain(inspect.getdoc(module) or "")
    for cls in vars(module).values():
        if inspect.isclass(cls) and is_dataclass(cls) and cls.__module__ == module.__name__:
            yield f"### {cls.__name__}"
            yield plain(inspect.getdoc(cls) or "")
            yield _fields(cls)


def _fields(cls: type) -> str:
    types = _types(cls)
    rows = [(code(one.name), code(types.get(one.name, one.type)), _default(one.default)) for one in fields(cls)]
    return table(["field", "type", "where it is absent"], rows)


def _default(value: object) -> str:
    return "" if value is MISSING else code(value)


def _types(cls: type) -> dict[str, str]:
    """As they stand in the source."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(definition, ast.ClassDef)
    annotated = [one for one in definition.body if isinstance(one, ast.AnnAssign)]
    return {ast.unparse(one.target): ast.unparse(one.annotation) for one in annotated}
