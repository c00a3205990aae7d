"""Deterministic mode: operators that are not are refused, and what torch does not know of is found by trying."""

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
from inceptionctl.models.torch.modules import Output

Loss = Callable[[Output, Tensor], Tensor]
REFUSED = re.compile(r"(\S+) does not have a deterministic implementation")
REMEDY = "take another operator there, or set train.deterministic=false"


def switch_on() -> None:
    """For this process; before its first use of CUDA, for cuBLAS reads its setting then."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def self_check(model: nn.Module, loss: Loss, images_NCHW: Tensor, labels_N: Tensor) -> None:
    """Runs forward and backward twice from one state and compares every module's output, the loss, every gradient and
    every buffer bit for bit. Raises InceptionctlError that names the first to differ, or the operator that torch
    refuses. `model` and the random state stay as they are.

    Both runs use one copy, whose parameters and buffers are put back in between: state that a module keeps elsewhere
    (a generator of its own) is not in a checkpoint either, so it has to show.
    """
    twin = copy.deepcopy(model).train()
    one, two = (_run(twin, model, loss, images_NCHW, labels_N) for _ in range(2))
    for before, after in zip(one.digests, two.digests, strict=False):
        if before != after:
            raise InceptionctlError(
                f"deterministic mode: {after[0]} differs from one run to the next on the same input; {REMEDY}"
            )
    if len(one.digests) != len(two.digests):
        raise InceptionctlError(f"deterministic mode: the same input takes other ways through the network; {REMEDY}")


@dataclass
class _Trace:
    """What was computed, in order: (what it is, digest of its bits). One tensor is held at a time."""

    digests: list[tuple[str, bytes]] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    last: tuple[Tensor, int] | None = None

    def add(self, what: str, value: Tensor) -> None:
        self.digests.append((what, _digest(value)))

    def enter(self, what: str, _module: nn.Module, _inputs: object) -> None:
        self.running.append(what)

    def leave(self, what: str, _module: nn.Module, _inputs: object, output: object) -> None:
        """Containers come after what they contain; one that hands the last output on has nothing to add."""
        self.running.pop()
        if isinstance(output, Tensor):
            known, self.last = self.last, (output, output._version)
            if known is None or known[0] is not output or known[1] != output._version:
                self.add(f"the output of {what}", output)

    def watch(self, model: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
        """Hooks on every module, and on every parameter's gradient as backward makes it."""
        hooks = []
        for name, module in model.named_modules():
            what = f"{name or 'the network'} ({type(module).__name__})"
            hooks.append(module.register_forward_pre_hook(partial(self.enter, what)))
            hooks.append(module.register_forward_hook(partial(self.leave, what)))
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                told = partial(self.gradient, _owned(model, name))
                hooks.append(parameter.register_post_accumulate_grad_hook(told))  # type: ignore[no-untyped-call]
        return hooks

    def gradient(self, what: str, parameter: Tensor) -> None:
        assert parameter.grad is not None
        self.add(f"the gradient of {what}", parameter.grad)


def _run(twin: nn.Module, model: nn.Module, loss: Loss, images_NCHW: Tensor, labels_N: Tensor) -> _Trace:
    """One forward and backward pass of `twin` from the state of `model` and of the random numbers."""
    _put_back(twin, model)
    trace = _Trace()
    hooks = trace.watch(twin)
    devices = [images_NCHW.device] if images_NCHW.is_cuda else []
    try:
        with torch.random.fork_rng(devices):
            found = loss(twin(images_NCHW.clone()), labels_N)
            trace.add("the loss", found.detach())
            found.backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise _named(error, trace.running) from error
    finally:
        for hook in hooks:
            hook.remove()
    for name, buffer in twin.named_buffers():
        trace.add(f"the buffer {_owned(twin, name)}", buffer)
    return trace


@torch.no_grad()
def _put_back(twin: nn.Module, model: nn.Module) -> None:
    twin.zero_grad(set_to_none=True)
    for ours, theirs in zip(twin.parameters(), model.parameters(), strict=True):
        ours.copy_(theirs)
    for mine, its in zip(twin.buffers(), model.buffers(), strict=True):
        mine.copy_(its)


def _named(error: RuntimeError, running: list[str]) -> Exception:
    """Torch's refusal with the module it happened in; another error as it is."""
    operator = REFUSED.search(str(error))
    if not operator:
        return error
    where = f"in {running[-1]}" if running else "in the backward pass"
    return InceptionctlError(
        f"deterministic mode: {operator[1]} {where} has no deterministic implementation on this device; {REMEDY}"
    )


def _owned(model: nn.Module, name: str) -> str:
    """A parameter's or buffer's name with the kind of module it belongs to."""
    return f"{name} ({type(model.get_submodule(name.rpartition('.')[0])).__name__})"


def _digest(value: Tensor) -> bytes:
    """Of the bits: NaNs are equal to themselves, and zero is not minus zero."""
    plain = value.detach().contiguous().reshape(-1).view(torch.uint8).cpu().numpy()
    return blake2b(plain.data, digest_size=16).digest()
