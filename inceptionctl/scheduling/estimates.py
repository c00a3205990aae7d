"""Estimates of what a plan costs: time and disk."""

from __future__ import annotations

from inceptionctl.config.launch import Slurm
from inceptionctl.hardware import gpus
from inceptionctl.planning.plan import Plan
from inceptionctl.planning.rates import CPU_MACS_PER_S, GPU_MACS_PER_S

BYTES = 4


def device_hours(plan: Plan) -> float:
    """Forward and backward take three times the multiply-adds of a forward pass; both kinds of weights are evaluated
    once at the end."""
    launch = plan.config.launch
    on_gpu = launch.gpus_per_node > 0 if isinstance(launch, Slurm) else bool(gpus(launch.device))
    images = 3 * plan.clock.steps * plan.config.train.batch_size + 2 * plan.data.n_eval
    return images * plan.cost.macs / (GPU_MACS_PER_S if on_gpu else CPU_MACS_PER_S) / 3600


def disk_bytes(plan: Plan) -> int:
    """Each checkpoint has the model, its average and at most two buffers of the optimizer."""
    return 4 * BYTES * plan.cost.params * plan.config.train.keep_checkpoints
