"""Puts a Trainer together from a run folder: network, loss, optimizer and average, data, and the last checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from inceptionctl.config.schema import Config
from inceptionctl.data.images import DataSplits, Views
from inceptionctl.data.loader import Loader
from inceptionctl.data.normalise import NORMALISATIONS
from inceptionctl.errors import RequestError, warn
from inceptionctl.models.torch.build import build
from inceptionctl.models.torch.init import initialise
from inceptionctl.models.weights.download import digest
from inceptionctl.models.weights.load import load_opened, shapes_of
from inceptionctl.models.weights.open import open_weights
from inceptionctl.models.weights.releases import release
from inceptionctl.models.zoo.registry import architecture
from inceptionctl.planning.plan import Plan, frozen_plan
from inceptionctl.planning.weights import notes_on
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.environment import describe
from inceptionctl.runs.heartbeat import Heartbeat
from inceptionctl.runs.index_file import read_index
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.training import checkpoint, checkpoint_folder, determinism
from inceptionctl.training.device import ToDevice, device_name, select_device
from inceptionctl.training.distributed.batch_norm import convert_batch_norm
from inceptionctl.training.distributed.context import DistributedContext, init_process_group
from inceptionctl.training.ema import make_ema
from inceptionctl.training.ema_decay import ema_decay
from inceptionctl.training.losses import CrossEntropy
from inceptionctl.training.meters import StepMeter
from inceptionctl.training.optimizers import parameter_groups
from inceptionctl.training.state import Topology, seed_dropout
from inceptionctl.training.step import DTYPES, TrainStep
from inceptionctl.worker.checkpoints import Checkpoints
from inceptionctl.worker.evaluator import Evaluator
from inceptionctl.worker.logger import RunLogger
from inceptionctl.worker.trainer import Trainer

SINGLE = DistributedContext()


def assemble(run: RunDir, monotonic: Callable[[], float] = time.monotonic) -> Trainer:
    """Restores the last checkpoint of `run`, if it has one. Nothing is planned or listed again: settings and index are
    those that the run folder holds. `monotonic`: the clock of all durations."""
    config = read_config(run)
    plan, launch = frozen_plan(config, read_index(run, config.resolved.data_fingerprint)), config.launch
    device = select_device(launch.device, DistributedContext.from_env().local_rank)
    if config.train.deterministic:
        determinism.enable()
    context = init_process_group(device, launch.hang_timeout)
    torch.set_num_threads(launch.threads or torch.get_num_threads())
    if context.is_main:
        checkpoint_folder.remove_unfinished(run.checkpoints)
    latest = checkpoint.read_latest(run.checkpoints, warn if context.is_main else _ignore)
    step = make_step(plan, device, fresh=latest is None, context=context)
    trainer = _trainer(run, plan, step, RunLogger(plan.clock, monotonic))
    if latest:
        trainer.checkpoints.restore(latest)
    elif not context.is_main:
        seed_dropout(config.seed, 0, context.rank)
    if context.is_main:
        write_record(run.env, describe(device_name(device), torch.get_num_threads(), context.world_size))
        trainer.logger.open(run, config)
    return trainer


def _trainer(run: RunDir, plan: Plan, step: TrainStep, logger: RunLogger) -> Trainer:
    config, context, device = plan.config, step.context, step.device.type
    images, heartbeat = open_images(plan), Heartbeat(run.heartbeat)
    partition = plan.partition(context.world_size)
    meter = StepMeter(context, loss_scaled=step.scaler.is_enabled())
    loader = Loader(
        config.data.workers,
        device == "cuda",
        context.rank,
        context.world_size,
        timeout=config.launch.hang_timeout / 2,
    )
    return Trainer(
        run=run,
        plan=plan,
        partition=partition,
        images=images,
        loader=loader,
        step=step,
        meter=meter,
        logger=logger,
        heartbeat=heartbeat,
        evaluator=Evaluator(step, images, len(plan.data.classes), config.protocol, loader, logger, heartbeat),
        checkpoints=Checkpoints(
            folder=run.checkpoints,
            identity=plan.identity,
            seed=config.seed,
            keep=config.train.keep_checkpoints,
            topology=Topology(context.world_size, partition.accumulation_steps, torch.get_num_threads(), device),
            clock=plan.clock,
            step=step,
            meter=meter,
            logger=logger,
            heartbeat=heartbeat,
        ),
    )


def open_images(plan: Plan) -> DataSplits:
    config, pixels = plan.config, plan.config.arch.pixels
    protocol, augmentation = config.protocol, config.augment
    if config.data.decodes_on_device:
        train = augmentation.encoded(pixels)
    else:
        train = augmentation.crop(pixels) if config.data.augments_on_device else augmentation.transform(pixels)
    views = Views(pixels, train, protocol.transform(pixels), protocol.monitor_transform(pixels))
    return config.data.open(plan.data, views, config.seed)


def make_step(plan: Plan, device: torch.device, fresh: bool = True, context: DistributedContext = SINGLE) -> TrainStep:
    """The training step of this rank, with initial weights by the seed or, if `fresh`, those that the run starts
    from."""
    config, train, clock = plan.config, plan.config.train, plan.clock
    partition = plan.partition(context.world_size)
    memory_format = torch.channels_last if train.channels_last else torch.contiguous_format
    model = make_model(plan, fresh).to(device=device, memory_format=memory_format)  # type: ignore[call-overload]
    decay = ema_decay(train.ema.unit, train.ema.decay, clock.steps, clock.steps_per_epoch)
    ema = make_ema(model, decay, warmup=train.ema.warmup, buffers=train.ema.buffers)
    if partition.needs_ghost_batch_norm:
        convert_batch_norm(model, partition)
    return TrainStep(
        model=model,
        loss=CrossEntropy(config.loss.label_smoothing, config.loss.aux_weight, config.loss.smooth_aux),
        optimizer=config.optim.build(parameter_groups(model, train.weight_decay)),
        ema=ema,
        grad_clip=train.grad_clip or math.inf,
        to_device=ToDevice(device, memory_format, NORMALISATIONS[config.arch.input]),
        forward=wrap(model, context, device, train.compile, train.deterministic),
        context=context,
        dtype=DTYPES[train.precision],
    )


def make_model(plan: Plan, fresh: bool) -> nn.Module:
    config, arch = plan.config, plan.config.arch
    torch.manual_seed(config.seed)
    model = build(plan.spec, (arch.pixels, arch.pixels), bn_momentum=arch.bn_momentum, bn_eps=arch.bn_eps)
    released = arch.init == "release"
    initialise(model, plan.spec, architecture(arch.name).init if released else arch.init, stated=released)
    if config.weights and fresh:
        _load_initial_weights(model, config)
    return model


def wrap(
    model: nn.Module, context: DistributedContext, device: torch.device, compiled: bool, deterministic: bool
) -> nn.Module:
    """The model as training calls it: compiled, and in DDP if there are several ranks."""
    forward = cast(nn.Module, torch.compile(model)) if compiled else model
    if not context.is_distributed:
        return forward
    # Batch norm synchronises its own statistics. The option's name changes in torch 2.15.
    names = signature(DistributedDataParallel).parameters
    no_sync: dict[str, Any] = {
        "forward_sync_buffers" if "forward_sync_buffers" in names else "broadcast_buffers": False
    }
    return DistributedDataParallel(
        forward,
        device_ids=[device] if device.type == "cuda" else None,
        gradient_as_bucket_view=True,
        **no_sync,
        # DDP rebuilds its buckets after the first step unless it has to look for unused parameters; a resumed run would
        # then sum gradients in another order than one that was not interrupted.
        find_unused_parameters=deterministic,
    )


def _load_initial_weights(model: nn.Module, config: Config) -> None:
    """From a release in the cache, or from a file, which has to have the digest that was planned. Planning has said
    what is taken from it; here it goes to the log alone."""
    name, sha256 = config.weights or "", config.resolved.weights_sha256
    entry = release(config.arch.name, name)
    path = entry.cached if entry else Path(name)
    if path is None or not path.is_file():
        raise RequestError(f"weights = {name}: the file does not exist: {path or (entry and entry.url)}")
    if sha256 and (found := digest(path)) != sha256:
        raise RequestError(f"{path} has changed since the run was planned: its SHA-256 is {found}, not {sha256}")
    weights = open_weights(path, config.arch.name, shapes_of(model), config.resolved.weights_key)
    load_opened(model, weights)
    for line in (*notes_on(config, weights), *weights.fit.head_notes):
        print(f"weights: {line}", flush=True)


def _ignore(_: str) -> None:
    """Rank 0 reports for all ranks."""
