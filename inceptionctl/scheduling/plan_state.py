"""What there is of a plan's run, and so what the same command does next."""

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

    @property
    def top1_error(self) -> float | None:
        """Of averaged weights, once the run is done."""
        return read_result(self.run).evaluation("ema").top1_error if self.run and self.name == "done" else None


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
    if state.name == "done":
        return f"done, error {state.top1_error:.2f} %"
    if state.name == "to_continue" and state.run:
        return f"to continue from step {saved_step(state.run):,} of {plan.clock.steps:,}"
    return state.name.replace("_", " ")
