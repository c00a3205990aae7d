"""What a check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """`check`: what was looked at. A note costs time or a feature, a problem ends runs: both have a `remedy`. `values`:
    the figures of the message, for other programs."""

    check: str
    level: Level
    message: str
    remedy: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


def ok(check: str, message: str, **values: object) -> Finding:
    return Finding(check, "ok", message, "", values)


def note(check: str, message: str, remedy: str, **values: object) -> Finding:
    return Finding(check, "note", message, remedy, values)


def problem(check: str, message: str, remedy: str, **values: object) -> Finding:
    return Finding(check, "problem", message, remedy, values)
