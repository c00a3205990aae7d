"""The state of a run in a checkpoint: what it takes to continue exactly where it was."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from inceptionctl.data.order import generator
from inceptionctl.errors import CheckpointError
from inceptionctl.training.checkpoint import Checkpoint, Tensors
from inceptionctl.training.clock import Clock
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.step import TrainStep

DROPOUT = 2  # stream of `data.order.generator`, which uses others for the order of images and for each image


@dataclass(frozen=True)
class Topology:
    """What a resumed run has to share with the run before, besides its settings, to end with the same bits."""

    world_size: int
    accumulation_steps: int
    threads: int
    device: str

    def changes_from(self, before: dict[str, Any]) -> list[str]:
        """As `name: then -> now`."""
        now = asdict(self)
        return [f"{name}: {before.get(name)} -> {now[name]}" for name in now if before.get(name) != now[name]]


def capture(step: TrainStep, clock: Clock, random: Tensors, about: dict[str, Any]) -> Checkpoint:
    """`random`: states of the generators of all ranks; `about`: what else to keep, as plain values."""
    optimizer, plain = _split(step.optimizer.state_dict()["state"])
    tensors = {
        "model": dict(step.model.state_dict()),
        "ema": dict(step.ema.module.state_dict()),
        "optimizer": optimizer,
        "random": random,
    }
    state = about | {
        "step": clock.step,
        "n_averaged": int(step.ema.n_averaged),
        "optimizer": plain,
        "scaler": step.scaler.state_dict(),
    }
    return Checkpoint({name: _detached(part) for name, part in tensors.items()}, state)


def restore(checkpoint: Checkpoint, step: TrainStep, clock: Clock, identity: str) -> None:
    """Loads all but the random states. Raises CheckpointError if the checkpoint is of a run of another `identity`."""
    state = checkpoint.state
    if state.get("identity") != identity:
        raise CheckpointError(f"this checkpoint is of run {state.get('identity')}, not of {identity}")
    load_weights(checkpoint, step)
    step.ema.n_averaged.fill_(state["n_averaged"])
    groups = step.optimizer.state_dict()["param_groups"]
    slots = _join(checkpoint.tensors["optimizer"], state["optimizer"])
    step.optimizer.load_state_dict({"state": slots, "param_groups": groups})
    _match_layout(step.optimizer)
    step.scaler.load_state_dict(state["scaler"])
    clock.step = state["step"]


def load_weights(checkpoint: Checkpoint, step: TrainStep) -> None:
    """Model and average only."""
    step.model.load_state_dict(checkpoint.tensors["model"])
    step.ema.module.load_state_dict(checkpoint.tensors["ema"])


def _split(slots: dict[int, dict[str, Any]]) -> tuple[Tensors, dict[str, Any]]:
    """Optimizer state by `index.slot`: tensors, and plain values."""
    flat = {f"{index}.{slot}": value for index, values in slots.items() for slot, value in values.items()}
    tensors = {key: value for key, value in flat.items() if isinstance(value, Tensor)}
    return tensors, {key: value for key, value in flat.items() if key not in tensors}


def _join(tensors: Tensors, plain: dict[str, Any]) -> dict[int, dict[str, Any]]:
    slots: dict[int, dict[str, Any]] = {}
    for key, value in (tensors | plain).items():
        index, slot = key.split(".")
        slots.setdefault(int(index), {})[slot] = value
    return slots


def _match_layout(optimizer: torch.optim.Optimizer) -> None:
    """Gives slots the memory layout of their parameter: for another one torch uses kernels that round differently."""
    for parameter, slots in optimizer.state.items():
        for name, value in slots.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                slots[name] = torch.empty_like(parameter).copy_(value)


def _detached(tensors: Tensors) -> Tensors:
    """Copies in row-major order: safetensors stores no strides, and no two may share memory."""
    return {key: value.detach().to("cpu", copy=True).contiguous() for key, value in tensors.items()}


def random_states(device: torch.device) -> Tensors:
    """The generators that dropout draws from."""
    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def gather_random_states(context: DistributedContext, device: torch.device) -> Tensors:
    """Those of every rank, by `rank.generator`."""
    gathered: Tensors = {}
    for name, own in random_states(device).items():
        states = context.all_gather(own, [own.shape] * context.world_size)
        gathered |= {f"{rank}.{name}": state for rank, state in enumerate(states)}
    return gathered


def seed_dropout(seed: int, step: int, rank: int) -> None:
    """Gives this rank a random stream of its own. Rank 0 of a new run continues that of the initial weights instead."""
    torch.manual_seed(int(generator(seed, step, rank, DROPOUT).integers(2**63)))


def restore_random_states(checkpoint: Checkpoint, rank: int, device: torch.device) -> bool:
    """Whether the checkpoint has the states of this rank: not so if it was saved by fewer ranks."""
    states = checkpoint.tensors["random"]
    if f"{rank}.cpu" not in states or (device.type == "cuda" and f"{rank}.cuda" not in states):
        return False
    torch.set_rng_state(states[f"{rank}.cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[f"{rank}.cuda"], device)
    return True
