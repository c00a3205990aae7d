"""Does the evaluations that a table's cells still need, on this machine or as jobs of Slurm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console

from inceptionctl.config.launch import Local, Slurm
from inceptionctl.errors import InceptionctlError, Interrupted, RequestError, count
from inceptionctl.hardware import allocate
from inceptionctl.launch.local import WorkerSlot, preload
from inceptionctl.planning.evaluation.plan import EvaluationPlan
from inceptionctl.scheduling.cell_evaluations import CellEvaluation, Planner, evaluations_of, is_waiting
from inceptionctl.scheduling.evaluation.run import PRELOADED, queued_evaluation, submit_evaluation
from inceptionctl.scheduling.progress import QueueConsole
from inceptionctl.scheduling.queue import run_queue
from inceptionctl.scheduling.table_plan import TablePlan

Codes = dict[str, int]  # exit codes, by the label of an evaluation


def evaluate_cells(table: TablePlan, console: Console) -> Codes:
    """Evaluates what is missing, first single runs, then the ensembles that average what these have stored: exit codes
    by label. A failed one does not keep the others from being done; those whose runs are not finished wait. With
    launch=slurm, submits what can be done now and returns at once. Raises KeyboardInterrupt as the queue does."""
    found = evaluations_of(table)
    if not found.missing:
        return {}
    waiting = [one for one in found.to_do if is_waiting(one)]
    _announce(len(found.to_do), waiting, console)
    ready = [one for one in found.to_do if one not in waiting]
    singles, ensembles = ([one for one in ready if bool(one.of_members) == several] for several in (False, True))
    evaluations = _Evaluations(Planner.of(table), console)
    codes = evaluations.do(singles)
    if evaluations.on_slurm and singles:
        _announce_next(ensembles, console)
        return codes
    return codes | evaluations.do(ensembles)


def announce_following(table: TablePlan, console: Console) -> None:
    """After the runs of a table were submitted to Slurm."""
    if missing := evaluations_of(table).missing:
        text = f"the same command submits {count(len(missing), 'evaluation')} when these runs are done"
        console.print(text, markup=False)


@dataclass(frozen=True)
class _Evaluations:
    planner: Planner
    console: Console

    @property
    def on_slurm(self) -> bool:
        return isinstance(self.planner.settings.launch, Slurm)

    def do(self, asked: Sequence[CellEvaluation]) -> Codes:
        plans: dict[str, EvaluationPlan] = {}
        codes: Codes = {}
        for one in asked:
            try:
                plans[one.label] = self.planner.plan(one)
            except InceptionctlError as error:
                codes[one.label] = self._failed(one.label, error)
        return codes | (self._submit(plans) if self.on_slurm else self._run(plans))

    def _run(self, plans: Mapping[str, EvaluationPlan]) -> Codes:
        """On this machine, several side by side."""
        if not plans:
            return {}
        launch = self.planner.settings.launch
        assert isinstance(launch, Local), "Slurm's jobs run elsewhere"
        allocation = allocate(launch.device, launch.jobs, launch.nproc or 1, launch.threads, len(plans))
        modules = tuple(sorted({module for plan in plans.values() for module in plan.config.data.modules}))
        preload([PRELOADED, *modules])
        queue = [queued_evaluation(label, plan, allocation) for label, plan in plans.items()]
        slots = [WorkerSlot(allocation.nproc, gpus, modules) for gpus in allocation.gpus]
        with QueueConsole(len(queue), self.console) as observer:
            return run_queue(queue, slots, observer)

    def _submit(self, plans: Mapping[str, EvaluationPlan]) -> Codes:
        codes: Codes = {}
        for label, plan in plans.items():
            try:
                submit_evaluation(plan, self.console)
            except Interrupted:
                raise
            except InceptionctlError as error:
                codes[label] = self._failed(label, error)
        return codes

    def _failed(self, label: str, error: InceptionctlError) -> int:
        self.console.print(f"{label}: {error}", markup=False)
        return RequestError.exit_code if isinstance(error, RequestError) else 1


def _announce(missing: int, waiting: Sequence[CellEvaluation], console: Console) -> None:
    console.print(f"evaluations: {missing - len(waiting)} to do by the protocols of the table, and of ensembles")
    if waiting:
        named = ", ".join(one.label for one in waiting)
        verb = "waits" if len(waiting) == 1 else "wait"
        text = f"{count(len(waiting), 'evaluation')} {verb} for runs that are not finished: {named}"
        console.print(text, markup=False)


def _announce_next(ensembles: Sequence[CellEvaluation], console: Console) -> None:
    if ensembles:
        console.print(
            f"the same command submits {count(len(ensembles), 'ensemble')} when these evaluations are done",
            markup=False,
        )
