"""Checks what a table's file says of how its rows are measured and shown."""

from __future__ import annotations

from collections.abc import Iterator

from inceptionctl.config.compose import Composer
from inceptionctl.errors import unknown
from inceptionctl.tables.check_words import Problem
from inceptionctl.tables.column_names import COLUMNS
from inceptionctl.tables.metric import NAMES, Metric
from inceptionctl.tables.source import Key
from inceptionctl.tables.table import Convergence, Table


def measure_problems(table: Table, composer: Composer) -> Iterator[Problem]:
    """(keys, problem)"""
    yield from _metrics(table)
    yield from _margin(table)
    yield from check_protocol(("protocol",), table.protocol, composer)
    yield from _converged(table.converged)
    for place, name in enumerate(table.columns):
        if name not in COLUMNS:
            yield ("columns", place), str(unknown("column", name, COLUMNS))
        if name in table.columns[:place]:
            yield ("columns", place), f"{name} stands twice"


def metrics_of(table: Table) -> list[str]:
    """All that the table is measured by, at any scale."""
    scales = [text for at in table.scales.values() for text in (at.metric, *(at.also or [])) if text]
    return list(dict.fromkeys([table.metric, *table.also, *scales]))


def check_protocol(at: tuple[Key, ...], option: str | None, composer: Composer) -> Iterator[Problem]:
    options = composer.groups("train")["protocol"]
    if option is not None and option not in options:
        yield at, str(unknown("protocol", option, options))


def _metrics(table: Table) -> Iterator[Problem]:
    yield from _metric(("metric",), table.metric)
    yield from _further(("also",), table.also, table.metric)
    for scale, at in table.scales.items():
        if at.metric is not None:
            yield from _metric(("scales", scale, "metric"), at.metric)
        also = table.also if at.also is None else at.also
        yield from _further(("scales", scale, "also"), also, at.metric or table.metric)


def _further(at: tuple[Key, ...], metrics: list[str], first: str) -> Iterator[Problem]:
    for place, text in enumerate(metrics):
        yield from _metric((*at, place), text)
        if text in (first, *metrics[:place]):
            yield (*at, place), f"{text} is a metric of this table already"


def _metric(keys: tuple[Key, ...], text: str) -> Iterator[Problem]:
    try:
        Metric.parse(text)
    except ValueError as error:
        yield keys, str(error if text.startswith("steps_to(") else unknown("metric", text, NAMES))


def _margin(table: Table) -> Iterator[Problem]:
    if table.margin is None:
        return
    if not 0 < table.margin <= 100:
        yield ("margin",), f"margin = {table.margin:g} is not allowed: it is a number of points, more than 0"
    for text in (table.metric, *(at.metric for at in table.scales.values() if at.metric)):
        if not (metric := Metric.parse(text)).is_error:
            yield ("margin",), f"margin is in points, and {text} is in {metric.unit}: leave it out"


def _converged(rule: Convergence) -> Iterator[Problem]:
    """The ranges of its values."""
    wrong = {
        "chance_p": (not 0 < rule.chance_p < 1, "it is the level of a test, between 0 and 1"),
        "loss_fall": (not 0 <= rule.loss_fall < 1, "it is a share of the loss, from 0 to less than 1"),
        "error": (rule.error is not None and not 0 < rule.error <= 100, "it is an error in percent"),
    }
    for key, (is_wrong, why) in wrong.items():
        if is_wrong:
            yield ("converged", key), f"converged.{key} = {getattr(rule, key):g} is not allowed: {why}"
