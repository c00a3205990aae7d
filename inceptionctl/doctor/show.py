"""Findings on the terminal and as JSON."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from inceptionctl.doctor.finding import Finding
from inceptionctl.errors import count

SCHEMA = 1  # of --json
COLOURS = {"ok": "green", "note": "yellow", "problem": "red"}
LEVEL_WIDTH, CHECK_WIDTH = 9, 10
INDENT = LEVEL_WIDTH + CHECK_WIDTH


def show(findings: Iterable[Finding], to: Console) -> None:
    """A line for each, with its remedy below; on a terminal, text is wrapped beside the names of the checks."""
    for one in findings:
        level, check = one.level.ljust(LEVEL_WIDTH), one.check.ljust(CHECK_WIDTH)
        to.print(Text.assemble((level, COLOURS[one.level]), check, _indented(one.message, to)))
        if one.remedy:
            to.print(Text(" " * INDENT + _indented(f"-> {one.remedy}", to)))


def _indented(text: str, to: Console) -> str:
    if not to.is_terminal:
        return text
    lines = textwrap.wrap(text, max(20, to.width - INDENT), break_on_hyphens=False)
    return f"\n{' ' * INDENT}".join(lines)


def summary(findings: Iterable[Finding]) -> str:
    levels = Counter(one.level for one in findings)
    return f"{count(levels['problem'], 'problem')}, {count(levels['note'], 'note')}"


def as_json(findings: Iterable[Finding]) -> dict[str, object]:
    listed = [vars(one) | {"remedy": one.remedy or None, "values": dict(one.values)} for one in findings]
    return {"schema": SCHEMA, "problems": sum(one["level"] == "problem" for one in listed), "findings": listed}
