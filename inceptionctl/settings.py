"""The decorator and the number types that a section of settings is made of.

A section lies in the file of the thing that it sets, beside its builder; `config` puts them together. YAML owns the
values: no field has a default. A string below a field says what the field is, with its unit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass
from typing_extensions import dataclass_transform

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Fraction = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
UnitInterval = Annotated[float, Field(ge=0, le=1)]
T = TypeVar("T")


def _ascending(ends: list[float]) -> list[float]:
    if ends[0] > ends[1]:
        raise ValueError("the low end comes first")
    return ends


def _absolute(path: str) -> str:
    """Of a path as it was typed: a run is resumed from other folders."""
    return str(Path(path).expanduser().absolute())


FractionRange = Annotated[list[Fraction], Field(min_length=2, max_length=2), AfterValidator(_ascending)]
PositiveRange = Annotated[list[Positive], Field(min_length=2, max_length=2), AfterValidator(_ascending)]
AbsolutePath = Annotated[str, Field(min_length=1), AfterValidator(_absolute)]


@dataclass_transform(frozen_default=True, kw_only_default=True)
def section(cls: type[T]) -> type[T]:
    """Makes `cls` a frozen, keyword-only dataclass that checks types and ranges and refuses unknown keys."""
    return checked_dataclass(cls, frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))  # type: ignore[return-value]
