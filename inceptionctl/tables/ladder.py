"""Resolves the rows of a table to configs and checks that each changes what it declares and nothing else.

In a cumulative table, row k is the base with what rows 1 to k set and add; in an independent one, each row is the base
with its own settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hydra.core.override_parser.types import Override

from inceptionctl.config.compose import OWN_SETTINGS, Composer
from inceptionctl.config.identity import identity
from inceptionctl.config.idle import check_idle
from inceptionctl.config.keys import flatten, matches
from inceptionctl.config.overrides import flatten_overrides, group_choices
from inceptionctl.config.overrides import parse as parse_overrides
from inceptionctl.config.schema import Config
from inceptionctl.errors import RequestError
from inceptionctl.evaluation.protocols import ProtocolSettings
from inceptionctl.tables.compose import RowComposer
from inceptionctl.tables.scales import at_scale, key_of
from inceptionctl.tables.source import TableSource
from inceptionctl.tables.table import Table, TableRow

OWN_KEYS = ("table", "ablation", *OWN_SETTINGS["ablate"])  # of the command line, not overrides of every row
NOT_COMPARED = ("tuned", "seed", "name", "outputs", "run_dir", "rerun")  # may differ between rows
Changes = dict[str, tuple[Any, Any]]


@dataclass(frozen=True, kw_only=True)
class ResolvedRow:
    """A row with its config. `changed`: the settings that differ from the row above (in an independent table, and of a
    row that stands alone: from the base) as (before, after). `members`: of an ensemble, each network's config and how
    many of it there are; `config` is then the first's. `protocol`: by which its cells are evaluated; None: as `config`
    has it."""

    row: TableRow
    config: Config
    changed: Changes
    members: list[tuple[Config, int]] = field(default_factory=list)
    protocol: ProtocolSettings | None = None

    @property
    def configs(self) -> list[Config]:
        """Those of the networks that are trained for it: one, or the members of an ensemble."""
        return [config for config, _ in self.members] or [self.config]


def resolve_rows(
    table: Table, words: Sequence[str], composer: Composer, source: TableSource | None = None
) -> list[ResolvedRow]:
    """The rows of `table` with the overrides of the command line, `words`, applied to each. Composes once per row and
    per further network of an ensemble, once for each protocol, and once for a base that rows are compared with.

    Raises RequestError if an override touches what a row changes or has no effect on any row, and, with the line of
    `source`, if a row cannot be composed, changes anything that it does not declare, or is the run of another row.
    """
    if table.not_reproducible:
        at = (source or TableSource(table.name)).at(("not_reproducible",))
        raise RequestError(f"{at}: table {table.name} cannot be run: {table.not_reproducible}")
    table, source = at_scale(table, words, composer, source)
    ladder = RowComposer(table, common_overrides(table, words), group_choices(words, "ablation"), composer)
    ladder.check_switches()
    with_base = table.mode == "independent" or any(row.standalone for row in table.rows)
    base = ladder.checked_base(source) if with_base else None
    names = dict.fromkeys(row.protocol or table.protocol for row in table.rows)
    protocols = {name: ladder.protocol(name) if name else None for name in names}
    resolved: list[ResolvedRow] = []
    above: Config | None = None
    for number, row in enumerate(table.rows):
        before = base if table.mode == "independent" or row.standalone else above
        resolved.append(_resolved(ladder, number, before, protocols[row.protocol or table.protocol], source))
        above = above if row.standalone else resolved[-1].config
    _check_distinct(resolved, source)
    check_idle([config for row in resolved for config in row.configs], flatten_overrides(words))
    return resolved


def _resolved(
    ladder: RowComposer, number: int, before: Config | None, protocol: ProtocolSettings | None, source: TableSource
) -> ResolvedRow:
    """Raises RequestError for a row that changes anything but what it declares, compared with `before`."""
    row, config = ladder.table.rows[number], ladder.checked_row(number, source)
    members = ladder.checked_members(number, config, source)
    changed: Changes = {}
    for each in (one for one, _ in members) if members else (config,):
        changed = difference(before, each) | changed if before else {}
    if before:
        _check_declared(ladder.table, number, changed, source)
    first = members[0][0] if members else config
    return ResolvedRow(row=row, config=first, changed=changed, members=members, protocol=protocol)


def common_overrides(table: Table, words: Sequence[str]) -> list[Override]:
    """The overrides for every row. Raises RequestError for one of a setting that a row changes."""
    common = [override for override in parse_overrides(words) if not matches(override.key_or_group, OWN_KEYS)]
    for override in common:
        if override.key_or_group == "seed":
            raise RequestError(f"{override.input_line} has no effect on a table: give seeds=, as in 'seeds=[5]'")
        if override.key_or_group.partition(".")[0] == "protocol" and (table.protocol or _protocols(table)):
            raise RequestError(f"{override.input_line}: table {table.name} says by which protocol it is evaluated")
        for row in table.rows:
            if _touches(override.key_or_group, row):
                raise RequestError(
                    f"{override.input_line} overrides a setting that table {table.name} varies (row {row.label!r})\n"
                    "  leave it out, or write a table of your own (docs/how-to/own_table.md)"
                )
    return common


def _protocols(table: Table) -> set[str]:
    """That rows name."""
    return {row.protocol for row in table.rows if row.protocol}


def _touches(key: str, row: TableRow) -> bool:
    """Whether an override of `key` sets, contains or lies in what `row` changes. What a row that stands alone has
    otherwise, as a network of its own, can be overridden."""
    declared = [] if row.standalone else row.changes
    touched = any(matches(key, [path]) or matches(path.removesuffix(".**"), [key]) for path in declared)
    words = [*row.set, *(word for member in row.members for word in member.set)]
    return touched or key in {key_of(word) for word in words}


def difference(before: Config, after: Config) -> Changes:
    """The settings whose values differ, as (before, after); "absent" where only one has the setting."""
    one, other = flatten(asdict(before)), flatten(asdict(after))
    pairs = {key: (one.get(key, "absent"), other.get(key, "absent")) for key in sorted({*one, *other})}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1] and not matches(key, NOT_COMPARED)}


def _check_declared(table: Table, number: int, changed: Mapping[str, Any], source: TableSource) -> None:
    row, at = table.rows[number], ("rows", number)
    extra = [path for path in changed if not matches(path, [*table.changes, *row.changes])]
    required = [] if row.standalone else row.changes
    missing = [i for i, path in enumerate(required) if not any(matches(key, [path]) for key in changed)]
    if extra:
        raise source.error(at, f"row {row.label!r} also changes {', '.join(extra)}: its `changes` does not name that")
    if missing:
        idle = row.changes[missing[0]]
        raise source.error((*at, "changes", missing[0]), f"row {row.label!r} does not change {idle} here")


def _check_distinct(rows: Sequence[ResolvedRow], source: TableSource) -> None:
    """Raises RequestError for a row with the runs and the protocol of one above it."""
    first: dict[object, str] = {}
    for number, row in enumerate(rows):
        members = tuple((identity(config), models) for config, models in row.members)
        other = first.setdefault((identity(row.config), members, row.protocol), row.row.label)
        if other != row.row.label:
            raise source.error(("rows", number), f"row {row.row.label!r} changes nothing: it is the run of {other!r}")
