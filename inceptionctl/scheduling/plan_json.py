"""The plan of a run as one JSON object: `train --dry-run --json`."""

from __future__ import annotations

from typing import Any

from inceptionctl.planning.evaluation.records import protocol
from inceptionctl.planning.plan import Plan
from inceptionctl.scheduling.estimates import device_hours, disk_bytes
from inceptionctl.scheduling.placement import place
from inceptionctl.scheduling.plan_state import plan_state
from inceptionctl.scheduling.preview import learning_rates

SCHEMA = 1


def as_json(label: str, plan: Plan) -> dict[str, Any]:
    """What is trained on what, and what it costs (an estimate). `learning_rates`: at equal distances through the
    run."""
    state, clock, config = plan_state(plan), plan.clock, plan.config
    return {
        "schema": SCHEMA,
        "identity": plan.identity,
        "label": label,
        "state": state.name,
        "folder": str(state.run.path) if state.run else None,
        "arch": config.arch.name,
        "params": plan.cost.params,
        "macs": plan.cost.macs,
        "seed": config.seed,
        "data": {
            "name": config.data.name,
            "what": plan.data.provenance,
            "classes": len(plan.data.classes),
            "n_train": plan.data.n_train,
            "n_eval": plan.data.n_eval,
            "split": config.data.eval_split,
        },
        "protocol": protocol(plan).name,
        "batch_size": config.train.batch_size,
        "epochs": config.train.epochs,
        "steps": clock.steps,
        "steps_per_epoch": clock.steps_per_epoch,
        "learning_rates": learning_rates(plan),
        "placement": str(place({label: plan})),
        "tuned": str(config.tuned) if config.tuned else None,
        "warnings": [*plan.schedule_notes, *plan.warnings],
        "device_hours": device_hours(plan) if state.name != "done" else 0.0,
        "disk_bytes": disk_bytes(plan) if state.name != "done" else 0,
    }
