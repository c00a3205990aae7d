"""`lr_policy=tuned`: the best learning rate of each row by the dev split, from runs of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from rich.console import Console

from inceptionctl.config.schema import Config
from inceptionctl.config.table_settings import Asked
from inceptionctl.errors import InceptionctlError, Interrupted, RequestError, count
from inceptionctl.planning.plan import Plan
from inceptionctl.planning.plan import plan as make_plan
from inceptionctl.runs.damage import read_result
from inceptionctl.scheduling.run import run_plans
from inceptionctl.scheduling.run_folders import finished, needs_run
from inceptionctl.tables.ladder import ResolvedRow, difference
from inceptionctl.tables.scales import key_of

LR = "schedule.lr"
SPLIT: Literal["dev"] = "dev"


@dataclass(frozen=True)
class Choice:
    """`errors`: mean error on the dev split, in percent, by rate."""

    lr: float
    errors: Mapping[float, float]

    @property
    def at_edge(self) -> bool:
        """Whether a rate beyond the grid may be better."""
        return self.lr in (min(self.errors), max(self.errors))

    def __str__(self) -> str:
        errors = ", ".join(f"{error:.2f} % at {lr:g}" for lr, error in sorted(self.errors.items()))
        edge = ", at the edge of the grid: a rate beyond it may be better" if self.at_edge else ""
        return f"lr {self.lr:g} ({errors} on the dev split{edge})"


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """`runs`: the plans of the runs by identity; `tried`: the identities for each row and rate."""

    grid: list[float]
    weights: str
    runs: dict[str, Plan]
    tried: dict[tuple[str, float], list[str]]

    @property
    def plans(self) -> dict[str, Plan]:
        """By label; rows that are alike, such as the A/A row, share theirs."""
        labels: dict[str, str] = {}
        for (row, lr), identities in self.tried.items():
            for identity in identities:
                labels.setdefault(identity, f"{row}, lr {lr:g}, seed {self.runs[identity].config.seed}")
        return {label: self.runs[identity] for identity, label in labels.items()}

    def to_run(self) -> dict[str, Plan]:
        return {label: plan for label, plan in self.plans.items() if needs_run(plan)}

    def choices(self) -> dict[str, Choice] | None:
        """Of each row, by its label; None while runs are missing."""
        if self.to_run():
            return None
        rows = dict.fromkeys(row for row, _ in self.tried)
        return {row: choose({lr: self._error(row, lr) for lr in self.grid}) for row in rows}

    def _error(self, row: str, lr: float) -> float:
        return fmean(self._error_of(self.runs[identity]) for identity in self.tried[row, lr])

    def _error_of(self, plan: Plan) -> float:
        run = finished(plan)
        assert run is not None, "none is missing"
        return read_result(run).evaluation(self.weights).top1_error


def choose(errors: Mapping[float, float]) -> Choice:
    """The rate with the lowest error; of equal ones the smallest."""
    return Choice(min(sorted(errors), key=lambda lr: errors[lr]), errors)


def plan_tuning(rows: Sequence[ResolvedRow], asked: Asked, weights: str) -> Tuning | None:
    """None with the shared rate. Raises RequestError for rows that set a rate themselves."""
    settings = asked.settings
    if settings.lr_policy == "shared":
        return None
    _check(rows, asked)
    runs: dict[str, Plan] = {}
    tried: dict[tuple[str, float], list[str]] = {}
    for row in rows:
        for lr in settings.lr_grid:
            first = _plan(row, lr)
            plans = [first.with_seed(seed) for seed in range(settings.tune_seeds)]
            runs |= {plan.identity: plan for plan in plans}
            tried[row.row.label, lr] = [plan.identity for plan in plans]
    return Tuning(grid=settings.lr_grid, weights=weights, runs=runs, tried=tried)


def run_tuning(tuning: Tuning, console: Console) -> None:
    """Raises InceptionctlError if a run fails: a rate at which a row diverges is to be left out of the grid."""
    to_run = tuning.to_run()
    console.print(f"learning rates: {count(len(to_run), 'run')} on the dev split, of {len(tuning.runs)}")
    codes = run_plans(to_run, console)
    if Interrupted.exit_code in codes.values():
        raise KeyboardInterrupt
    if failed := [label for label, code in codes.items() if code]:
        raise InceptionctlError(
            f"{', '.join(failed)} failed (the logs are named above): no rate can be chosen\n"
            "  leave a rate that diverges out of lr_grid=, or repeat the command"
        )


def with_rate(row: ResolvedRow, lr: float) -> ResolvedRow:
    """The row at another learning rate, with the rate among its changes."""
    config = _at(row.config, lr)
    return replace(row, config=config, changed=row.changed | difference(row.config, config))


def _plan(row: ResolvedRow, lr: float) -> Plan:
    config = _at(row.config, lr)
    config = replace(config, data=replace(config.data, eval_split=SPLIT), name=f"{config.name}-tuning", seed=0)
    return replace(make_plan(config), label=f"{row.row.label}, lr {lr:g}")


def _at(config: Config, lr: float) -> Config:
    return replace(config, schedule=replace(config.schedule, lr=lr))


def _check(rows: Sequence[ResolvedRow], asked: Asked) -> None:
    if LR in map(key_of, asked.words):
        raise RequestError(f"lr_policy=tuned chooses {LR} among lr_grid=: leave {LR}= out")
    for row in rows:
        if LR in (*row.row.changes, *map(key_of, row.row.set)):
            raise RequestError(f"lr_policy=tuned chooses {LR}, and row {row.row.label!r} sets it: use lr_policy=shared")
        if row.members:
            raise RequestError(f"lr_policy=tuned is for rows of one network, and {row.row.label!r} is an ensemble")
    if rows[0].config.data.eval_split == SPLIT:
        raise RequestError(f"lr_policy=tuned chooses by the dev split: report on another than data.eval_split={SPLIT}")
    if rows[0].config.train.keep_best:
        raise RequestError("lr_policy=tuned chooses by the dev split, as train.keep_best does: leave one of them out")
