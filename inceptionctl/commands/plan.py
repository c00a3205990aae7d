"""What a configuration amounts to, worked out without torch: network, data, steps, cost, and what looks wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cache

from inceptionctl.config import identity
from inceptionctl.data.datasets import DataSet, digits, imagefolder
from inceptionctl.engine.clock import Clock
from inceptionctl.errors import RequestError
from inceptionctl.models.cost import Cost, ShapeError, cost
from inceptionctl.models.registry import architecture, network
from inceptionctl.models.spec import Conv, Pool, Sep, Seq
from inceptionctl.optim.schedules import Constant, Exponential, Schedule
from inceptionctl.schema import Config

FEW_VALUES = 64  # below this, batch statistics are mostly noise


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`config` with the data's fingerprint filled in; `spec` and `cost` of the network run; `full` the cost of the same
    variant at its paper's size: full width, all blocks, native input, 1000 classes."""

    config: Config
    identity: str
    spec: Seq
    cost: Cost
    full: Cost
    data: DataSet
    clock: Clock
    schedule: Schedule

    def with_seed(self, seed: int) -> Plan:
        """The same plan under another seed."""
        config = replace(self.config, seed=seed)
        return replace(self, config=config, identity=identity(config))

    @property
    def warnings(self) -> list[str]:
        """Layers that this input starves."""
        return [*_small_grids(self.cost), *_small_batches(self.cost, self.config.train.batch)]


def plan(config: Config) -> Plan:
    """Raises RequestError for what cannot run: no such data, a network that does not survive its input."""
    data = dataset(config)
    config = replace(config, data=replace(config.data, fingerprint=data.fingerprint))
    spec = variant(config, len(data.classes))
    clock = Clock.over(data.train, config.train.batch, config.train.epochs)
    return Plan(
        config=config,
        identity=identity(config),
        spec=spec,
        cost=_survived(config, spec),
        full=full_size(config),
        data=data,
        clock=clock,
        schedule=schedule(config, clock),
    )


def variant(config: Config, classes: int) -> Seq:
    """The network that `config` describes."""
    arch = config.arch
    return network(
        arch.name,
        classes,
        head=arch.aux.head,
        at=arch.aux.at,
        norm=arch.aux.norm,
        drop=arch.dropout,
        factor=arch.width,
        rewrites=asdict(arch.rewrites),
    )


def full_size(config: Config) -> Cost:
    """The cost of this variant as the paper runs it: what a scale shrinks is put back, the side head left out."""
    pixels = architecture(config.arch.name).pixels
    rewrites = asdict(config.arch.rewrites) | {"low_resolution": None, "stem_pools": None, "blocks": None}
    return cost(network(config.arch.name, head=False, rewrites=rewrites), (pixels, pixels))


def dataset(config: Config) -> DataSet:
    data, pixels = config.data, config.arch.pixels
    if data.name == "digits":
        jitter = asdict(data.jitter) if data.jitter else None
        return digits(pixels, jitter, data.renderings, data.holdout)
    where = (data.root, data.train, data.val, data.split)
    return _found_once(pixels, *where, data.holdout, config.augment.name, config.protocol.crop)


# The rows of a table share their pictures, and listing a million files takes a while.
_found_once = cache(imagefolder)


def schedule(config: Config, clock: Clock) -> Schedule:
    settings = config.schedule
    warmup = round(settings.warmup * clock.steps_per_epoch)
    if settings.name == "constant":
        return Constant(settings.rate, warmup)
    assert settings.factor is not None, "config.parse requires it"
    assert settings.every is not None, "config.parse requires it"
    return Exponential(
        settings.rate, settings.factor, settings.every * clock.steps_per_epoch, warmup, settings.staircase
    )


def _survived(config: Config, spec: Seq) -> Cost:
    pixels = config.arch.pixels
    try:
        return cost(spec, (pixels, pixels))
    except ShapeError as error:
        fewer = config.arch.rewrites.stem_pools != 0
        raise RequestError(
            f"arch.pixels = {pixels} does not survive the strides of {config.arch.name}: {error}\n"
            f"  use a larger input{' or arch.rewrites.stem_pools=1' if fewer else ''}"
        ) from error


def _small_grids(total: Cost) -> list[str]:
    """Kernels that mostly see padding."""
    return [
        f"{layer.path}: a {layer.kernel[0]}x{layer.kernel[1]} kernel on a {layer.before} map sees mostly padding"
        for layer in total.layers
        if isinstance(layer.node, Conv | Sep | Pool)
        and (layer.kernel[0] > layer.before.h or layer.kernel[1] > layer.before.w)
    ]


def _small_batches(total: Cost, batch: int) -> list[str]:
    return [
        f"{layer.path}: batch norm over {batch} x {layer.after.h}x{layer.after.w} values, fewer than {FEW_VALUES}"
        for layer in total.layers
        if isinstance(layer.node, Conv | Sep) and layer.node.norm and batch * layer.after.h * layer.after.w < FEW_VALUES
    ]
