"""`--dry-run`: prints what would run and what it would cost, and touches nothing. Of tables: `table_preview`, which
imports the statistics that a single run has no need to wait for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from inceptionctl.config.launch import Slurm
from inceptionctl.data.inputs import describe_input
from inceptionctl.errors import count
from inceptionctl.launch.slurm import sbatch
from inceptionctl.launch.slurm.script import TaskLayout
from inceptionctl.models.weights.releases import release
from inceptionctl.planning.plan import Plan
from inceptionctl.scheduling.estimates import device_hours, disk_bytes
from inceptionctl.scheduling.placement import place
from inceptionctl.scheduling.plan_state import describe_state, plan_state
from inceptionctl.scheduling.run_folders import needs_run
from inceptionctl.scheduling.submit import preview_script

NO_ROWS: Mapping[str, str] = {}


def show_plans(
    plans: Mapping[str, Plan], console: Console, table: Path | None = None, rows: Mapping[str, str] = NO_ROWS
) -> None:
    """Data, batch, steps, learning rate, cells, networks, time and disk; for Slurm, the script. `rows`: the row of each
    cell, by its label; what differs between rows has a line for each value."""
    first, placement = next(iter(plans.values())), place(plans)
    to_run = {label: plan for label, plan in plans.items() if needs_run(plan)}
    hours, disk = sum(map(device_hours, to_run.values())), sum(map(disk_bytes, to_run.values()))
    widest = max(32, *map(len, plans))
    lines = [
        f"data      {first.data.provenance}",
        *(f"cache     {text}" for text in dict.fromkeys(map(_cache, plans.values())) if text),
        f"batch     {_batch(first, placement.nproc)}",
        *_by_row("steps", _steps, plans, rows),
        *_by_row("lr", lr_curve, plans, rows),
        *_by_row("  note", lambda plan: plan.schedule_notes, plans, rows),
        *dict.fromkeys(f"tuned     {plan.config.tuned}" for plan in plans.values() if plan.config.tuned),
        f"cells     {len(plans)}, {_placement(first, placement)}",
        *(f"  {label:<{widest}} {_state(plan)}" for label, plan in plans.items()),
        *(f"input     {text}" for text in dict.fromkeys(map(_input, plans.values()))),
        *(f"weights   {text}" for text in dict.fromkeys(map(_weights, plans.values())) if text),
        *(f"  {text}" for text in dict.fromkeys(line for plan in plans.values() for line in plan.weights)),
        *(line for plan in {plan.spec: plan for plan in plans.values()}.values() for line in _network(plan)),
        f"time      {_about(hours)} device-hours for {count(len(to_run), 'cell')} (estimate)",
        f"disk      about {disk / 1e6:,.0f} MB",
    ]
    if isinstance(first.config.launch, Slurm):
        lines += [f"script\n{preview_script(to_run or plans, table)}"]
    for line in lines:
        console.print(line)
    if isinstance(first.config.launch, Slurm):
        sbatch.warn_if_missing()  # below the script, which is longer than a screen


def _about(hours: float) -> str:
    return "less than 0.01" if 0 < hours < 0.01 else f"about {hours:,.2f}"


def _cache(plan: Plan) -> str:
    return plan.config.data.cache_note(plan.data)


def _by_row(
    what: str, text: Callable[[Plan], str | list[str]], plans: Mapping[str, Plan], rows: Mapping[str, str]
) -> list[str]:
    """A line for each distinct text, which names the rows that have it unless all do."""
    found: dict[str, list[str]] = {}
    for label, plan in plans.items():
        texts = text(plan)
        for one in [texts] if isinstance(texts, str) else texts:
            found.setdefault(one, []).append(rows.get(label, label))
    everyone = {rows.get(label, label) for label in plans}
    names = {
        one: "" if set(having) == everyone else f"{', '.join(dict.fromkeys(having))}: " for one, having in found.items()
    }
    return [f"{what:<9} {names[one]}{one}" for one in found]


def _batch(plan: Plan, nproc: int) -> str:
    """How a step's batch is divided, and how much of it batch norm normalises together."""
    partition = plan.partition(nproc)
    micro_batch, group = partition.micro_batch, partition.bn_group
    together = "" if group == micro_batch else f"; batch norm over {group:,} images"
    parts = f"{partition.accumulation_steps} accumulated x {count(nproc, 'device')}"
    return f"{partition.batch_size:,} = {micro_batch:,} per device x {parts}{together}"


def _steps(plan: Plan) -> str:
    clock = plan.clock
    rest = plan.data.n_train % plan.config.train.batch_size
    left_over = f"; each epoch leaves out {rest:,} of {plan.data.n_train:,} images, others each time" if rest else ""
    return f"{clock.steps:,} = {clock.steps_per_epoch:,} per epoch x {plan.config.train.epochs:g} epochs{left_over}"


def lr_curve(plan: Plan, points: int = 9) -> str:
    """The learning rate at equal distances through the run, and how the batch size scales it."""
    values = " ".join(f"{lr:.3g}" for lr in learning_rates(plan, points))
    return f"{values}  (start to end{_lr_scaling(plan)})"


def learning_rates(plan: Plan, points: int = 9) -> list[float]:
    last = plan.clock.steps - 1
    return [plan.schedule(round(i * last / (points - 1))) for i in range(points)]


def _lr_scaling(plan: Plan) -> str:
    schedule, factor = plan.config.schedule, plan.config.schedule.lr_factor(plan.config.train.batch_size)
    if factor == 1:
        return ""
    return f"; {schedule.lr:g} for a batch of {schedule.base_batch_size:,}, here x {factor:.3g} ({schedule.lr_scaling})"


def _placement(plan: Plan, placement: object) -> str:
    launch = plan.config.launch
    if not isinstance(launch, Slurm):
        return str(placement)
    limit = f", {launch.array_parallelism} at a time" if launch.array_parallelism else ""
    return f"each a job of {TaskLayout.of(launch)}{limit}"


def _state(plan: Plan) -> str:
    return f"{plan.identity}  {describe_state(plan_state(plan), plan)}"


def _input(plan: Plan) -> str:
    return describe_input(plan.config.arch.input, plan.config.arch.pixels)


def _weights(plan: Plan) -> str:
    """What the run starts from, and whether it is in the cache; empty for new weights."""
    weights = plan.config.weights
    entry = release(plan.config.arch.name, weights) if weights else None
    if entry is None:
        return weights or ""
    return f"{entry.publisher} {entry.model}.{entry.tag} ({entry.cached or 'not downloaded yet'})"


def _network(plan: Plan) -> list[str]:
    aux = plan.config.arch.aux
    heads = len(aux.at) if aux.head else 0
    with_heads, without = (f" with {count(heads, 'auxiliary head')}", " without") if heads else ("", "")
    return [
        f"network   {plan.config.arch.name}: {plan.cost.params:,} parameters, {plan.cost.macs / 1e6:,.1f} M "
        f"multiply-adds{with_heads}; full size {plan.full.params:,} and {plan.full.macs / 1e9:.2f} G{without}",
        *(f"  kernel  {change}" for change in plan.cost.kernel_changes),
        *(f"  warning {warning}" for warning in plan.warnings),
    ]
