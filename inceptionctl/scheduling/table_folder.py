"""The folder of a table holds one table with its settings. The same table again continues it, and adds seeds."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

from inceptionctl.config.identity import IRRELEVANT, identity
from inceptionctl.config.keys import matches
from inceptionctl.config.schema import Config
from inceptionctl.errors import RequestError, warn
from inceptionctl.files import FileError
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.find import RunIndex
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.runs.records.table import ManifestRow, TableManifest
from inceptionctl.tables.ladder import difference

OF_THE_TABLE = ("mode", "metric", "weights", "image_set", "protocol", "orders", "looks", "max_seeds")
NAMED = 3  # settings that a message names
Configs = Callable[[str, int], Config]


def manifest_in(folder: Path) -> TableManifest | None:
    """None if the folder has no table.json; a damaged one, which is said, does not count. Raises RequestError for a
    folder in its place."""
    path = folder / MANIFEST
    if not os.path.lexists(path):
        return None
    if path.is_dir() and not path.is_symlink():
        raise RequestError(f"{path} is a folder: remove it, or choose another folder for the table with name=NAME")
    try:
        return read_record(path, TableManifest)
    except FileError as error:
        warn(f"{error}\n  it is written anew")
        return None


def check_same_table(folder: Path, before: TableManifest, now: TableManifest, configs: Configs) -> None:
    """Raises RequestError if `before`, the manifest in `folder`, is of another table than `now` or has other settings.
    `configs`: the settings of a row, by its label, under a seed."""
    if before.table != now.table:
        raise _other(folder, f"holds table {before.table}, and this one is {now.table}")
    labels = [[row.label for row in table.rows if row.label != table.null] for table in (before, now)]
    if labels[0] != labels[1]:
        raise _other(folder, f"holds table {before.table} with other rows ({', '.join(labels[0])})")
    for key in OF_THE_TABLE:
        there, here = getattr(before, key), getattr(now, key)
        if there != here:
            raise _other(folder, f"holds table {before.table} with {key} {there}, not {here}")
    planned = {row.label for row in now.rows}
    for row in before.rows:
        if row.label in planned:
            _check_row(folder, row, configs)


def with_cells_of(before: TableManifest, now: TableManifest) -> TableManifest:
    """`now` with the seeds, and the A/A row, that only `before`, the same table, has."""
    there = {row.label: row for row in before.rows}
    rows = [_joined(row, there[row.label]) if row.label in there else row for row in now.rows]
    if before.null and not now.null:
        rows.append(there[before.null])
    return replace(now, rows=rows, null=now.null or before.null)


def _joined(row: ManifestRow, other: ManifestRow) -> ManifestRow:
    cells = {cell.seed: cell for cell in (*other.cells, *row.cells)}
    return replace(row, cells=[cells[seed] for seed in sorted(cells)])


def _check_row(folder: Path, row: ManifestRow, configs: Configs) -> None:
    for cell in row.cells:
        config = configs(row.label, cell.seed)
        if identity(config) != cell.identity:
            what = _differences(folder, cell.identity, config) or "or it was made by another version of this program"
            raise _other(folder, f"holds this table with other settings ({row.label}, seed {cell.seed}): {what}")


def _differences(folder: Path, stored: str, config: Config) -> str:
    """The first settings in which a run of the folder differs; empty if that cannot be told."""
    run = RunIndex.of_table(folder).newest(stored)
    try:
        changes = difference(read_config(run), config) if run else {}
    except RequestError:
        return ""
    relevant = ((key, pair) for key, pair in changes.items() if not matches(key, IRRELEVANT))
    return ", ".join(f"{key} = {there}, not {here}" for key, (there, here) in islice(relevant, NAMED))


def _other(folder: Path, what: str) -> RequestError:
    return RequestError(
        f"{folder} {what}\n  the report would be overwritten: choose another folder with name=NAME, or remove this one"
    )
