"""`eval --dry-run`: prints what would be evaluated and what it would cost, and touches nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from inceptionctl.config.launch import Slurm
from inceptionctl.data.inputs import describe_input
from inceptionctl.errors import count
from inceptionctl.files import from_here
from inceptionctl.hardware import gpus
from inceptionctl.launch.slurm import sbatch
from inceptionctl.planning.evaluation.plan import EvaluationPlan
from inceptionctl.planning.networks import TrainedNetwork
from inceptionctl.planning.rates import CPU_MACS_PER_S, GPU_MACS_PER_S
from inceptionctl.runs.records.evaluation import ProtocolRecord
from inceptionctl.scheduling.evaluation.folders import expected, finished, unfinished
from inceptionctl.scheduling.evaluation.run import place, preview_script

SCHEMA = 1


def show_evaluation(plan: EvaluationPlan, console: Console) -> dict[str, Any]:
    """Prints the plan; the same for programs."""
    request, done = plan.request, None if plan.settings.rerun else finished(plan)
    hours = 0.0 if done else device_hours(plan)
    lines = [
        *(line for each, cost in zip(plan.networks, plan.costs, strict=True) for line in _network(each, cost.macs)),
        f"data      {plan.index.provenance}",
        *([f"cache     {note}"] if (note := plan.config.data.cache_note(plan.index)) else []),
        f"images    {request.n_images:,}; image set {request.image_set.name}",
        f"protocol  {describe_protocol(request.protocol)}",
        f"batches   of {request.batch_size:,} inputs per device, {place(plan)}",
        f"unread    images that cannot be read: {request.on_unreadable}",
        f"time      about {hours:,.2f} device-hours (estimate)",
        f"folder    {_state(plan, done)}",
    ]
    if isinstance(plan.config.launch, Slurm):
        lines.append(f"script\n{preview_script(plan)}")
    for line in lines:
        console.print(line)
    if isinstance(plan.config.launch, Slurm):
        sbatch.warn_if_missing()  # below the script, which is longer than a screen
    return {
        "schema": SCHEMA,
        "identity": plan.identity,
        "networks": [each.record.label for each in plan.networks],
        "image_set": request.image_set.name,
        "n_images": request.n_images,
        "protocol": request.protocol.name,
        "views": request.protocol.crops,
        "device_hours": hours,
        "finished": str(done) if done else None,
        "folder": str(done.parent if done else expected(plan)),
    }


def describe_protocol(protocol: ProtocolRecord) -> str:
    """Such as "crops12: 12 views of each image, softmax averaged; reading centre_square, scales [342]"."""
    views = count(protocol.crops, "view")
    averaged = f" of each image, {protocol.averaging} averaged" if protocol.averaging in ("softmax", "logits") else ""
    averaged = averaged or (" of each image, the largest softmax" if protocol.averaging else "")
    others = {key: value for key, value in protocol.settings.items() if key not in ("name", "averaging")}
    settings = ", ".join(f"{key} {value}" for key, value in others.items())
    return f"{protocol.name}: {views}{averaged}{f'; {settings}' if settings else ''}"


def device_hours(plan: EvaluationPlan) -> float:
    """Of the forward passes alone."""
    launch = plan.config.launch
    on_gpu = launch.gpus_per_node > 0 if isinstance(launch, Slurm) else bool(gpus(launch.device))
    macs = sum(cost.macs for cost in plan.costs) * plan.request.n_images * plan.request.protocol.crops
    return macs / (GPU_MACS_PER_S if on_gpu else CPU_MACS_PER_S) / 3600


def _network(network: TrainedNetwork, macs: int) -> list[str]:
    arch, record = network.config.arch, network.record
    place = "" if not network.release or network.release.cached else " (not downloaded yet)"
    return [
        f"network   {record.label}: weights {_shown(record.weights)}{place}, {macs / 1e6:,.1f} M multiply-adds a view",
        f"  input   {describe_input(arch.input, arch.pixels)}",
        *(f"  weights {note}" for note in network.notes),
    ]


def _shown(weights: str) -> str:
    return from_here(Path(weights)) if weights.startswith("/") else weights


def _state(plan: EvaluationPlan, done: Path | None) -> str:
    if done:
        return f"already evaluated: {from_here(done)}"
    return f"{from_here(expected(plan))}, {'begun' if unfinished(plan) else 'to be evaluated'}"
