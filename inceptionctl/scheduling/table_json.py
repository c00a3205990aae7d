"""The plan of a table as one JSON object: `ablate --dry-run --json`."""

from __future__ import annotations

from typing import Any

from inceptionctl.scheduling.cell_evaluations import evaluations_of
from inceptionctl.scheduling.estimates import device_hours, disk_bytes
from inceptionctl.scheduling.table_declared import detectable, seed_sd
from inceptionctl.scheduling.table_plan import TablePlan

SCHEMA = 1


def as_json(plan: TablePlan) -> dict[str, Any]:
    """Cells, the runs that they are made of, which of these are finished, and what the others cost (an estimate)."""
    missing, (sd, sd_from), evaluations = plan.missing(), seed_sd(plan), evaluations_of(plan)
    to_run = [run for identity, run in plan.runs.items() if identity in missing]
    return {
        "schema": SCHEMA,
        "table": plan.table.name,
        "mode": plan.table.mode,
        "metric": plan.table.metric,
        "folder": str(plan.folder),
        "command": plan.command,
        "rows": [_row(plan, number) for number in range(len(plan.rows))],
        "orders": plan.design.orders,
        "null": plan.design.null,
        "looks": plan.design.looks,
        "max_seeds": plan.design.max_seeds,
        "lr_policy": "tuned" if plan.design.tuning else "shared",
        "lr_grid": plan.design.tuning.grid if plan.design.tuning else [],
        "tuning_runs": len(plan.design.tuning.to_run()) if plan.design.tuning else 0,
        "cells": [
            {"row": row, "seed": seed, "runs": list(identities), "finished": not missing.intersection(identities)}
            for (row, seed), identities in plan.cells.items()
        ],
        "runs": [
            {"identity": run.identity, "label": label, "seed": run.config.seed, "finished": run.identity not in missing}
            for label, run in plan.plans.items()
        ],
        "evaluations": [
            {"label": one.label, "finished": one not in evaluations.to_do, "forward_passes": one.forward_passes}
            for one in evaluations.all
        ],
        "seed_sd": sd,
        "seed_sd_from": sd_from,
        "detectable": detectable(plan, sd),
        "device_hours": sum(map(device_hours, to_run)),
        "disk_bytes": sum(map(disk_bytes, to_run)),
    }


def _row(plan: TablePlan, number: int) -> dict[str, Any]:
    row = plan.rows[number]
    run, choice = plan.plan_of(row.row.label), plan.design.rates.get(row.row.label)
    return {
        "label": row.row.label,
        "paper": row.row.cell,
        "against": row.row.against,
        "switches": plan.design.sets.get(row.row.label, []),
        "changes": {key: [before, now] for key, (before, now) in row.changed.items()},
        "lr": run.config.schedule.lr,
        "lr_at_edge": bool(choice and choice.at_edge),
        "params": run.cost.params,
        "macs": run.cost.macs,
        "steps": run.clock.steps,
        "tuned": str(run.config.tuned) if run.config.tuned else None,
    }
