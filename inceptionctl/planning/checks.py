"""What cannot run, and what looks wrong, found before anything is built."""

from __future__ import annotations

from inceptionctl.config.schema import Config
from inceptionctl.errors import RequestError
from inceptionctl.models.spec.cost import Cost, Layer, cost
from inceptionctl.models.spec.nodes import Conv, Pool, Sep, Seq
from inceptionctl.models.spec.shapes import FeatureMap, ShapeError
from inceptionctl.models.zoo.registry import architecture
from inceptionctl.training.clock import Clock
from inceptionctl.training.ema_decay import averaging_window, ema_decay, exceeds_run

FEW_VALUES = 64  # below this, batch statistics are mostly noise
MAX_LEFT_OVER = 0.05  # share of the training images that an epoch may leave out without a warning


def cost_on_input(config: Config, spec: Seq) -> Cost:
    """The cost of `spec` on the input of `config`. Raises RequestError if a feature map vanishes, or if the network
    fits no input."""
    pixels = config.arch.pixels
    try:
        return cost(spec, (pixels, pixels))
    except ShapeError as error:
        # Layers that do not fit each other on the network's own input either: the error is theirs, and not the input's.
        entry = architecture(config.arch.name)
        cost(entry.spec(1000), (entry.pixels, entry.pixels))
        fewer_pools = " or arch.rewrites.stem_pools=1" if config.arch.rewrites.stem_pools != 0 else ""
        raise RequestError(
            f"arch.pixels = {pixels} is too small for {config.arch.name}: {error}\n  use a larger input{fewer_pools}"
        ) from error


def check_classifier(config: Config, out: FeatureMap, n_classes: int) -> None:
    """Raises RequestError for a network that does not end in a number for each class."""
    if (out.h, out.w, out.c) != (1, 1, n_classes):
        raise RequestError(
            f"arch = {config.arch.name} ends in a map of {out}, and there are {n_classes} classes\n"
            "  end the network with Linear(classes)"
        )


def check_heads(config: Config) -> None:
    """Raises RequestError for auxiliary heads without a stage to stand behind."""
    if config.arch.aux.head and not config.arch.aux.at:
        raise RequestError(
            f"arch.aux.head = true: {config.arch.name} has no auxiliary heads of its own\n"
            "  give the stages behind which they stand (arch.aux.at=[STAGE]) or leave arch.aux.head out"
        )


def check_protocol(config: Config) -> None:
    """Raises RequestError for a protocol that the network cannot be evaluated by at the end of its training."""
    config.protocol.check(config.arch.pixels, config.arch.name)
    if not config.protocol.uniform:
        raise RequestError(
            f"protocol={config.protocol.name} is for inceptionctl eval: its images have no size in common\n"
            f"  train with another, such as protocol=single, then: inceptionctl eval run=RUN "
            f"protocol={config.protocol.name}"
        )


def check_trains(config: Config) -> None:
    """Raises RequestError for data that has no training images."""
    if not config.data.trains:
        raise RequestError(
            f"data={config.data.name} has no images to train on: it is for inceptionctl eval\n"
            "  train on your own images with data=imagefolder data.root=DIR"
        )


def check_ema(config: Config, clock: Clock) -> None:
    """Raises RequestError for an average over more steps than the run has: it keeps the initial weights."""
    ema = config.train.ema
    decay = ema_decay(ema.unit, ema.decay, clock.steps, clock.steps_per_epoch)
    if exceeds_run(decay, clock.steps):
        raise RequestError(
            f"train.ema.decay = {ema.decay:g} ({ema.unit}) averages over {averaging_window(decay):,.0f} steps, and the "
            f"run has {clock.steps:,}\n"
            "  lower it, or give the share of the run: train.ema.unit=fraction with train.ema.decay up to 1"
        )


def check_monitor(config: Config, clock: Clock) -> None:
    """Raises RequestError for looks at the monitored images that are less than a step apart."""
    epochs = config.train.monitor_epochs
    if not clock.steps_in(epochs):
        raise RequestError(
            f"train.monitor_epochs = {epochs:g} is less than a step: an epoch has {clock.steps_per_epoch:,}\n"
            f"  give at least {1 / clock.steps_per_epoch:.2g}"
        )


def check_batch_norm(config: Config, total: Cost) -> None:
    """Raises RequestError for a layer whose batch norm sees a single value, which has no variance."""
    key, images = "train.bn_batch_size", config.train.bn_batch_size
    if images is None:
        key, images = "train.batch_size", config.train.batch_size
    for layer in _normalised(total):
        if images * layer.after.h * layer.after.w == 1:
            raise RequestError(
                f"{key} = {images} is too small for {layer.path}: its batch norm would see one value a channel, on a "
                f"{layer.after.h}x{layer.after.w} map\n  give at least 2 images"
            )


def left_over(num_images: int, batch_size: int, unit: int = 1) -> list[str]:
    """The warning, if there is one, about the images of an epoch that do not fill a batch; it names the largest smaller
    batch, a multiple of `unit`, that leaves few."""
    rest = num_images % batch_size
    if rest <= MAX_LEFT_OVER * num_images:
        return []
    smaller = range(batch_size - unit, 0, -unit)
    better = next((size for size in smaller if num_images % size <= MAX_LEFT_OVER * num_images), None)
    advice = f"; train.batch_size={better} leaves out {num_images % better:,}" if better else ""
    return [
        f"train.batch_size = {batch_size:,}: each epoch leaves out {rest:,} of the {num_images:,} training images "
        f"({rest / num_images:.0%}, others each time), which do not fill a batch{advice}"
    ]


def small_layers(total: Cost, bn_batch_size: int) -> list[str]:
    """Layers that this input, or this batch, is too small for."""
    return [*_small_maps(total), *_small_batches(total, bn_batch_size)]


def _small_maps(total: Cost) -> list[str]:
    return [
        f"{layer.path}: a {layer.kernel[0]}x{layer.kernel[1]} kernel on a {layer.before} map sees mostly padding"
        for layer in total.layers
        if isinstance(layer.node, Conv | Sep | Pool)
        and (layer.kernel[0] > layer.before.h or layer.kernel[1] > layer.before.w)
    ]


def _small_batches(total: Cost, batch: int) -> list[str]:
    return [
        f"{layer.path}: batch norm over {batch} x {layer.after.h}x{layer.after.w} values, fewer than {FEW_VALUES}"
        for layer in _normalised(total)
        if batch * layer.after.h * layer.after.w < FEW_VALUES
    ]


def _normalised(total: Cost) -> list[Layer]:
    """The layers with batch norm."""
    return [layer for layer in total.layers if isinstance(layer.node, Conv | Sep) and layer.node.norm]
