"""Plans the runs of a table's cells. A run that several cells need is planned once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from inceptionctl.config.schema import Config
from inceptionctl.planning.plan import Plan
from inceptionctl.planning.plan import plan as make_plan
from inceptionctl.scheduling.table_plan import CellKey
from inceptionctl.tables.ladder import ResolvedRow

Cells = dict[CellKey, tuple[str, ...]]


def plan_cells(rows: Sequence[ResolvedRow], seeds: Mapping[str, Sequence[int]]) -> tuple[Cells, dict[str, Plan]]:
    """(identities of each cell's runs, the plan of each run). `seeds`: of each row, by its label."""
    cells: Cells = {}
    runs: dict[str, Plan] = {}
    for row in rows:
        label = row.row.label
        members = [
            (_plan(label, config, seeds[label][0]), models) for config, models in row.members or [(row.config, 1)]
        ]
        for seed in seeds[label]:
            plans = [plan.with_seed(one) for plan, models in members for one in seeds_of_member(seed, models)]
            runs |= {plan.identity: plan for plan in plans if plan.identity not in runs}
            cells[label, seed] = tuple(plan.identity for plan in plans)
    return cells, runs


def seeds_of_member(seed: int, models: int) -> range:
    """Of the networks of one member in the cell of `seed`: no two cells share one."""
    return range(seed * models, (seed + 1) * models)


def _plan(label: str, config: Config, seed: int) -> Plan:
    return replace(make_plan(replace(config, seed=seed)), label=label)
