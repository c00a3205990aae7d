"""Resolves the rows of a table to configs and checks that each changes what it declares and nothing else.

In a cumulative table, row k is the base with the switches of rows 1 to k; in an independent one, each row is the base
with its own settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hydra.core.override_parser.types import Override

from inceptionctl.config.compose import Composer
from inceptionctl.config.idle import check_idle
from inceptionctl.config.keys import flatten, matches
from inceptionctl.config.overrides import flatten_overrides, group_choices
from inceptionctl.config.overrides import parse as parse_overrides
from inceptionctl.config.safety import check_no_commands
from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
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


def resolve_rows(table: Table, words: Sequence[str], composer: Composer) -> list[ResolvedRow]:
    """The rows of `table` with the overrides of the command line, `words`, applied to each. Composes once per row, and
    once for the base of an independent table.

    Raises RequestError if an override touches what a row changes or has no effect on any row, and if a row changes
    anything that it does not declare.
    """
    overrides = _common_overrides(table, words)
    switches = group_choices(words, "ablation")
    independent = table.mode == "independent"
    before = _compose(composer, table, overrides, [], switches) if independent else None
    resolved: list[ResolvedRow] = []
    for row in table.rows:
        row_switches = [*switches, *([row.add] if row.add else [])]
        config = _compose(composer, table, overrides, row.set, row_switches)
        check_idle([config], flatten_overrides(row.set))
        changed = difference(before, config) if before else {}
        if before:
            _check_declared(table, row, changed)
        resolved.append(ResolvedRow(row=row, config=config, changed=changed))
        if not independent:
            before, switches = config, row_switches
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
    return declared or key in {word.partition("=")[0] for word in row.set}


def _compose(
    composer: Composer, table: Table, overrides: Sequence[Override], row_words: Sequence[str], switches: Sequence[str]
) -> Config:
    """What a row or the command line sets replaces what the table's base sets."""
    taken = {word.partition("=")[0] for word in row_words} | {override.key_or_group for override in overrides}
    base = [word for word in table.base if word.partition("=")[0] not in taken]
    name = [] if "name" in taken else [f"name={table.name}"]
    check_no_commands([*base, *row_words])
    typed = [override.input_line for override in overrides if override.input_line]
    return parse(composer.compose("train", [*base, *row_words, *typed, *name, f"ablation=[{','.join(switches)}]"]))


def difference(before: Config, after: Config) -> Changes:
    """The settings whose values differ, as (before, after); "absent" where only one has the setting."""
    one, other = flatten(asdict(before)), flatten(asdict(after))
    pairs = {key: (one.get(key, "absent"), other.get(key, "absent")) for key in sorted({*one, *other})}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1] and not matches(key, NOT_COMPARED)}


def _check_declared(table: Table, row: TableRow, changed: Mapping[str, Any]) -> None:
    extra = [path for path in changed if not matches(path, [*table.changes, *row.changes])]
    missing = [path for path in row.changes if not any(matches(key, [path]) for key in changed)]
    if extra:
        raise RequestError(f"row {row.label!r} of table {table.name} also changes {', '.join(extra)}: a row may not")
    if missing:
        raise RequestError(f"row {row.label!r} of table {table.name} does not change {', '.join(missing)} here")
