"""Writes table.json, the manifest of a table: which run is which cell. `report` and `status` start from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from inceptionctl.config.schema import Config
from inceptionctl.config.validate import flatten, matches
from inceptionctl.models.spec.cost import Cost
from inceptionctl.papers import records as papers
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.runs.records.table import ManifestCell, ManifestRow, Override, TableManifest
from inceptionctl.tables.ladder import Table, difference

# What a scale may set against the paper's own recipe, listed in every report.
SCALED = ("arch", "data.name", "schedule", "train", "protocol", "augment")


@dataclass(frozen=True, kw_only=True)
class LedgerRow:
    """A row with the cost of the network run and of the full-size one, and the identity of each seed's run."""

    label: str
    cell: str | None
    against: str | None
    switch: str | None
    cost: Cost
    full: Cost
    identities: dict[int, str]


def write(
    folder: Path,
    table: Table,
    configs: Sequence[Config],
    command: str,
    classes: int,
    rows: list[LedgerRow],
    paper: Config,
) -> None:
    """`configs` are those of the rows here, `paper` the first row's by the paper's recipe."""
    config = configs[0]
    manifest = TableManifest(
        table=table.name,
        mode=table.mode,
        title=f"{papers.title(table.paper)}, {table.title}" if table.paper else table.title,
        setting=setting(configs),
        command=command,
        metric=table.metric,
        image_set=config.data.eval_split,
        protocol=config.protocol.name,
        weights=table.weights,
        comparable=False,  # no scale runs the paper's images under its protocol yet
        chance_error=100.0 * (1 - 1 / classes),
        quoted=table.quoted,
        rows=[_row(row) for row in rows],
        overrides=overridden(paper, config),
    )
    write_record(folder / MANIFEST, manifest)


def setting(configs: Sequence[Config]) -> str:
    """The scale in a line; some rows may be wider, or train for longer, than others."""
    config = configs[0]
    widths, epochs = _either(c.arch.width for c in configs), _either(c.train.epochs for c in configs)
    size = f"{config.arch.pixels} px, width {widths}, {epochs} epochs, batch {config.train.batch_size}"
    return f"{config.data.title}, {size}"


def _either(values: Iterable[float]) -> str:
    return " or ".join(f"{value:g}" for value in sorted(set(values)))


def overridden(paper: Config, here: Config) -> list[Override]:
    """The paper's values that the scale replaces."""
    pairs = difference(flatten(asdict(paper)), flatten(asdict(here)))
    return [
        Override(key=key, paper=str(stated), here=str(ours))
        for key, (stated, ours) in pairs.items()
        if matches(key, SCALED)
    ]


def _row(row: LedgerRow) -> ManifestRow:
    return ManifestRow(
        label=row.label,
        paper=row.cell,
        against=row.against,
        switch=row.switch,
        params=row.cost.params,
        macs=row.cost.macs,
        full_params=row.full.params,
        full_macs=row.full.macs,
        cells=[ManifestCell(seed=seed, identity=identity) for seed, identity in row.identities.items()],
    )
