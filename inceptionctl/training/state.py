"""What a run must remember to go on as if nothing had happened, as tensors and plain values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from inceptionctl.errors import CheckpointError
from inceptionctl.training.checkpoint import Checkpoint
from inceptionctl.training.clock import Clock
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.step import Step

BOUND = ("identity",)  # what must be as it was; of the rest, only bits depend


def capture(step: Step, clock: Clock, about: dict[str, Any], random: dict[str, Tensor]) -> Checkpoint:
    """`about` (identity, threads, ...) is kept beside the step and checked on the way back; `random` are the states of
    the generators of all ranks."""
    optimizer, plain = _split(step.optimizer.state_dict()["state"])
    tensors = {
        "model": dict(step.model.state_dict()),
        "ema": dict(step.average.module.state_dict()),
        "optimizer": optimizer,
        "random": random,
    }
    state = about | {
        "step": clock.step,
        "averaged": int(step.average.n_averaged),
        "optimizer": plain,
        "scaler": step.scaler.state_dict(),
    }
    return Checkpoint({name: _detached(part) for name, part in tensors.items()}, state)


def restore(checkpoint: Checkpoint, step: Step, clock: Clock, about: dict[str, Any]) -> list[str]:
    """What is not as it was, so that the run goes on with the same pictures but not to the same bits.

    Raises CheckpointError if the checkpoint was made by another run.
    """
    state = checkpoint.state
    other = [f"{key} = {state.get(key)}, not {ours}" for key, ours in about.items() if state.get(key) != ours]
    if any(line.startswith(BOUND) for line in other):
        raise CheckpointError(f"this checkpoint belongs to another run: {', '.join(other)}")
    step.model.load_state_dict(checkpoint.tensors["model"])
    step.average.module.load_state_dict(checkpoint.tensors["ema"])
    step.average.n_averaged.fill_(state["averaged"])
    groups = step.optimizer.state_dict()["param_groups"]
    step.optimizer.load_state_dict(
        {"state": _join(checkpoint.tensors["optimizer"], state["optimizer"]), "param_groups": groups}
    )
    _match_layout(step.optimizer)
    step.scaler.load_state_dict(state["scaler"])
    clock.step = state["step"]
    return other


def _split(slots: dict[int, dict[str, Any]]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Optimizer state as `index.slot`, tensors apart from plain values."""
    flat = {f"{index}.{slot}": value for index, values in slots.items() for slot, value in values.items()}
    tensors = {key: value for key, value in flat.items() if isinstance(value, Tensor)}
    return tensors, {key: value for key, value in flat.items() if key not in tensors}


def _join(tensors: dict[str, Tensor], plain: dict[str, Any]) -> dict[int, dict[str, Any]]:
    slots: dict[int, dict[str, Any]] = {}
    for key, value in (tensors | plain).items():
        index, slot = key.split(".")
        slots.setdefault(int(index), {})[slot] = value
    return slots


def _match_layout(optimizer: torch.optim.Optimizer) -> None:
    """Slots get their parameter's memory layout back: another one takes other, not bit-equal, arithmetic kernels."""
    for parameter, slots in optimizer.state.items():
        for name, value in slots.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                slots[name] = torch.empty_like(parameter).copy_(value)


def _detached(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies in plain row-major order: safetensors stores no strides, and none may share memory."""
    return {key: value.detach().to("cpu", copy=True).contiguous() for key, value in tensors.items()}


def random_states(device: torch.device) -> dict[str, Tensor]:
    """The generators that dropout draws from."""
    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def random_states_of_all(ranks: DistributedContext, device: torch.device) -> dict[str, Tensor]:
    """Those of every rank, as `rank.generator`."""
    found: dict[str, Tensor] = {}
    for name, own in random_states(device).items():
        states = ranks.collect(own, [own.shape] * ranks.size)
        found |= {f"{rank}.{name}": one for rank, one in enumerate(states)}
    return found


def restore_random(checkpoint: Checkpoint, rank: int, device: torch.device) -> bool:
    """Whether the checkpoint has states of this rank's generators: it has not if there were fewer ranks."""
    states = checkpoint.tensors["random"]
    if f"{rank}.cpu" not in states or (device.type == "cuda" and f"{rank}.cuda" not in states):
        return False
    torch.set_rng_state(states[f"{rank}.cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[f"{rank}.cuda"], device)
    return True
