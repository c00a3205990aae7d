"""Deterministic mode: torch refuses operators that it knows to be nondeterministic; `self_check` finds the others."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b

import torch
from torch import Tensor, nn

from inceptionctl.errors import InceptionctlError
from inceptionctl.models.torch.classifier import Output

Loss = Callable[[Output, Tensor], Tensor]
REFUSAL = re.compile(r"(\S+) does not have a deterministic implementation")
REMEDY = "use another operator there, or set train.deterministic=false"


def enable() -> None:
    """For this process. Call it before the first use of CUDA, when cuBLAS reads its setting."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def self_check(model: nn.Module, loss: Loss, images_NCHW: Tensor, labels_N: Tensor) -> None:
    """Runs forward and backward twice from the same state and compares all module outputs, the loss, all gradients and
    all buffers bit for bit. `model` and the random state are left unchanged.

    Raises InceptionctlError that names the first difference, or the operator that torch refuses. Both passes use one
    copy of the model, whose parameters and buffers are reset in between. State that a module keeps elsewhere, such as a
    generator of its own, is not reset, since no checkpoint would hold it either: it shows as a difference.
    """
    clone = copy.deepcopy(model).train()
    first, second = (_run(clone, model, loss, images_NCHW, labels_N) for _ in range(2))
    for one, other in zip(first.digests, second.digests, strict=False):
        if one != other:
            raise InceptionctlError(
                f"deterministic mode: {other[0]} differs between two passes over the same input; {REMEDY}"
            )
    if len(first.digests) != len(second.digests):
        raise InceptionctlError(f"deterministic mode: two passes over the same input call other modules; {REMEDY}")


@dataclass
class _Trace:
    """`digests`: what was computed, in order, as (description, digest of its bits). Holds one tensor at a time."""

    digests: list[tuple[str, bytes]] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    last: tuple[Tensor, int] | None = None

    def add(self, description: str, value: Tensor) -> None:
        self.digests.append((description, _digest(value)))

    def before_forward(self, module_name: str, _module: nn.Module, _inputs: object) -> None:
        self.running.append(module_name)

    def after_forward(self, module_name: str, _module: nn.Module, _inputs: object, output: object) -> None:
        """Skips a container that returns the output of its last child unchanged."""
        self.running.pop()
        if isinstance(output, Tensor):
            known, self.last = self.last, (output, output._version)
            if known is None or known[0] is not output or known[1] != output._version:
                self.add(f"the output of {module_name}", output)

    def after_gradient(self, description: str, parameter: Tensor) -> None:
        assert parameter.grad is not None
        self.add(description, parameter.grad)

    def register_hooks(self, model: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
        """On every module, and on the gradient of every parameter."""
        hooks = []
        for name, module in model.named_modules():
            module_name = f"{name or 'the network'} ({type(module).__name__})"
            hooks.append(module.register_forward_pre_hook(partial(self.before_forward, module_name)))
            hooks.append(module.register_forward_hook(partial(self.after_forward, module_name)))
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                hook = partial(self.after_gradient, f"the gradient of {_qualified(model, name)}")
                hooks.append(parameter.register_post_accumulate_grad_hook(hook))  # type: ignore[no-untyped-call]
        return hooks


def _run(clone: nn.Module, model: nn.Module, loss: Loss, images_NCHW: Tensor, labels_N: Tensor) -> _Trace:
    """One forward and backward pass of `clone` from the state of `model` and the current random state."""
    _reset(clone, model)
    trace = _Trace()
    hooks = trace.register_hooks(clone)
    devices = [images_NCHW.device] if images_NCHW.is_cuda else []
    try:
        with torch.random.fork_rng(devices):
            value = loss(clone(images_NCHW.clone()), labels_N)
            trace.add("the loss", value.detach())
            value.backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise _explained(error, trace.running) from error
    finally:
        for hook in hooks:
            hook.remove()
    for name, buffer in clone.named_buffers():
        trace.add(f"the buffer {_qualified(clone, name)}", buffer)
    return trace


@torch.no_grad()
def _reset(clone: nn.Module, model: nn.Module) -> None:
    clone.zero_grad(set_to_none=True)
    for ours, parameter in zip(clone.parameters(), model.parameters(), strict=True):
        ours.copy_(parameter)
    for own, buffer in zip(clone.buffers(), model.buffers(), strict=True):
        own.copy_(buffer)


def _explained(error: RuntimeError, running: list[str]) -> Exception:
    """Torch's refusal with the module that caused it; any other error unchanged."""
    operator = REFUSAL.search(str(error))
    if not operator:
        return error
    where = f"in {running[-1]}" if running else "in the backward pass"
    return InceptionctlError(
        f"deterministic mode: {operator[1]} {where} has no deterministic implementation on this device; {REMEDY}"
    )


def _qualified(model: nn.Module, name: str) -> str:
    """The name of a parameter or buffer with the type of its module."""
    return f"{name} ({type(model.get_submodule(name.rpartition('.')[0])).__name__})"


def _digest(value: Tensor) -> bytes:
    """Of the bits: a NaN equals itself, and 0.0 differs from -0.0."""
    flat = value.detach().contiguous().reshape(-1).view(torch.uint8).cpu().numpy()
    return blake2b(flat.data, digest_size=16).digest()
