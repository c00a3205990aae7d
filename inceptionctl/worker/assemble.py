"""Model, loss, optimizer and average of a plan."""

from __future__ import annotations

import math
from inspect import signature
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from inceptionctl.data.normalise import NORMALISATIONS
from inceptionctl.data.order import generator
from inceptionctl.errors import RequestError, warn
from inceptionctl.models.torch.build import build
from inceptionctl.models.torch.init import initialise
from inceptionctl.models.weights.download import cache_folder, digest
from inceptionctl.models.weights.maps import load_weights, read_weights
from inceptionctl.models.weights.releases import release
from inceptionctl.models.zoo.registry import architecture
from inceptionctl.planning.plan import Plan
from inceptionctl.training.distributed.batch_norm import convert_batch_norm
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.ema import averaged
from inceptionctl.training.ema_decay import ema_decay
from inceptionctl.training.losses import CrossEntropy
from inceptionctl.training.optimizers import parameter_groups
from inceptionctl.training.step import DTYPES, Step

DROPOUT = 2  # stream of `order.generator`, beside those of order and pictures
ALONE = DistributedContext()


def make_step(made: Plan, device: torch.device, fresh: bool = True, ranks: DistributedContext = ALONE) -> Step:
    """What trains `made` on this rank, with first weights from its seed and, if `fresh`, from the weights that it
    starts from."""
    settings = made.config.train
    layout = made.layout(ranks.size)
    memory_format = torch.channels_last if settings.channels_last else torch.contiguous_format
    model = make_model(made, fresh).to(device=device, memory_format=memory_format)  # type: ignore[call-overload]
    kind, clock = settings.ema, made.clock
    decay = ema_decay(kind.unit, kind.decay, clock.steps, clock.steps_per_epoch)
    average = averaged(model, decay, warmup=kind.warmup, buffers=kind.buffers)
    if not layout.plain:
        convert_batch_norm(model, layout.group // layout.span, layout.span)
    loss = made.config.loss
    return Step(
        model=model,
        loss=CrossEntropy(loss.label_smoothing, loss.aux_weight, loss.smooth_aux),
        optimizer=made.config.optim.build(parameter_groups(model, settings.weight_decay)),
        average=average,
        clip=settings.grad_clip or math.inf,
        device=device,
        memory_format=memory_format,
        forward=as_called(model, ranks, device, settings.compile, settings.deterministic),
        ranks=ranks,
        dtype=DTYPES[settings.precision],
        normalise=NORMALISATIONS[made.config.arch.input],
    )


def make_model(made: Plan, fresh: bool) -> nn.Module:
    arch = made.config.arch
    torch.manual_seed(made.config.seed)
    model = build(made.spec, (arch.pixels, arch.pixels), bn_momentum=arch.bn_momentum, bn_eps=arch.bn_eps)
    released = arch.init == "release"
    initialise(model, made.spec, architecture(arch.name).init if released else arch.init, stated=released)
    if made.config.weights and fresh:
        _start_from(made.config.weights, made.config.weights_sha256, arch.name, model)
    return model


def as_called(
    model: nn.Module, ranks: DistributedContext, device: torch.device, compiled: bool, deterministic: bool
) -> nn.Module:
    """The model in what training puts around it."""
    forward = cast(nn.Module, torch.compile(model)) if compiled else model
    if ranks.alone:
        return forward
    # `dist.batch_norm` sees to the statistics. Torch calls the option by another name from 2.15 on.
    options = signature(DistributedDataParallel).parameters
    ours: dict[str, Any] = {"forward_sync_buffers" if "forward_sync_buffers" in options else "broadcast_buffers": False}
    return DistributedDataParallel(
        forward,
        device_ids=[device] if device.type == "cuda" else None,
        gradient_as_bucket_view=True,
        **ours,
        # DDP arranges its buckets anew after the first step unless it has to look for unused parameters; a resumed run
        # would then add gradients up in another order than one that was not interrupted.
        find_unused_parameters=deterministic,
    )


def seed_dropout(seed: int, step: int, rank: int) -> None:
    """Every rank but the first draws from a stream of its own; the first goes on where the weights' draws ended."""
    torch.manual_seed(int(generator(seed, step, rank, DROPOUT).integers(2**63)))


def _start_from(weights: str, sha256: str | None, arch: str, model: nn.Module) -> None:
    """Fills `model` from a release in the cache or from a file with this digest."""
    entry = release(arch, weights)
    path = entry.cached if entry else Path(weights)
    if path is None or not path.is_file():
        raise RequestError(f"weights = {weights}: the file is not there (any more): {path or cache_folder()}")
    if sha256 and (found := digest(path)) != sha256:
        raise RequestError(f"{path} is another file than this run was to start from: sha256 {found}, not {sha256}")
    warn(f"starting from {entry.name if entry else path}")
    load_weights(model, arch, read_weights(path), warn)
    if entry and entry.note:
        warn(entry.note)
