"""The state of a plan's run: done, running, or what the same command does next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inceptionctl.planning.plan import Plan
from inceptionctl.runs.damage import read_result
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.starts import saved_step
from inceptionctl.runs.state import is_locked
from inceptionctl.scheduling.run_folders import finished, needs_run, trained, unfinished


@dataclass(frozen=True)
class PlanState:
    """`run`: the run's folder, None for "to_run"."""

    name: Literal["done", "running", "to_evaluate", "to_continue", "to_run"]
    run: RunDir | None


def plan_state(plan: Plan) -> PlanState:
    if not needs_run(plan):
        return PlanState("done", finished(plan))
    if run := trained(plan):
        return PlanState("to_evaluate", run)
    if run := unfinished(plan):
        return PlanState("running" if is_locked(run) else "to_continue", run)
    return PlanState("to_run", None)


def describe_state(state: PlanState, plan: Plan) -> str:
    """Such as "to continue from step 36 of 176"."""
    if state.run and state.name == "done":
        return f"done, error {read_result(state.run).evaluation('ema').top1_error:.2f} %"
    if state.run and state.name == "to_continue":
        return f"to continue from step {saved_step(state.run):,} of {plan.clock.steps:,}"
    return state.name.replace("_", " ")
