"""Checks what a table's file says of each row, before any is composed."""

from __future__ import annotations

from collections.abc import Iterator

from inceptionctl.config.compose import Composer
from inceptionctl.tables.check_measures import check_protocol, metrics_of
from inceptionctl.tables.check_words import (
    FOR_ALL_ROWS,
    NO_SCALE,
    NOT_IN_TABLES,
    Problem,
    check_changes,
    check_scale,
    check_switch,
    check_words,
)
from inceptionctl.tables.source import Key
from inceptionctl.tables.table import Table, TableRow

NOT_IN_ROWS = NOT_IN_TABLES | FOR_ALL_ROWS


def row_problems(table: Table, number: int, row: TableRow, composer: Composer) -> Iterator[Problem]:
    """(keys, problem)"""
    at: tuple[Key, ...] = ("rows", number)
    yield from check_changes((*at, "changes"), row.changes)
    yield from check_words((*at, "set"), row.set, composer, NOT_IN_ROWS)
    yield from check_switch((*at, "add"), row.add, composer)
    yield from check_protocol((*at, "protocol"), row.protocol, composer)
    if row.standalone and table.mode == "independent":
        yield (*at, "standalone"), "every row of an independent table stands alone: leave `standalone` out"
    for scale, words in row.scales.items():
        yield from check_scale((*at, "scales", scale), scale, composer)
        yield from check_words((*at, "scales", scale), words, composer, NOT_IN_ROWS | NO_SCALE)
    yield from _members(table, at, row, composer)


def _members(table: Table, at: tuple[Key, ...], row: TableRow, composer: Composer) -> Iterator[Problem]:
    if row.members and table.mode == "cumulative":
        yield (
            (*at, "members"),
            "an ensemble has no settings that the row below could add to: write mode: independent, and `against`",
        )
    if row.members and sum(member.models for member in row.members) == 1:
        yield (*at, "members"), "one network is no ensemble: leave `members` out"
    for text in metrics_of(table) if row.members else ():
        if text != "final":
            yield (*at, "members"), f"an ensemble has a final error and no training of its own: {text} is not for it"
    for place, member in enumerate(row.members):
        there: tuple[Key, ...] = (*at, "members", place)
        if member.models < 1:
            yield (*there, "models"), f"models = {member.models} is not allowed: it is a number of networks, from 1"
        yield from check_words((*there, "set"), member.set, composer, NOT_IN_ROWS)
        yield from check_switch((*there, "add"), member.add, composer)
