"""What a run must remember to go on as if nothing had happened, as tensors and plain values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from inceptionctl.engine.checkpoint import Checkpoint
from inceptionctl.engine.clock import Clock
from inceptionctl.engine.step import Step
from inceptionctl.errors import CheckpointError


def capture(step: Step, clock: Clock, about: dict[str, Any]) -> Checkpoint:
    """`about` (identity, threads, ...) is kept beside the step and checked on the way back."""
    optimizer, plain = _split(step.optimizer.state_dict()["state"])
    tensors = {
        "model": dict(step.model.state_dict()),
        "ema": dict(step.average.module.state_dict()),
        "optimizer": optimizer,
        "random": _random_states(step.device),
    }
    state = about | {"step": clock.step, "averaged": int(step.average.n_averaged), "optimizer": plain}
    return Checkpoint({name: _detached(part) for name, part in tensors.items()}, state)


def restore(checkpoint: Checkpoint, step: Step, clock: Clock, about: dict[str, Any]) -> None:
    """Raises CheckpointError if the checkpoint was made by another run or with another topology."""
    state = checkpoint.state
    for key, ours in about.items():
        if state.get(key) != ours:
            raise CheckpointError(f"this checkpoint has {key} = {state.get(key)}, the run {ours}")
    step.model.load_state_dict(checkpoint.tensors["model"])
    step.average.module.load_state_dict(checkpoint.tensors["ema"])
    step.average.n_averaged.fill_(state["averaged"])
    groups = step.optimizer.state_dict()["param_groups"]
    step.optimizer.load_state_dict(
        {"state": _join(checkpoint.tensors["optimizer"], state["optimizer"]), "param_groups": groups}
    )
    _match_layout(step.optimizer)
    _set_random_states(checkpoint.tensors["random"], step.device)
    clock.step = state["step"]


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


def _random_states(device: torch.device) -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def _set_random_states(states: dict[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
