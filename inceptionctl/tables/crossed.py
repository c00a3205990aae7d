"""Tables of crossed switches: `ablate 'switches=[a,b]' mode=grid`, and a ladder whose switches come in several orders.

A row is a set of factors: the switches that were typed, or the rows of a stored ladder. Rows are composed from the base
with the factors of their set, always in the same order, so that a set is one run whatever order led to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from inceptionctl.config.compose import Composer
from inceptionctl.config.identity import identity
from inceptionctl.config.idle import check_idle
from inceptionctl.config.overrides import flatten_overrides, group_choices
from inceptionctl.config.schema import Config
from inceptionctl.config.switches import check_switches
from inceptionctl.config.table_settings import Asked
from inceptionctl.errors import RequestError, count, unknown
from inceptionctl.tables.compose import RowComposer
from inceptionctl.tables.ladder import ResolvedRow, common_overrides, difference
from inceptionctl.tables.orders import orders_of, sets_of
from inceptionctl.tables.scales import key_of
from inceptionctl.tables.sets import MOST_ROWS, Set, folder_name, sets_by_mode
from inceptionctl.tables.table import Table, TableRow

BASE = "base"


@dataclass(frozen=True)
class Factor:
    """What a set has or has not: a switch, and the words that a row of a stored table sets."""

    label: str
    switch: str | None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Crossed:
    """`sets`: by the label of each row, the labels of the factors in it; `orders`: of a permuted ladder."""

    table: Table
    rows: list[ResolvedRow]
    sets: dict[str, list[str]]
    orders: list[list[str]]


def cross_switches(asked: Asked, composer: Composer) -> Crossed:
    """The table of the switches that were typed. Raises RequestError for one that does not exist, is named twice,
    changes nothing, or disagrees with another."""
    names, mode = asked.settings.switches, asked.settings.mode
    assert mode is not None, "checked with the settings"
    _check_names(names, asked.words, composer)
    orders = orders_of(names, asked.settings) if asked.settings.order else []
    sets = sets_of(names, orders, BASE) if orders else sets_by_mode(names, mode)
    order_count = f", {count(len(orders), 'order')}" if orders else ""
    table = Table(
        name=folder_name([mode, *(["permuted"] if orders else []), *names]),
        mode="cumulative" if mode == "cumulative" and not orders else "independent",
        title=f"{', '.join(names)}: {mode.replace('_', ' ')}{order_count}",
        metric="final",
        weights="ema",
        base=[],
        rows=[],
    )
    return _crossed(table, [Factor(name, name) for name in names], sets, orders, asked, composer)


def permute(table: Table, rows: Sequence[ResolvedRow], asked: Asked, composer: Composer) -> Crossed:
    """The table of the sets of switches that several orders of a ladder's rows go through. `rows`: as resolved."""
    if table.mode != "cumulative":
        raise RequestError(f"order=permute is for cumulative tables, and each row of {table.name} stands by itself")
    ladder = [row for row in table.rows if not row.standalone]
    if ensembles := [row.label for row in ladder if row.members]:
        raise RequestError(f"order=permute is for rows of one network, and {ensembles[0]!r} is an ensemble")
    first, *others = ladder
    factors = [Factor(row.label, row.add, tuple(row.set)) for row in others]
    labels = [factor.label for factor in factors]
    orders = orders_of(labels, asked.settings)
    cells = {frozenset(labels[:number]): row.cell for number, row in enumerate(ladder)}
    sets = [replace(one, cell=cells.get(frozenset(one.on))) for one in sets_of(labels, orders, first.label)]
    permuted = replace(
        table, name=f"{table.name}-permuted", mode="independent", title=f"{table.title}, {count(len(orders), 'order')}"
    )
    protocol = next(row.protocol for row in rows if row.row.label == first.label)
    crossed = _crossed(permuted, factors, sets, orders, asked, composer)
    return replace(crossed, rows=[replace(row, protocol=protocol) for row in crossed.rows])


