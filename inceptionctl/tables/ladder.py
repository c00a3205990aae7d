"""A paper's table as data. In a cumulative one, row k is the base with the switches of rows 1 to k, no more; in an
independent one, each row is the base with its own settings, no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from hydra.core.override_parser.types import Override

from inceptionctl.config.compose import check_commands, compose, group_choices
from inceptionctl.config.compose import parse as parse_overrides
from inceptionctl.config.keys import flatten, matches
from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.settings import section

OWN_KEYS = ("table", "seeds", "ablation")
APART = ("seed", "name", "outputs", "run_dir", "rerun")  # may differ between rows without being a change


@section
class TableRow:
    """`cell`: the record of papers.yaml, if a paper has one; `set`: groups or settings of this row; `add`: a switch of
    `conf/ablation`; `changes`: the settings that both may change; `against`: the label of the row to compare with, in a
    cumulative table always the one above."""

    label: str
    cell: str | None = None
    set: list[str] = field(default_factory=list)
    add: str | None = None
    changes: list[str] = field(default_factory=list)
    against: str | None = None


@section
class Table:
    """`quoted`: records that the paper's table cites from elsewhere; `weights`: which ones are reported; `changes`:
    what any row may bring along beside its own; an override of it applies to all rows, as of any other setting."""

    name: str
    mode: Literal["cumulative", "independent"]
    paper: str | None
    title: str
    metric: Literal["final"]
    weights: Literal["ema", "raw"]
    base: list[str]
    changes: list[str] = field(default_factory=list)
    quoted: list[str]
    rows: list[TableRow]


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A row ready to run; `changed` maps each setting that it changes, in a cumulative table against the row above and
    else against the base, to (before, now)."""

    row: TableRow
    config: Config
    changed: dict[str, tuple[Any, Any]]


def resolve_rows(table: Table, overrides: Sequence[str]) -> list[Rung]:
    """The rows of `table` with the user's `overrides` applied to all of them.

    Raises RequestError if an override touches what a row is there to change, or if a row would change anything but what
    it declares.
    """
    user = _users_own(table, overrides)
    switches = group_choices(overrides, "ablation")
    below = flatten(asdict(_composed(table, user, [], switches))) if table.mode == "independent" else None
    rungs: list[Rung] = []
    for row in table.rows:
        own = [*switches, *([row.add] if row.add else [])]
        config = _composed(table, user, row.set, own)
        now = flatten(asdict(config))
        changed = difference(below, now) if below is not None else {}
        if below is not None:
            _check_undeclared(table, row, changed)
        rungs.append(Rung(row=row, config=config, changed=changed))
        if table.mode == "cumulative":
            below, switches = now, own
    return rungs


def _users_own(table: Table, overrides: Sequence[str]) -> list[Override]:
    """The overrides for every row. Raises RequestError for one that touches what a row is there to change."""
    declared = [path for row in table.rows for path in row.changes]
    chosen_by_rows = {entry.partition("=")[0] for row in table.rows for entry in row.set}
    user = [o for o in parse_overrides(overrides) if not matches(o.key_or_group, OWN_KEYS)]
    for override in user:
        key = override.key_or_group
        touched = any(matches(key, [path]) or matches(path.removesuffix(".**"), [key]) for path in declared)
        if touched or key in chosen_by_rows:
            raise RequestError(f"{override.input_line} sets what a row of table {table.name} is there to change")
    return user


def _composed(table: Table, user: Sequence[Override], own: Sequence[str], switches: Sequence[str]) -> Config:
    """The settings of a row: what it sets itself, or the user, replaces what the table's base sets."""
    taken = {entry.partition("=")[0] for entry in own} | {override.key_or_group for override in user}
    base = [entry for entry in table.base if entry.partition("=")[0] not in taken]
    named = [] if "name" in taken else [f"name={table.name}"]
    check_commands([*base, *own])
    lines = [override.input_line for override in user if override.input_line]
    return parse(compose("train", [*base, *own, *lines, *named, f"ablation=[{','.join(switches)}]"]))


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Settings whose values differ, absent ones included, but for those in APART."""
    absent = "absent"
    pairs = {key: (before.get(key, absent), now.get(key, absent)) for key in sorted({*before, *now})}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1] and not matches(key, APART)}


def seeds_of(asked: int | Sequence[int]) -> list[int]:
    """`3` is 0, 1, 2; a list names them. Raises RequestError for anything else."""
    seeds = list(range(asked)) if isinstance(asked, int) and not isinstance(asked, bool) else asked
    if not isinstance(seeds, list) or not seeds or not all(type(s) is int and s >= 0 for s in seeds):
        raise RequestError(f"seeds = {asked} is not allowed: a number of seeds from 1, or a list such as 'seeds=[5,6]'")
    if len(set(seeds)) < len(seeds):
        raise RequestError(f"seeds = {asked} names one twice: the runs would be the same")
    return seeds


def _check_undeclared(table: Table, row: TableRow, changed: Mapping[str, Any]) -> None:
    extra = [path for path in changed if not matches(path, [*table.changes, *row.changes])]
    missing = [path for path in row.changes if not any(matches(key, [path]) for key in changed)]
    if extra:
        raise RequestError(f"row {row.label!r} of table {table.name} also changes {', '.join(extra)}: a row may not")
    if missing:
        raise RequestError(f"row {row.label!r} of table {table.name} changes nothing of {', '.join(missing)} here")
