"""An explanation as a table for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from inceptionctl.describe.explain.difference import Difference, Explanation
from inceptionctl.describe.explain.evaluated import NAMES
from inceptionctl.describe.explain.sides import Side
from inceptionctl.papers.provenance import Effect
from inceptionctl.runs.settings import shown
from inceptionctl.terminal import console as make_console

SCHEMA = 1
STATUS = {"stated": "stated", "read": "read", "not_stated": "not stated"}
NARROW = 120  # columns off a terminal


def show(found: Explanation) -> None:
    console = make_console(wraps=True)
    if not console.is_terminal:
        console = make_console(width=NARROW, wraps=True)
    for line in _heading(found):
        console.print(line, soft_wrap=True)
    if found.settings:
        console.print(_table("setting", found.settings, found.paper))
    if found.evaluation:
        console.print(_table("evaluation", found.evaluation, None))
    for line in _notes(found):
        console.print(line, soft_wrap=True)


def as_json(found: Explanation) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "a": _side(found.a),
        "b": _side(found.b),
        "paper": found.paper,
        "settings": [_entry(one) for one in found.settings],
        "evaluation": [_entry(one) for one in found.evaluation],
        "sum_of_effects": found.sum,
    }


def _heading(found: Explanation) -> Iterator[str]:
    for letter, side in (("A", found.a), ("B", found.b)):
        error = side.evaluated.error if side.evaluated else None
        yield f"{letter}  {side.name}: {side.what}" + (f", top-1 error {error:.2f} %" if error is not None else "")


def _table(heading: str, found: Sequence[Difference], paper: str | None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in (heading, "A", "B", *(["in the paper"] if paper else []), "effect on A's error"):
        table.add_column(column, overflow="fold", no_wrap=column == heading)
    for one in found:
        source = [Text(_source(one))] if paper else []
        effects = Text("\n".join(map(_effect, one.effects)))
        table.add_row(Text(NAMES.get(one.key, one.key)), Text(shown(one.a)), Text(shown(one.b)), *source, effects)
    return table


def _source(one: Difference) -> str:
    if one.source is None:
        return ""
    parts = [STATUS[one.source.status], one.source.where, one.source.note]
    return "; ".join(part for part in parts if part)


def _effect(effect: Effect) -> str:
    if effect.points is None:
        return f"no figure: {effect.says} ({effect.where})"
    if effect.values:
        return f"(for {effect.values}: {effect.points:+.2g}; {effect.where})"
    return f"{effect.points:+.3g} ({effect.where})"


def _notes(found: Explanation) -> Iterator[str]:
    if not found.settings and not found.evaluation:
        yield "no setting differs"
    if not (found.a.evaluated and found.b.evaluated):
        yield (
            "how they were evaluated is not compared: "
            + " and ".join(side.name for side in (found.a, found.b) if not side.evaluated)
            + " has no error"
        )
    if found.sum is not None:
        yield f"published effects of these changes together: {found.sum:+.3g} points for A; they need not add up"
        if "data.name" in {one.key for one in found.settings}:
            yield "they were measured on ImageNet: on other images they are other figures"
    if found.paper and any(one.source is None for one in found.settings):
        yield 'nothing under "in the paper": not looked up, or no part of the paper\'s recipe'


def _side(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "what": side.what,
        "evaluation": asdict(side.evaluated) if side.evaluated else None,
    }


def _entry(one: Difference) -> dict[str, Any]:
    return {
        "key": one.key,
        "a": one.a,
        "b": one.b,
        "source": asdict(one.source) if one.source else None,
        "effects": [asdict(effect) for effect in one.effects],
    }