def _crossed(
    table: Table, factors: Sequence[Factor], sets: Sequence[Set], orders: list[list[str]], asked: Asked,
    composer: Composer,
) -> Crossed:  # fmt: skip
    if len(sets) > MOST_ROWS:
        raise RequestError(f"{count(len(factors), 'switch')[:-1]}es make {len(sets):,} rows: at most {MOST_ROWS}")
    typed = common_overrides(table, asked.words)
    crossing = _Crossing(RowComposer(table, typed, group_choices(asked.words, "ablation"), composer), factors)
    if not table.base and all(factor.switch for factor in factors):
        crossing.check_all(asked.words, composer)
    rows = crossing.rows(sets)
    table = replace(table, rows=[row.row for row in rows])
    # An option that was typed, such as arch=, is the base of all rows; that a switch still has an effect is checked.
    common_overrides(table, [word for word in asked.words if key_of(word) not in composer.groups("train")])
    check_idle([row.config for row in rows], flatten_overrides(asked.words))
    return Crossed(table=table, rows=rows, sets={one.label: one.on for one in sets}, orders=orders)


@dataclass(frozen=True)
class _Crossing:
    """Composes the rows of sets of factors."""

    ladder: RowComposer
    factors: Sequence[Factor]

    def check_all(self, words: Sequence[str], composer: Composer) -> None:
        """Raises RequestError for a switch that changes nothing, and for two that disagree."""
        switches = [*self.ladder.switches, *(factor.label for factor in self.factors)]
        others = [word for word in words if key_of(word) not in ("ablation", "name")]
        all_words = [*others, f"ablation=[{','.join(switches)}]"]
        check_switches(composer, all_words, composer.compose("train", all_words))

    def rows(self, sets: Sequence[Set]) -> list[ResolvedRow]:
        """Raises RequestError for a row that is the run of another, or changes what no factor of it does alone."""
        base = self._config([])
        declared = {one.label: list(difference(base, self._config([one.label]))) for one in self.factors}
        rows: list[ResolvedRow] = []
        for one in sets:
            changes = [key for label in one.on for key in declared[label]]
            config, before = self._config(one.on), self._before(one, rows) or base
            _check_declared(one, difference(base, config), changes)
            row = _row(one, self.factors, changes)
            rows.append(ResolvedRow(row=row, config=config, changed=difference(before, config)))
        _check_distinct(rows)
        return rows

    def _before(self, one: Set, rows: Sequence[ResolvedRow]) -> Config | None:
        """Of the row that a set is compared with."""
        if self.ladder.table.mode == "cumulative":
            return rows[-1].config if rows else None
        return next((row.config for row in rows if row.row.label == one.against), None)

    def _config(self, on: Sequence[str]) -> Config:
        chosen = [factor for factor in self.factors if factor.label in on]
        words = {key_of(word): word for factor in chosen for word in factor.words}
        try:
            return self.ladder.config(list(words.values()), [one.switch for one in chosen if one.switch])
        except RequestError as error:
            raise RequestError(f"row {' + '.join(on) or BASE!r}: {error}") from error


def _row(one: Set, factors: Sequence[Factor], changes: list[str]) -> TableRow:
    switches = [factor.switch for factor in factors if factor.label == one.adds]
    return TableRow(
        label=one.label, cell=one.cell, add=switches[0] if switches else None, changes=changes, against=one.against
    )


def _check_names(names: Sequence[str], words: Sequence[str], composer: Composer) -> None:
    known, everywhere = composer.groups("train")["ablation"], group_choices(words, "ablation")
    for number, name in enumerate(names):
        if name not in known:
            raise unknown("switch", name, known, f"switches=[{','.join(names)}]")
        if name in names[:number]:
            raise RequestError(f"switches=[{','.join(names)}] names {name} twice: leave one of them out")
        if name in everywhere:
            raise RequestError(
                f"{name} stands in switches= and in ablation=, which every row has: leave one of them out"
            )
    if len(names) < 2:
        raise RequestError(f"switches=[{','.join(names)}]: crossing needs two switches; of one, see `train ablation=`")


def _check_declared(one: Set, changed: Iterable[str], changes: Sequence[str]) -> None:
    if extra := [key for key in changed if key not in changes]:
        raise RequestError(f"row {one.label!r} also changes {', '.join(extra)}, which none of its switches does alone")


def _check_distinct(rows: Sequence[ResolvedRow]) -> None:
    first: dict[str, str] = {}
    for row in rows:
        other = first.setdefault(identity(row.config), row.row.label)
        if other != row.row.label:
            raise RequestError(f"row {row.row.label!r} changes nothing: it is the run of {other!r}")
