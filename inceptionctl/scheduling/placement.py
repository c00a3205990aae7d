"""Where runs go: how many processes and threads each gets, on this machine or in a Slurm job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from inceptionctl import hardware
from inceptionctl.config.launch import Local, Slurm
from inceptionctl.errors import RequestError, warn
from inceptionctl.hardware import Allocation, allocate
from inceptionctl.launch.slurm.script import TaskLayout
from inceptionctl.planning.plan import Plan
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.places import check_place
from inceptionctl.scheduling.run_folders import unfinished


def place(plans: Mapping[str, Plan]) -> Allocation | TaskLayout:
    """What each of these runs gets. Raises RequestError for devices that this machine does not have, and for a batch
    that cannot be divided among the ranks, and for a folder of outputs that cannot be made."""
    config = next(iter(plans.values())).config
    launch = config.launch
    if not config.run_dir:
        check_place(Path(config.outputs, config.name), f"outputs = {config.outputs}, name = {config.name}")
    if not isinstance(launch, Slurm):
        return allocate_devices(plans)
    layout = TaskLayout.of(launch)
    _check_batches(plans, layout.nproc)
    return layout


def allocate_devices(plans: Mapping[str, Plan]) -> Allocation:
    """`place` for runs on this machine."""
    launch = next(iter(plans.values())).config.launch
    assert isinstance(launch, Local), "Slurm's jobs run elsewhere"
    allocation = allocate(launch.device, launch.jobs, launch.nproc or 1, launch.threads, len(plans))
    _check_batches(plans, allocation.nproc)
    return allocation


def _check_batches(plans: Mapping[str, Plan], nproc: int) -> None:
    for plan in plans.values():
        plan.partition(nproc)


def with_resumed_launch(plan: Plan) -> Plan:
    """`plan` with the ranks and threads of the attempt that it resumes, unless it sets its own: only with the same
    number of them does the run end bit for bit the same."""
    if not (run := unfinished(plan)):
        return plan
    launch, before = plan.config.launch, read_config(run).launch
    return _with_launch(plan, nproc=launch.nproc or before.nproc, threads=launch.threads or before.threads)


def with_default_nproc(plan: Plan) -> Plan:
    """`plan` with a rank for each GPU of this machine, or for as many of them as can divide its batch, unless it, or
    the attempt that it resumes, sets another number."""
    if not isinstance(plan.config.launch, Local):
        return plan
    plan = with_resumed_launch(plan)
    if plan.config.launch.nproc:
        return plan
    num_gpus = len(hardware.gpus(plan.config.launch.device)) or 1
    nproc = next((n for n in range(num_gpus, 1, -1) if _divides_batch(plan, n)), 1)
    if nproc < num_gpus:
        batch = f"train.batch_size = {plan.config.train.batch_size}"
        warn(f"using {nproc} of {num_gpus} GPUs: {batch} cannot be divided among more")
    return _with_launch(plan, nproc=nproc)


def _divides_batch(plan: Plan, nproc: int) -> bool:
    try:
        return bool(plan.partition(nproc))
    except RequestError:
        return False


def _with_launch(plan: Plan, **settings: int | None) -> Plan:
    launch = replace(plan.config.launch, **settings)  # type: ignore[arg-type]
    return replace(plan, config=replace(plan.config, launch=launch))
