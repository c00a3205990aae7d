"""The manifest of a table's plan, which the report reads."""

from __future__ import annotations

import re
from dataclasses import asdict, replace

from inceptionctl.evaluation.protocol_base import ProtocolSettings
from inceptionctl.planning.evaluation.records import label as protocol_label
from inceptionctl.planning.evaluation.records import protocol, protocol_record
from inceptionctl.planning.plan import Plan
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.runs.records.table import Converged, ManifestCell, ManifestRow, PrintedFigures, TableManifest
from inceptionctl.scheduling.table_folder import check_same_table, manifest_in, with_cells_of
from inceptionctl.scheduling.table_places import as_seen_from
from inceptionctl.scheduling.table_plan import TablePlan
from inceptionctl.scheduling.table_seeds import seeds_added
from inceptionctl.tables.ladder import ResolvedRow
from inceptionctl.tables.manifest import overrides, setting

IMAGENET_CLASSES, WORDNET_ID = 1000, re.compile(r"n\d{8}")


def check_folder(plan: TablePlan) -> None:
    """Raises RequestError if the folder holds another table, or this one with other settings."""
    if before := manifest_in(plan.folder):
        check_same_table(plan.folder, before, manifest_of(plan), plan.config_of)


def write_manifest(plan: TablePlan) -> None:
    """Keeps the seeds that the folder's manifest has already. Raises RequestError as `check_folder` does."""
    before, manifest = manifest_in(plan.folder), manifest_of(plan)
    if before:
        check_same_table(plan.folder, before, manifest, plan.config_of)
        manifest = with_cells_of(before, manifest)
        manifest = replace(manifest, added=seeds_added(before, manifest, plan.folder))
    plan.folder.mkdir(parents=True, exist_ok=True)
    write_record(plan.folder / MANIFEST, manifest)


def manifest_of(plan: TablePlan) -> TableManifest:
    first, table = plan.first, plan.table
    return TableManifest(
        table=table.name,
        mode=table.mode,
        title=f"{plan.figures.title(table.paper)}, {table.title}" if table.paper else table.title,
        setting=setting(plan.configs),
        command=plan.command,
        metric=table.metric,
        image_set=first.config.data.image_set,
        protocol=_protocol(_of_table(plan), first),
        weights=table.weights,
        comparable=is_comparable(plan),
        chance_error=100.0 * (1 - 1 / len(first.data.classes)),
        quoted=table.quoted,
        rows=[_row(plan, row) for row in plan.rows],
        overrides=overrides(plan.paper, plan.base.config) if plan.paper and plan.of_known_paper else [],
        figures=[PrintedFigures(**asdict(plan.figures.own[name])) for name in _own_figures(plan)],
        caption=table.caption,
        also=table.also,
        margin=table.margin,
        converged=Converged(**asdict(table.converged)),
        columns=table.columns,
        null=plan.design.null,
        orders=plan.design.orders,
        looks=plan.design.looks,
        max_seeds=plan.design.max_seeds,
        found_in=as_seen_from(plan.folder, plan.first.found_in),
        lr_grid=plan.design.tuning.grid if plan.design.tuning else [],
    )


def is_comparable(plan: TablePlan) -> bool:
    """Whether errors may be held against the paper's: ImageNet's classes and as many images as the paper's cells state,
    evaluated by the protocol of the table, or of the paper's recipe where the table names none."""
    first, paper = plan.first, plan.paper
    classes, data = first.data.classes, first.config.data
    stated = {plan.figures.cell(row.row.cell).n_images for row in plan.rows if row.row.cell}
    if paper is None or not data.as_published or stated != {first.data.n_eval}:
        return False
    declared = plan.table.protocol or protocol_label(paper.protocol, first.config.arch.pixels)
    is_imagenet = len(classes) == IMAGENET_CLASSES and all(WORDNET_ID.fullmatch(name) for name in classes)
    return is_imagenet and protocol(first).name == declared


def _protocol(settings: ProtocolSettings | None, plan: Plan) -> str:
    """In the names of evaluations; None: as the run is evaluated when it is trained."""
    if settings is None:
        return protocol(plan).name
    return protocol_record(settings, plan.config.data, plan.config.arch.pixels).name


def _of_table(plan: TablePlan) -> ProtocolSettings | None:
    """The table's own protocol, which the rows that name none have."""
    return next((row.protocol for row in plan.rows if row.row.protocol is None), None)


def _own_figures(plan: TablePlan) -> list[str]:
    named = [*plan.table.quoted, *(row.cell for row in plan.table.rows if row.cell)]
    return [name for name in dict.fromkeys(named) if name in plan.figures.own]


def _row(plan: TablePlan, row: ResolvedRow) -> ManifestRow:
    definition, run = row.row, plan.plan_of(row.row.label)
    choice = plan.design.rates.get(definition.label)
    return ManifestRow(
        label=definition.label,
        paper=definition.cell,
        against=definition.against,
        switch=definition.add,
        params=run.cost.params,
        macs=run.cost.macs,
        full_params=run.full.params,
        full_macs=run.full.macs,
        tuned=str(run.config.tuned) if run.config.tuned else None,
        cells=_cells(plan, definition.label),
        protocol=_protocol(row.protocol, run) if definition.protocol else None,
        models=sum(member.models for member in definition.members) or 1,
        note=definition.note,
        standalone=definition.standalone,
        lr=choice.lr if choice else None,
        lr_at_edge=choice.at_edge if choice else False,
        switches=plan.design.sets.get(definition.label, []),
        fact=definition.fact,
    )


def _cells(plan: TablePlan, row: str) -> list[ManifestCell]:
    return [
        ManifestCell(seed=seed, identity=identities[0], members=list(identities) if len(identities) > 1 else [])
        for (label, seed), identities in plan.cells.items()
        if label == row
    ]
