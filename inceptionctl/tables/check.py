"""Checks what a table's file says, before any row is composed. Every error names the file and the line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from inceptionctl.config.compose import Composer
from inceptionctl.config.hints import unknown_setting
from inceptionctl.config.keys import key_paths
from inceptionctl.config.overrides import check_overrides, is_for_hydra
from inceptionctl.config.overrides import parse as parse_overrides
from inceptionctl.config.safety import check_no_commands
from inceptionctl.errors import RequestError, unknown
from inceptionctl.papers.own import Figures
from inceptionctl.tables.check_measures import Problem, measure_problems
from inceptionctl.tables.source import Key, TableSource
from inceptionctl.tables.table import Table, TableRow
from inceptionctl.written import Misfit, checked, path, shown, text_problem

# Settings that a table may not set, and what is for that.
NOT_IN_TABLES = {
    "ablation": "a switch of a row is its `add`",
    "seed": "`seeds=` on the command line gives the seeds of every row",
    "name": "the table's own name is that of its folder",
    "outputs": "the place of the runs is given on the command line",
    "run_dir": "every cell has a run folder of its own",
    "rerun": "it is given on the command line",
}
FOR_ALL_ROWS = {"launch": "all cells are launched alike", "tracker": "all cells have one tracker"}


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
    yield from measure_problems(table)
    yield from _changes(("changes",), table.changes)
    yield from _words(("base",), table.base, composer, NOT_IN_TABLES)
    switches = composer.groups("train")["ablation"]
    for number, row in enumerate(table.rows):
        at: tuple[Key, ...] = ("rows", number)
        yield from _changes((*at, "changes"), row.changes)
        yield from _words((*at, "set"), row.set, composer, NOT_IN_TABLES | FOR_ALL_ROWS)
        if row.add is not None and row.add not in switches:
            yield (*at, "add"), str(unknown("switch", row.add, switches))


def _names(table: Table) -> Iterator[Problem]:
    texts: dict[tuple[Key, ...], str] = {("name",): table.name, ("title",): table.title}
    texts |= {("rows", number, "label"): row.label for number, row in enumerate(table.rows)}
    for keys, text in texts.items():
        if problem := text_problem(text):
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
    for number, name in enumerate(table.quoted):
        if name in table.quoted[:number]:
            yield ("quoted", number), f"{name} is quoted twice"
    if table.paper is not None:
        try:
            figures.title(table.paper)
        except RequestError as error:
            yield ("paper",), str(error)


def _changes(at: tuple[Key, ...], patterns: Sequence[str]) -> Iterator[Problem]:
    for number, pattern in enumerate(patterns):
        if (key := pattern.removesuffix(".**")) not in key_paths():
            yield (*at, number), str(unknown_setting(key, key_paths()))


def _words(
    at: tuple[Key, ...], words: Sequence[str], composer: Composer, refused: Mapping[str, str]
) -> Iterator[Problem]:
    """Each is KEY=VALUE for a setting that a table may set, and sets it alone."""
    keys, groups = key_paths(), composer.groups("train")
    seen = set[str]()
    for number, word in enumerate(words):
        try:
            (override,) = parse_overrides([word])
            check_overrides([word], groups, keys)
            check_no_commands([word])
        except RequestError as error:
            yield (*at, number), str(error)
            continue
        key = override.key_or_group
        if is_for_hydra(override):
            yield (*at, number), f"{word} has no effect: Hydra's settings are for -m"
        if override.is_sweep_override():
            yield (*at, number), f"{word} is several values: a row has one (a list is written [a,b])"
        for name, remedy in refused.items():
            if key == name or key.startswith(f"{name}."):
                yield (*at, number), f"{word} is not allowed in a table: {remedy}"
        if key in seen:
            yield (*at, number), f"{word}: {key} is set twice here"
        seen.add(key)


def words_of(table: Table, row: TableRow) -> list[str]:
    """What a row sets: in a cumulative table with what the rows above set, of which it may set some anew."""
    rows = table.adding_up_to(row)
    return list({word.partition("=")[0]: word for one in rows for word in one.set}.values())
