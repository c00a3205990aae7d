"""What `explain` compares: a run, a row of a paper's table by the paper's own recipe, or a recipe (experiment)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from inceptionctl.config.compose import CONFIG_MODULE, Composer
from inceptionctl.config.overrides import parse as parse_overrides
from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse
from inceptionctl.describe.explain.evaluated import Evaluated, of_record, of_run
from inceptionctl.errors import RequestError, unknown
from inceptionctl.files import FileError, from_here
from inceptionctl.papers.own import read as read_figures
from inceptionctl.papers.provenance import is_record, paper_of, record
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.find import is_run_folder
from inceptionctl.runs.label import label_of
from inceptionctl.runs.paths import RunDir
from inceptionctl.tables.check import read_table
from inceptionctl.tables.compose import RowComposer
from inceptionctl.tables.scales import at_scale, key_of
from inceptionctl.tables.source import TableSource
from inceptionctl.tables.table import Table
from inceptionctl.yaml_files import read_yaml

RECIPE = "scale=imagenet"  # a table's rows as the paper trained them, not as a scale makes them


@dataclass(frozen=True, kw_only=True)
class Side:
    """`name`: as it was typed; `what`: what that is; `paper`: whose recipe it is, None for a run; `evaluated`: how its
    error was taken, None if it has none."""

    name: str
    what: str
    config: Config
    paper: str | None = None
    evaluated: Evaluated | None = None


def side_of(text: str, composer: Composer) -> Side:
    """Raises RequestError for what is none of these, with the choices."""
    if is_run_folder(Path(text)):
        run = RunDir(Path(text))
        if run.is_evaluation:
            raise RequestError(f"{text} is the folder of an evaluation: name the run that it evaluates")
        return Side(name=from_here(run.path), what=label_of(run), config=read_config(run), evaluated=of_run(run))
    table, colon, label = text.partition(":")
    if colon:
        return _row(text, table, label, composer)
    if is_record(text):
        return _row(text, *_row_with(text, composer), composer)
    experiments = composer.groups("train")["experiment"]
    if text in experiments:
        config = parse(composer.compose("train", [f"experiment={text}"]))
        return Side(name=text, what="a paper's recipe", config=config, paper=paper_of(config.arch.name))
    if Path(text).exists():
        raise RequestError(f"{text} is not a run folder: it has no config.yaml")
    others = f"a run folder, TABLE:ROW such as inception_v3:BN-auxiliary, {', '.join(experiments)}"
    raise unknown(
        "run or row", text, {cell.id for cell in _cells(composer)}, hint=f"It may be {others}, or a row's id."
    )


def _row(name: str, table_name: str, label: str, composer: Composer) -> Side:
    source, table = _table(table_name, composer)
    number = next((i for i, row in enumerate(table.rows) if label.lower() in (row.label.lower(), row.cell)), None)
    if number is None:
        raise unknown(f"row of table {table_name}", label, [row.label for row in table.rows])
    table, source = at_scale(table, [RECIPE], composer, source)
    row, base = table.rows[number], [word for word in table.base if key_of(word) not in ("scale", "data")]
    config = RowComposer(replace(table, base=base), parse_overrides([RECIPE]), [], composer).checked_row(number, source)
    return Side(
        name=name,
        what=f"table {table_name}, row {row.label}, by the paper's recipe",
        config=config,
        paper=table.paper or paper_of(config.arch.name),
        evaluated=of_record(row.cell) if row.cell and is_record(row.cell) else None,
    )


def _table(name: str, composer: Composer) -> tuple[TableSource, Table]:
    source = TableSource.find(name, composer.config_dir)
    tree = composer.compose("ablate", [f"table={name}"])
    return source, read_table(tree.get("table"), source, read_figures(composer.config_dir), composer)


def _row_with(name: str, composer: Composer) -> tuple[str, str]:
    """Table and label of the row that has the paper's cell: of several tables, that of the cell's own in the paper."""
    cells, paper = list(_cells(composer)), name.partition(".")[0]
    found = [cell for cell in cells if cell.id == name]
    if not found:
        runnable = {cell.id for cell in cells}
        near = {one for one in runnable if one.startswith(f"{paper}.")}
        raise unknown("row that a table runs", name, near or runnable, hint="No table has this row.")
    printed = record(name)["source"]["table"]
    chosen = next((cell for cell in found if cell.title == printed), found[0])
    return chosen.table, chosen.label


@dataclass(frozen=True)
class _Cell:
    """A row of a table that has a paper's cell."""

    id: str
    table: str
    title: str
    label: str


def _cells(composer: Composer) -> Iterator[_Cell]:
    """Of every table. A file that cannot be read is passed over: it is refused where it is asked for."""
    folders = [*([Path(composer.config_dir)] if composer.config_dir else []), Path(str(files(CONFIG_MODULE)))]
    for path in (path for folder in folders for path in sorted((folder / "table").glob("*.yaml"))):
        try:
            document = read_yaml(path)
            rows = [row for row in document["rows"] if row.get("cell")]
            yield from (_Cell(row["cell"], path.stem, document["title"], row["label"]) for row in rows)
        except (FileError, KeyError, TypeError, AttributeError):
            continue
