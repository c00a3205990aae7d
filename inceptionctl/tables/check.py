"""Checks what a table's file says, before any row is composed. Every error names the file and the line."""

from __future__ import annotations

from collections.abc import Iterator

from inceptionctl.config.compose import Composer
from inceptionctl.errors import RequestError, unknown
from inceptionctl.papers.own import Figures
from inceptionctl.tables.check_measures import measure_problems
from inceptionctl.tables.check_rows import row_problems
from inceptionctl.tables.check_words import NO_SCALE, NOT_IN_TABLES, Problem, check_changes, check_scale, check_words
from inceptionctl.tables.source import Key, TableSource
from inceptionctl.tables.table import Table, TableRow
from inceptionctl.written import Misfit, checked, path, shown, text_problem

MAX_NOTE = 400  # characters of a caption or a note


def read_table(document: object, source: TableSource, figures: Figures, composer: Composer) -> Table:
    """The table that `document`, the composed file, describes. Raises RequestError with file and line."""
    try:
        table = checked(Table, document)
    except Misfit as misfit:
        raise source.error(misfit.keys, misfit.problem) from misfit
    for keys, problem in _problems(table, figures, composer):
        raise source.error(keys, problem)
    return table


def _problems(table: Table, figures: Figures, composer: Composer) -> Iterator[Problem]:
    yield from _names(table)
    yield from _comparisons(table)
    yield from _figures(table, figures)
    yield from measure_problems(table, composer)
    yield from check_changes(("changes",), table.changes)
    yield from check_words(("base",), table.base, composer, NOT_IN_TABLES)
    for scale, at in table.scales.items():
        yield from check_scale(("scales", scale), scale, composer)
        yield from check_words(("scales", scale, "set"), at.set, composer, NOT_IN_TABLES | NO_SCALE)
    for number, row in enumerate(table.rows):
        yield from row_problems(table, number, row, composer)


def _names(table: Table) -> Iterator[Problem]:
    rows = [(("rows", number), row) for number, row in enumerate(table.rows)]
    labels: dict[tuple[Key, ...], str] = {("name",): table.name, ("title",): table.title}
    labels |= {(*at, "label"): row.label for at, row in rows}
    texts: dict[tuple[Key, ...], str | None] = {
        ("caption",): table.caption,
        ("not_reproducible",): table.not_reproducible,
    }
    texts |= {(*at, "note"): row.note for at, row in rows}
    found = [(keys, text, text_problem(text)) for keys, text in labels.items()]
    found += [(keys, text, text_problem(text, MAX_NOTE)) for keys, text in texts.items() if text is not None]
    for keys, text, problem in found:
        if problem:
            yield keys, f"{path(keys)} = {shown(text)} is not allowed: {problem}"
    if not table.rows:
        yield ("rows",), "there are no rows"
    first: dict[str, int] = {}
    for number, row in enumerate(table.rows):
        if (other := first.setdefault(row.label, number)) != number:
            yield ("rows", number, "label"), f"rows[{other}] has the label {row.label!r} too: a label names one row"


def _comparisons(table: Table) -> Iterator[Problem]:
    """`against` names a row above, and only in an independent table."""
    labels = [row.label for row in table.rows]
    for number, row in enumerate(table.rows):
        if row.against is None:
            continue
        keys, above = ("rows", number, "against"), labels[:number]
        if table.mode == "cumulative":
            yield keys, "a row of a cumulative table is compared with the one above it: leave `against` out"
        elif row.against == row.label:
            yield keys, f"{row.label!r} is compared with itself"
        elif row.against not in labels:
            yield keys, str(unknown("row", row.against, labels))
        elif row.against not in above:
            yield keys, f"{row.against!r} stands further down: a row is compared with one above it"


def _figures(table: Table, figures: Figures) -> Iterator[Problem]:
    cells: list[tuple[tuple[Key, ...], str]] = [(("quoted", i), name) for i, name in enumerate(table.quoted)]
    cells += [(("rows", i, "cell"), row.cell) for i, row in enumerate(table.rows) if row.cell is not None]
    for keys, name in cells:
        try:
            figures.cell(name)
        except RequestError as error:
            yield keys, str(error)
    for number, row in enumerate(table.rows):
        try:
            figures.stated_change(row.fact) if row.fact else None
        except RequestError as error:
            yield ("rows", number, "fact"), str(error)
    for number, name in enumerate(table.quoted):
        if name in table.quoted[:number]:
            yield ("quoted", number), f"{name} is quoted twice"
    if table.paper is not None:
        try:
            figures.title(table.paper)
        except RequestError as error:
            yield ("paper",), str(error)


def words_of(table: Table, row: TableRow) -> list[str]:
    """What a row sets: in a cumulative table with what the rows above set, of which it may set some anew."""
    rows = table.adding_up_to(row)
    return list({word.partition("=")[0]: word for one in rows for word in one.set}.values())
