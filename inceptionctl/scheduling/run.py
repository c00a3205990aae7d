"""Runs plans: on this machine, through the queue, or as a job of Slurm."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console

from inceptionctl.config.launch import Slurm
from inceptionctl.errors import InceptionctlError, Interrupted
from inceptionctl.files import from_here
from inceptionctl.hardware import Allocation
from inceptionctl.launch.local import WorkerSlot, preload
from inceptionctl.planning.plan import Plan
from inceptionctl.scheduling.downloads import download_missing_weights
from inceptionctl.scheduling.placement import allocate_devices, with_resumed_launch
from inceptionctl.scheduling.progress import QueueConsole
from inceptionctl.scheduling.queue import QueuedRun, run_queue
from inceptionctl.scheduling.run_folders import finished, open_folder
from inceptionctl.scheduling.submit import submit_one
from inceptionctl.training.optimizers import OPTIMIZERS


def run_one(plan: Plan, console: Console) -> None:
    """Runs the plan and prints its folder, or submits it. Raises InceptionctlError if the run fails, after the console
    has said why."""
    label = label_of(plan)
    if isinstance(plan.config.launch, Slurm):
        submit_one(label, plan, console)
        return
    code = run_plans({label: plan}, console)[label]
    if code == Interrupted.exit_code:
        again = "`inceptionctl resume RUN_DIR`: rerun=true begins anew" if plan.config.rerun else "the same command"
        raise Interrupted(f"the run was told to stop: continue with {again}")
    if code:
        raise InceptionctlError("the run failed: see the message above and its log")
    if not (run := finished(plan)):
        raise InceptionctlError("the run left no result that can be read")
    console.print(f"run folder: {from_here(run.path)}")


def label_of(plan: Plan) -> str:
    """What was typed for it, otherwise its network."""
    return plan.label or plan.config.arch.name


def run_plans(plans: Mapping[str, Plan], console: Console) -> dict[str, int]:
    """Runs every plan on this machine, several side by side: exit codes by label."""
    allocation = allocate_devices(plans)  # before resuming: one attempt's processes are not for the other runs
    plans = {label: with_resumed_launch(plan) for label, plan in plans.items()}
    download_missing_weights(plans.values(), console)
    modules = tuple(sorted({module for plan in plans.values() for module in preload_modules(plan)}))
    preload(modules)
    queue = [_queued(label, plan, allocation) for label, plan in plans.items()]
    slots = [WorkerSlot(allocation.nproc, gpus, modules) for gpus in allocation.gpus]
    with QueueConsole(len(queue), console) as observer:
        return run_queue(queue, slots, observer)


def preload_modules(plan: Plan) -> list[str]:
    """Slow imports of this plan's workers, besides torch."""
    return [*plan.config.data.modules, *OPTIMIZERS[plan.config.optim.name].modules]


def _queued(label: str, plan: Plan, allocation: Allocation) -> QueuedRun:
    launch = plan.config.launch
    threads = launch.threads or allocation.threads
    return QueuedRun(
        label=label,
        steps=plan.clock.steps,
        open_folder=lambda: open_folder(plan, allocation.nproc, threads),
        restarts=launch.restarts,
        hang_timeout=launch.hang_timeout,
    )
