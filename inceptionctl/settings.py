"""What a section of settings is made of: the decorator, the number types, a choice between sections, documentation.

A section stands in the file of the thing that it sets, beside its builder; `config` puts them together. YAML owns the
values: no field has a default. The string below a field documents it: one sentence, the unit, what null means.
"""

from __future__ import annotations

import ast
import inspect
import os
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic.dataclasses import dataclass as checked_dataclass
from pydantic_core import CoreSchema, core_schema
from typing_extensions import dataclass_transform

# Far beyond any use, and small enough for every library that a number is given to.
MOST = 10**9
# Strict: true is not 1, and "1" is not a number.
Flag = Annotated[bool, Field(strict=True)]
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[Finite, Field(gt=0)]
NonNegative = Annotated[Finite, Field(ge=0)]
Share = Annotated[Finite, Field(ge=0, lt=1)]
Fraction = Annotated[Finite, Field(gt=0, le=1)]
Integer = Annotated[int, Field(strict=True)]
Count = Annotated[Integer, Field(ge=1, le=MOST)]
NonNegativeInt = Annotated[Integer, Field(ge=0, le=MOST)]
Groups = Annotated[Integer, Field(ge=1, le=4096)]
Processes = Annotated[Integer, Field(ge=1, le=10_000)]
Epochs = Annotated[Positive, Field(le=MOST)]
UnitInterval = Annotated[Finite, Field(ge=0, le=1)]
T = TypeVar("T")
MAX_NAME_BYTES, MAX_PATH_BYTES = 255, 4095  # of a name and of a path, in Linux's file systems


def _ascending(ends: list[float]) -> list[float]:
    if ends[0] > ends[1]:
        raise ValueError("the low end comes first")
    return ends


@dataclass(frozen=True)
class TakenAsTyped:
    """Marks the type of a setting that is a path: on the command line, no character of its value means anything, but
    of one that may name `several`, the brackets and commas of a list."""

    several: bool = False


def absolute(path: str) -> str:
    """Of a path as it was typed, `~` and `~user` expanded: a run is resumed from other folders. Raises ValueError for
    what no file can be called."""
    if "\0" in path:
        raise ValueError("a path has no NUL character")
    data = os.fsencode(path)
    if len(data) > MAX_PATH_BYTES or any(len(part) > MAX_NAME_BYTES for part in data.split(b"/")):
        raise ValueError(f"a name has at most {MAX_NAME_BYTES} bytes, and a path {MAX_PATH_BYTES:,}")
    try:
        return str(Path(path).expanduser().absolute())
    except RuntimeError as error:
        user = path.partition("/")[0]
        raise ValueError(f"there is no user {user[1:]!r}; a folder of that name is ./{user}") from error


def _path_segment(name: str) -> str:
    """Of a folder's name: it neither leads elsewhere nor is hidden."""
    if "/" in name or name in (".", ".."):
        raise ValueError("it is the name of one folder, not a path")
    if name.startswith(".") or not name.strip() or not name.isprintable():
        raise ValueError("the name of a folder begins with no dot and has visible characters, on one line")
    if len(os.fsencode(name)) > MAX_NAME_BYTES:
        raise ValueError(f"the name of a folder has at most {MAX_NAME_BYTES} bytes")
    return name


FractionRange = Annotated[list[Fraction], Field(min_length=2, max_length=2), AfterValidator(_ascending)]
PositiveRange = Annotated[list[Positive], Field(min_length=2, max_length=2), AfterValidator(_ascending)]
PathSegment = Annotated[str, AfterValidator(_path_segment)]
AbsolutePath = Annotated[str, Field(min_length=1), AfterValidator(absolute), TakenAsTyped()]


@dataclass_transform(frozen_default=True, kw_only_default=True)
def section(cls: type[T]) -> type[T]:
    """Makes `cls` a frozen, keyword-only dataclass that checks types and ranges and refuses unknown keys."""
    return checked_dataclass(cls, frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class OneOf:
    """For a field that takes one of `sections`, which its key `name` chooses: `Annotated[Base, OneOf(...)]`.

    Each section has exactly its own keys, and its `name: Literal[...]` is its key in `sections`.
    """

    sections: Mapping[str, type]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {name: handler.generate_schema(section) for name, section in self.sections.items()}
        return core_schema.tagged_union_schema(choices, discriminator="name")


@cache
def field_docs(section: type) -> dict[str, str]:
    """The documentation of each field of a section: on one line, the string below it, or what its `Field` says where
    the section is not written out in a file."""
    described = getattr(section, "__pydantic_fields__", {})
    docs = {name: " ".join(field.description.split()) for name, field in described.items() if field.description}
    for cls in filter(is_dataclass, reversed(section.__mro__)) if not docs else ():
        definition = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        assert isinstance(definition, ast.ClassDef)
        for field, below in zip(definition.body, definition.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_text(below):
                docs[field.target.id] = " ".join(ast.literal_eval(below.value).split())  # type: ignore[attr-defined]
    return docs


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
