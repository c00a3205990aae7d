"""Checks what a table's file says of how its rows are measured and shown."""

from __future__ import annotations

from collections.abc import Iterator

from inceptionctl.errors import unknown
from inceptionctl.tables.metric import NAMES, Metric
from inceptionctl.tables.source import Key
from inceptionctl.tables.table import Table

Problem = tuple[tuple[Key, ...], str]


def measure_problems(table: Table) -> Iterator[Problem]:
    """(keys, problem)"""
    yield from _metric(("metric",), table.metric)
    for place, text in enumerate(table.also):
        yield from _metric(("also", place), text)
        if text in (table.metric, *table.also[:place]):
            yield ("also", place), f"{text} is a metric of this table already"
    for scale, at in table.scales.items():
        if at.metric is not None:
            yield from _metric(("scales", scale, "metric"), at.metric)


def _metric(keys: tuple[Key, ...], text: str) -> Iterator[Problem]:
    try:
        Metric.parse(text)
    except ValueError as error:
        yield keys, str(error if text.startswith("steps_to(") else unknown("metric", text, NAMES))
