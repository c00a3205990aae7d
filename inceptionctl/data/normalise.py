"""From bytes to the input range that a network was trained on, by the names of `arch.input`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from inceptionctl.data.inputs import CAFFE_MEAN, IMAGENET_DEVIATION, IMAGENET_MEAN

Normalise = Callable[[Tensor, torch.memory_format], Tensor]


def inception(images_NCHW: Tensor, memory_format: torch.memory_format) -> Tensor:
    """[-1, 1], the range of the family's releases."""
    return images_NCHW.to(torch.float32, memory_format=memory_format).div_(127.5).sub_(1.0)


def imagenet(images_NCHW: Tensor, memory_format: torch.memory_format) -> Tensor:
    """ImageNet's mean and deviation of each channel, folded with the 255 into two passes."""
    values_NCHW = images_NCHW.to(torch.float32, memory_format=memory_format)
    mean, deviation = (_by_channel(c, 255.0, values_NCHW.device) for c in (IMAGENET_MEAN, IMAGENET_DEVIATION))
    return values_NCHW.sub_(mean).div_(deviation)


def caffe(images_NCHW: Tensor, memory_format: torch.memory_format) -> Tensor:
    """Blue first, the mean subtracted, the range of bytes kept."""
    values_NCHW = images_NCHW.flip(1).to(torch.float32, memory_format=memory_format)
    return values_NCHW.sub_(_by_channel(CAFFE_MEAN, 1.0, values_NCHW.device))


NORMALISATIONS: dict[str, Normalise] = {"inception": inception, "imagenet": imagenet, "caffe": caffe}


@cache  # copied to a GPU once: each copy makes the host wait
def _by_channel(values: tuple[float, ...], scale: float, device: torch.device) -> Tensor:
    return (torch.tensor(values, dtype=torch.float64) * scale).to(torch.float32).view(1, -1, 1, 1).to(device)
