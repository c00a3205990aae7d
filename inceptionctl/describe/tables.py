"""The list of tables: what each shows, how many cells and runs it has, and what it would cost on ImageNet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from inceptionctl.config.compose import Composer
from inceptionctl.config.identity import identity
from inceptionctl.config.schema import Config
from inceptionctl.describe.format import DASH, columns
from inceptionctl.models.spec.cost import cost
from inceptionctl.papers.own import Figures
from inceptionctl.papers.own import read as read_figures
from inceptionctl.planning.rates import GPU_MACS_PER_S, TRAINING
from inceptionctl.tables.check import read_table
from inceptionctl.tables.ladder import resolve_rows
from inceptionctl.tables.source import TableSource
from inceptionctl.tables.table import Table

SEEDS = 3
IMAGES = 1_281_167  # of ImageNet, to train
RECIPE = "scale=imagenet"
ASSUMED = (
    f"Device-hours on ImageNet, all seeds: {IMAGES:,} images x epochs x multiply-adds x {TRAINING} for forward and "
    f"backward, at an assumed {GPU_MACS_PER_S / 1e12:g} x 10^12 multiply-adds a second on each device; a run that rows "
    "share counts once."
)


@dataclass(frozen=True, kw_only=True)
class ListedTable:
    """`paper`: its title; `cells`: rows x seeds; `runs`: to train on ImageNet for all of these, and what they take,
    `device_hours`: None unless asked for; `not_reproducible`: why the table cannot be run."""

    name: str
    caption: str | None
    paper: str | None
    title: str
    rows: int
    cells: int
    metric: str
    protocol: str | None
    not_reproducible: str | None
    runs: int | None = None
    device_hours: float | None = None


def listed_tables(composer: Composer, with_cost: bool) -> list[ListedTable]:
    """Every table of conf/table and of the user's folder. Raises RequestError for one that is wrong."""
    figures = read_figures(composer.config_dir)
    return [_listed(name, composer, figures, with_cost) for name in composer.groups("ablate")["table"]]


def _listed(name: str, composer: Composer, figures: Figures, with_cost: bool) -> ListedTable:
    source = TableSource.find(name, composer.config_dir)
    table = read_table(composer.compose("ablate", [f"table={name}"])["table"], source, figures, composer)
    is_trained = not table.not_reproducible and table.metric != "steps_per_second"
    runs, hours = _cost(table, composer, source) if with_cost and is_trained else (None, None)
    return ListedTable(
        name=name,
        caption=table.caption,
        paper=figures.title(table.paper) if table.paper else None,
        title=table.title,
        rows=len(table.rows),
        cells=len(table.rows) * SEEDS if is_trained else 0,
        metric=", ".join([table.metric, *table.also]),
        protocol=", ".join(sorted({row.protocol or table.protocol or "" for row in table.rows} - {""})) or None,
        not_reproducible=table.not_reproducible,
        runs=runs,
        device_hours=hours,
    )


def _cost(table: Table, composer: Composer, source: TableSource) -> tuple[int, float]:
    """(runs, device-hours): an ensemble of n networks takes n runs a seed, some shared with a row of one network."""
    networks: dict[str, tuple[Config, int]] = {}
    for row in resolve_rows(table, [RECIPE, "data.root=."], composer, source):
        for config, models in row.members or [(row.config, 1)]:
            key = identity(config)
            networks[key] = (config, max(models, networks.get(key, (config, 0))[1]))
    runs = [(config, models * SEEDS) for config, models in networks.values()]
    return sum(count for _, count in runs), sum(count * device_hours(config) for config, count in runs)


def device_hours(config: Config) -> float:
    """Of one training run on ImageNet."""
    macs = cost(config.arch.spec(1000), (config.arch.pixels, config.arch.pixels)).macs
    return IMAGES * config.train.epochs * macs * TRAINING / GPU_MACS_PER_S / 3600


def as_json(tables: Sequence[ListedTable]) -> dict[str, Any]:
    return {"schema": 1, "seeds": SEEDS, "tables": [asdict(table) for table in tables]}


def as_lines(tables: Sequence[ListedTable]) -> Iterator[str]:
    """For a terminal: the figures in columns, then a line about each table."""
    with_cost = any(table.runs for table in tables)
    titles = ("table", "rows", f"cells, {SEEDS} seeds", *(("runs", "device-hours") if with_cost else ()), "compared by")
    yield from columns([titles, *(_figures(table, with_cost) for table in tables)])
    yield ""
    for table in tables:
        yield f"{table.name}: {(table.caption or table.title).rstrip('.')}{_place(table)}"
        if table.not_reproducible:
            yield f"  not reproducible: {table.not_reproducible}"
    if with_cost:
        yield f"\n{ASSUMED}"


def as_markdown(tables: Sequence[ListedTable]) -> Iterator[str]:
    yield "| table | rows | cells | runs | device-hours | compared by | shows |"
    yield "|---|---:|---:|---:|---:|---|---|"
    for table in tables:
        yield f"| {' | '.join([f'`{table.name}`', *_figures(table, True)[1:], f'{table.caption or table.title}'])} |"


def _figures(table: ListedTable, with_cost: bool) -> tuple[str, ...]:
    hours = DASH if table.device_hours is None else f"{table.device_hours:,.0f}"
    of_runs = (f"{table.runs or DASH}", hours) if with_cost else ()
    metric = "not run" if table.not_reproducible else table.metric
    return (table.name, str(table.rows), str(table.cells or DASH), *of_runs, metric)


def _place(table: ListedTable) -> str:
    where = f"{table.paper}, {table.title}" if table.paper else ""
    protocol = f"evaluated by {table.protocol}" if table.protocol else ""
    said = "; ".join(part for part in (where, protocol) if part)
    return f" ({said})" if said else ""
