"""What a configuration amounts to, worked out without torch: network, data, steps, cost, and what looks wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
from pathlib import Path

from inceptionctl.config.identity import identity
from inceptionctl.config.schema import Config
from inceptionctl.data.index import Index
from inceptionctl.errors import RequestError
from inceptionctl.models.spec.cost import Cost, cost
from inceptionctl.models.spec.nodes import Conv, Pool, Sep, Seq
from inceptionctl.models.spec.shapes import ShapeError
from inceptionctl.models.weights.download import digest
from inceptionctl.models.weights.releases import LIBRARIES, SUFFIXES, check_other_settings, release
from inceptionctl.models.zoo.registry import architecture, network
from inceptionctl.training.clock import Clock
from inceptionctl.training.ema_decay import averaging_window, ema_decay, exceeds_run
from inceptionctl.training.partition import BatchPartition
from inceptionctl.training.schedules import Schedule

SIZELESS = {"low_resolution", "stem_pools", "count_padding", "residual_scale"}  # rewrites that keep every weight
FEW_VALUES = 64  # below this, batch statistics are mostly noise


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`config` with the digest of `data`; `spec` and `cost` of the network as run."""

    config: Config
    identity: str
    spec: Seq
    cost: Cost
    data: Index
    clock: Clock
    schedule: Schedule

    @cached_property
    def full(self) -> Cost:
        """The cost of the network at its paper's size: full width, all blocks, native input, 1000 classes."""
        return full_size(self.config)

    def with_seed(self, seed: int) -> Plan:
        """The same plan under another seed."""
        config = replace(self.config, seed=seed)
        return replace(self, config=config, identity=identity(config))

    def partition(self, world_size: int) -> BatchPartition:
        """How the batch is divided over `world_size` ranks. Raises RequestError if the division leaves a rest."""
        train, steps = self.config.train, self.config.launch.accumulation_steps
        has_batch_norm = any(isinstance(layer.node, Conv | Sep) and layer.node.norm for layer in self.cost.layers)
        return BatchPartition.of(train.batch_size, world_size, steps, train.bn_batch_size, has_batch_norm)

    @property
    def warnings(self) -> list[str]:
        """Layers that this input starves."""
        settings = self.config.train
        return [*_small_grids(self.cost), *_small_batches(self.cost, settings.bn_batch_size or settings.batch_size)]


def plan(config: Config) -> Plan:
    """Indexes the data and checks the settings. Raises RequestError for what cannot run: no such data, a network that
    does not survive its input."""
    data = config.data.index(config.train.keep_best)
    config = named_weights(replace(config, data_fingerprint=data.fingerprint))
    _check_heads(config)
    planned = frozen_plan(config, data)
    _check_unlike_release(config, planned.spec)
    _check_long_average(config, planned.clock)
    return planned


def frozen_plan(config: Config, data: Index) -> Plan:
    """The plan of a run from what its folder holds: reads no data, and trusts settings that `plan` has checked."""
    spec = config.arch.spec(len(data.classes))
    clock = Clock.over(data.n_train, config.train.batch_size, config.train.epochs)
    return Plan(
        config=config,
        identity=identity(config),
        spec=spec,
        cost=_survived(config, spec),
        data=data,
        clock=clock,
        schedule=config.schedule.schedule(config.train.batch_size, clock),
    )


def named_weights(config: Config) -> Config:
    """`config` with `weights` by their whole name: a release with its tag, or a file's path with its digest.

    Raises RequestError for weights that are not to be had, or were made for another input or epsilon.
    """
    weights, arch = config.weights, config.arch
    entry = release(arch.name, weights) if weights else None
    if config.weights_sha256 and (entry or not weights):
        raise RequestError(f"weights_sha256 belongs to a file of weights, and weights = {weights} names none")
    if entry:
        check_other_settings(entry, arch.input, arch.bn_eps)
        return replace(config, weights=entry.name)
    if not weights:
        return config
    path = Path(weights).expanduser().resolve()
    if config.weights_sha256:  # a run that has begun: its checkpoints outlive the file
        return replace(config, weights=str(path))
    if not path.is_file() or path.suffix not in SUFFIXES:
        raise RequestError(
            f"weights = {weights} is no file of weights ({', '.join(SUFFIXES)})\n"
            f"  releases: {', '.join(LIBRARIES)}, or one of these with a tag (timm:inception_v3.gluon_in1k)"
        )
    return replace(config, weights=str(path), weights_sha256=_digest(path, path.stat().st_mtime_ns))


def _check_unlike_release(config: Config, spec: Seq) -> None:
    """Released weights are for the whole network: what narrows, cuts or rewrites it leaves nowhere for them to go."""
    arch = config.arch
    entry = release(arch.name, config.weights) if config.weights else None
    pixels = architecture(arch.name).pixels
    if not entry or _sizes(cost(network(arch.name), (pixels, pixels))) == _sizes(_survived(config, spec)):
        return
    asked = {f"arch.rewrites.{key}": value for key, value in asdict(arch.rewrites).items() if key not in SIZELESS}
    width = {} if arch.width == 1 else {"arch.width": arch.width}
    changed = width | {key: value for key, value in asked.items() if value not in (None, False)}
    back = {key: "1" if key == "arch.width" else "false" if value is True else "null" for key, value in changed.items()}
    raise RequestError(
        f"weights = {entry.name} are for the whole {arch.name}, not for one with "
        f"{', '.join(f'{key} = {value}' for key, value in changed.items())}\n"
        f"  add {' '.join(f'{key}={value}' for key, value in back.items())}"
    )


def _sizes(total: Cost) -> dict[str, int]:
    """Parameters of every layer but the auxiliary heads and the classifier, which a fresh one may replace."""
    layers = {layer.path: layer.params for layer in total.layers if layer.params}
    return {path: n for path, n in layers.items() if path != "logits" and not path.startswith("aux")}


@cache  # the rows of a table may start from one file
def _digest(path: Path, _changed: int) -> str:
    return digest(path)


def full_size(config: Config) -> Cost:
    """The cost of this variant as the paper runs it: what a scale shrinks is put back, the auxiliary head left out."""
    pixels = architecture(config.arch.name).pixels
    rewrites = asdict(config.arch.rewrites) | {"low_resolution": None, "stem_pools": None, "blocks": None}
    return cost(network(config.arch.name, head=False, rewrites=rewrites), (pixels, pixels))


def _check_heads(config: Config) -> None:
    """Raises RequestError where auxiliary heads are asked for and no stage is named."""
    if config.arch.aux.head and not config.arch.aux.at:
        raise RequestError(
            f"arch.aux.head = true: {config.arch.name} has no auxiliary heads of its own\n"
            "  say behind which stages they stand (arch.aux.at=[STAGE]) or leave arch.aux.head out"
        )


def _check_long_average(config: Config, clock: Clock) -> None:
    """An average that remembers more steps than there are holds on to what came before the run had learned."""
    ema = config.train.ema
    decay = ema_decay(ema.unit, ema.decay, clock.steps, clock.steps_per_epoch)
    if exceeds_run(decay, clock.steps):
        raise RequestError(
            f"train.ema.decay = {ema.decay:g} ({ema.unit}) makes an average that remembers "
            f"{averaging_window(decay):,.0f} steps, and the run has {clock.steps:,}\n"
            "  lower it, or say which share of the run to remember: "
            "train.ema.unit=fraction with train.ema.decay up to 1"
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
