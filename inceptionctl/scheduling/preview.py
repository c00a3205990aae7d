"""`--dry-run`: what would be done and what it would take. Touches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from inceptionctl.config.schema import Slurm
from inceptionctl.hardware import Share, gpus
from inceptionctl.launch.slurm.script import Layout
from inceptionctl.models.spec.nodes import Tap
from inceptionctl.models.weights.releases import release
from inceptionctl.planning.plan import Plan, rate_factor
from inceptionctl.runs.paths import read_json
from inceptionctl.scheduling.cells import allocate_devices, check_uneven, finished, needs_run
from inceptionctl.scheduling.submit import preview

# Measured on one thread of an AMD EPYC core: quarter-width Inception-v3 at 79 pixels, forward and backward.
CPU_MACS_PER_S = 25e9
GPU_MACS_PER_S = 10e12
BYTES = 4


def show_plan(plans: Mapping[str, Plan], console: Console, table: Path | None = None) -> None:
    """Prints cells, data, batch, steps, rate, cost, cuts, warnings, time and disk."""
    first = next(iter(plans.values()))
    config, clock = first.config, first.clock
    check_uneven(plans)
    lines = [
        f"data      {first.data.origin}; {first.data.eval:,} pictures evaluated",
        f"batch     {_batch(first, _ranks(plans))}",
        f"steps     {clock.steps:,} = {clock.steps_per_epoch:,} an epoch x {config.train.epochs:g} epochs",
        f"rate      {rate_curve(first)}",
        f"cells     {len(plans)}, {_place(plans)}",
    ]
    lines += [f"  {label:<32} {_state(made)}" for label, made in plans.items()]
    lines += [f"weights   {text}" for text in dict.fromkeys(map(_weights, plans.values())) if text]
    for made in {made.spec: made for made in plans.values()}.values():  # one of each network
        lines += [f"network   {made.config.arch.name}: {_size(made)}"]
        lines += [f"  cut     {cut}" for cut in made.cost.cuts]
        lines += [f"  warning {warning}" for warning in made.warnings]
    open_cells = [made for made in plans.values() if needs_run(made)]
    hours = sum(map(device_hours, open_cells))
    lines += [f"time      about {hours:,.2f} device-hours for {len(open_cells)} cells (estimate)"]
    lines += [f"disk      about {sum(map(disk_bytes, open_cells)) / 1e6:,.0f} MB"]
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    if isinstance(config.launch, Slurm):
        todo = {label: made for label, made in plans.items() if needs_run(made)}
        console.print(f"script\n{preview(todo or plans, table)}", highlight=False, soft_wrap=True, markup=False)


def _batch(made: Plan, ranks: int) -> str:
    """What a step's batch is made of, and what of it batch norm sees together."""
    layout = made.layout(ranks)
    device = f"{layout.world} device{'s' * (layout.world > 1)}"
    together = "" if layout.group == layout.share else f"; batch norm over {layout.group:,} pictures"
    return f"{layout.batch:,} = {layout.share:,} a device x {layout.accumulate} accumulated x {device}{together}"


def _ranks(plans: Mapping[str, Plan]) -> int:
    launch = next(iter(plans.values())).config.launch
    return Layout.of(launch).ranks if isinstance(launch, Slurm) else allocate_devices(plans).processes


def _place(plans: Mapping[str, Plan]) -> str:
    launch = next(iter(plans.values())).config.launch
    if isinstance(launch, Slurm):
        bound = f", {launch.array_parallelism} at once" if launch.array_parallelism else ""
        return f"each a job of {Layout.of(launch)}{bound}"
    share = allocate_devices(plans)
    return f"{len(share.gpus)} side by side ({_share(share)})"


def _share(share: Share) -> str:
    each = f"{share.processes} rank{'s' * (share.processes > 1)} each"
    gpus = sum(map(len, share.gpus))
    threads = f"CPU, {share.threads} thread{'s' * (share.threads > 1)} a rank"
    return f"{f'{gpus} GPU' + 's' * (gpus > 1) if gpus else threads}, {each}"


def rate_curve(made: Plan, points: int = 9) -> str:
    """The learning rate at equal distances through the run, and the rule where the batch changed it."""
    last = made.clock.steps - 1
    rates = [made.schedule(round(i * last / (points - 1))) for i in range(points)]
    return f"{' '.join(f'{rate:.3g}' for rate in rates)}  (start to end{_rate_rule(made)})"


def _rate_rule(made: Plan) -> str:
    asked, factor = made.config.schedule, rate_factor(made.config)
    return (
        f"; {asked.lr:g} at batch {asked.base_batch_size:,}, here x {factor:.3g} ({asked.lr_scaling})"
        if factor != 1
        else ""
    )


def device_hours(made: Plan) -> float:
    """Forward and backward take three times the multiply-adds; one evaluation of both kinds of weights at the end."""
    launch = made.config.launch
    on_gpu = launch.gpus_per_node > 0 if isinstance(launch, Slurm) else bool(gpus(launch.device))
    images = 3 * made.clock.steps * made.config.train.batch_size + 2 * made.data.eval
    return images * made.cost.macs / (GPU_MACS_PER_S if on_gpu else CPU_MACS_PER_S) / 3600


def disk_bytes(made: Plan) -> int:
    """Model, average and at most two slots of the optimizer in each checkpoint kept."""
    return 4 * BYTES * made.cost.params * made.config.train.keep_checkpoints


def _weights(made: Plan) -> str:
    """What the run starts from, and whether it is here; nothing for new weights."""
    weights = made.config.weights
    entry = release(made.config.arch.name, weights) if weights else None
    if entry is None:
        return weights or ""
    return f"{entry.publisher} {entry.model}.{entry.tag} ({entry.cached or 'not downloaded yet'})"


def _size(made: Plan) -> str:
    heads = sum(isinstance(node, Tap) and node.head is not None for _, node in made.spec)
    with_heads, without = (f" with side head{'s' * (heads > 1)}", " without") if heads else ("", "")
    return (
        f"{made.cost.params:,} parameters, {made.cost.macs / 1e6:,.1f} M multiply-adds{with_heads}; "
        f"full size {made.full.params:,} and {made.full.macs / 1e9:.2f} G{without}"
    )


def _state(made: Plan) -> str:
    done = finished(made)
    if not done or needs_run(made):
        return f"{made.identity}  to run"
    errors = {e["weights"]: e["top1_error"] for e in read_json(done.result)["evaluations"]}
    return f"{made.identity}  done, error {errors['ema']:.2f} %"
