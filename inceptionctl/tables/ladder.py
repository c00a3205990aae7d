"""Resolves the rows of a table to configs and checks that each changes what it declares and nothing else.

In a cumulative table, row k is the base with what rows 1 to k set and add; in an independent one, each row is the base
with its own settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hydra.core.override_parser.types import Override

from inceptionctl.config.compose import Composer
from inceptionctl.config.identity import identity
from inceptionctl.config.idle import check_idle
from inceptionctl.config.keys import flatten, matches
from inceptionctl.config.overrides import flatten_overrides, group_choices
from inceptionctl.config.overrides import parse as parse_overrides
from inceptionctl.config.schema import Config
from inceptionctl.errors import RequestError
from inceptionctl.tables.compose import RowComposer, key_of
from inceptionctl.tables.source import TableSource
from inceptionctl.tables.table import Table, TableRow

OWN_KEYS = ("table", "seeds", "ablation")  # of the command line, not overrides of every row
NOT_COMPARED = ("tuned", "seed", "name", "outputs", "run_dir", "rerun")  # may differ between rows
Changes = dict[str, tuple[Any, Any]]


@dataclass(frozen=True, kw_only=True)
class ResolvedRow:
    """A row with its config. `changed`: the settings that differ from the row above (in an independent table: from the
    base) as (before, after)."""

    row: TableRow
    config: Config
    changed: Changes


def resolve_rows(
    table: Table, words: Sequence[str], composer: Composer, source: TableSource | None = None
) -> list[ResolvedRow]:
    """The rows of `table` with the overrides of the command line, `words`, applied to each. Composes once per row, and
    once for the base of an independent table.

    Raises RequestError if an override touches what a row changes or has no effect on any row, and, with the line of
    `source`, if a row cannot be composed, changes anything that it does not declare, or is the run of another row.
    """
    ladder = RowComposer(table, _common_overrides(table, words), group_choices(words, "ablation"), composer)
    source = source or TableSource(table.name)
    ladder.check_switches()
    before = ladder.checked_base(source) if table.mode == "independent" else None
    resolved: list[ResolvedRow] = []
    for number, row in enumerate(table.rows):
        config = ladder.checked_row(number, source)
        changed = difference(before, config) if before else {}
        if before:
            _check_declared(table, number, changed, source)
        resolved.append(ResolvedRow(row=row, config=config, changed=changed))
        before = before if table.mode == "independent" else config
    _check_distinct(resolved, source)
    check_idle([row.config for row in resolved], flatten_overrides(words))
    return resolved


def _common_overrides(table: Table, words: Sequence[str]) -> list[Override]:
    """The overrides for every row. Raises RequestError for one of a setting that a row changes."""
    common = [override for override in parse_overrides(words) if not matches(override.key_or_group, OWN_KEYS)]
    for override in common:
        if override.key_or_group == "seed":
            raise RequestError(f"{override.input_line} has no effect on a table: give seeds=, as in 'seeds=[5]'")
        for row in table.rows:
            if _touches(override.key_or_group, row):
                raise RequestError(
                    f"{override.input_line} overrides a setting that table {table.name} varies (row {row.label!r})"
                )
    return common


def _touches(key: str, row: TableRow) -> bool:
    """Whether an override of `key` sets, contains or lies in what `row` changes."""
    declared = any(matches(key, [path]) or matches(path.removesuffix(".**"), [key]) for path in row.changes)
    return declared or key in {key_of(word) for word in row.set}


def difference(before: Config, after: Config) -> Changes:
    """The settings whose values differ, as (before, after); "absent" where only one has the setting."""
    one, other = flatten(asdict(before)), flatten(asdict(after))
    pairs = {key: (one.get(key, "absent"), other.get(key, "absent")) for key in sorted({*one, *other})}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1] and not matches(key, NOT_COMPARED)}


def _check_declared(table: Table, number: int, changed: Mapping[str, Any], source: TableSource) -> None:
    row, at = table.rows[number], ("rows", number)
    extra = [path for path in changed if not matches(path, [*table.changes, *row.changes])]
    missing = [i for i, path in enumerate(row.changes) if not any(matches(key, [path]) for key in changed)]
    if extra:
        raise source.error(at, f"row {row.label!r} also changes {', '.join(extra)}: its `changes` does not name that")
    if missing:
        idle = row.changes[missing[0]]
        raise source.error((*at, "changes", missing[0]), f"row {row.label!r} does not change {idle} here")


def _check_distinct(rows: Sequence[ResolvedRow], source: TableSource) -> None:
    """Raises RequestError for a row that is the same run as one above it."""
    first: dict[str, str] = {}
    for number, row in enumerate(rows):
        other = first.setdefault(identity(row.config), row.row.label)
        if other != row.row.label:
            raise source.error(("rows", number), f"row {row.row.label!r} changes nothing: it is the run of {other!r}")
