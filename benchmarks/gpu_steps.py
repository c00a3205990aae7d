"""One step of training or inference of our networks and of timm's: the same recipe around both."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from gpu_common import Bench, Work
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.loader import Batch
from inceptionctl.planning.plan import plan
from inceptionctl.training.step import TrainStep
from inceptionctl.worker.assemble import make_step

# Ours, and timm's twin of it; none has auxiliary heads here, for timm's have none in three of four.
NETWORKS = {
    "inception_v3": "inception_v3",
    "inception_v4": "inception_v4",
    "inception_resnet_v2": "inception_resnet_v2",
    "xception": "legacy_xception",
}
CLASSES = 10  # of the data set that stands in; the classifier is a hundredth of a step
KINDS = 3  # batches in turn, so that none stays in the cache


def our_step(name: str, bench: Bench, batch: int, pixels: int, *words: str) -> TrainStep:
    """What `train` runs at each step: forward, loss, backward, clipping, optimizer, average."""
    words = (
        "scale=imagenet", "data=digits", "augment=none", f"arch={name}", "arch.aux.head=false", "loss.aux_weight=0",
        f"arch.pixels={pixels}", f"train.batch_size={batch}", "train.bn_batch_size=null", "train.monitor=100",
        "train.precision=bfloat16", *words,
    )  # fmt: skip
    step = make_step(plan(parse(compose("train", list(words)))), bench.device)
    step.model.train()
    return step


def timm_model(name: str, bench: Bench) -> nn.Module:
    import timm

    model: nn.Module = timm.create_model(NETWORKS[name], num_classes=CLASSES)
    return model.to(device=bench.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload, no-any-return]


def batches(bench: Bench, batch: int, pixels: int) -> list[Batch]:
    """Images as bytes on the device already, in the layout that the loader makes."""
    found = []
    for _ in range(KINDS):
        images = torch.randint(0, 256, (batch, pixels, pixels, 3), dtype=torch.uint8, device=bench.device)
        found.append(Batch(images.permute(0, 3, 1, 2), torch.randint(CLASSES, (batch,), device=bench.device)))
    return found


def whole_step(step: TrainStep, data: list[Batch]) -> Work:
    turn = itertools.cycle(data)
    return lambda: step([next(turn)], 0.01)


def bare_step(forward: Callable[[Tensor], Any], model: nn.Module, data: list[Batch]) -> Work:
    """Forward, loss, backward and SGD alone, as one would write it by hand."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=4e-5)
    turn = itertools.cycle(data)

    def step() -> None:
        batch = next(turn)
        images, device = floats(batch.images_NCHW), batch.labels_N.device.type
        with torch.autocast(device, torch.bfloat16):
            output = forward(images)
            loss = cross_entropy(getattr(output, "logits", output), batch.labels_N)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def timm_step(forward: Callable[[Tensor], Any], model: nn.Module, data: list[Batch]) -> Work:
    """As timm's own script does it: clipping and its average of the weights beside the bare step."""
    from timm.utils import ModelEmaV3

    average = ModelEmaV3(model, decay=0.9999, foreach=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=4e-5)
    turn = itertools.cycle(data)

    def step() -> None:
        batch = next(turn)
        with torch.autocast(batch.labels_N.device.type, torch.bfloat16):
            loss = cross_entropy(forward(floats(batch.images_NCHW)), batch.labels_N)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        average.update(model)

    return step


def inference(forward: Callable[[Tensor], Any], data: list[Batch]) -> Work:
    turn = itertools.cycle(data)

    def step() -> None:
        images = next(turn).images_NCHW
        with torch.no_grad(), torch.autocast(images.device.type, torch.bfloat16):
            forward(floats(images))

    return step


def floats(images: Tensor) -> Tensor:
    return images.to(torch.float32, memory_format=torch.channels_last).div_(127.5).sub_(1.0)
