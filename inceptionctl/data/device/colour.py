"""Photometric distortions of a batch on the device, each image by its own amount: those of `data.colour`, in torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from inceptionctl.data.colour import Distortions


def distorted(images_NCHW: Tensor, distortions: Sequence[Distortions]) -> Tensor:
    """Of float32 values from 0 to 255, the whole ones that each of `distortions` gives. Images whose distortions
    have the same names in the same order follow each other."""
    images_NCHW, begin = images_NCHW / 255, 0
    for names, group in groupby(distortions, key=names_of):
        amounts = [[amount for _, amount in one] for one in group]
        part_NCHW = images_NCHW[begin : begin + len(amounts)]
        amounts_ND111 = np.array(amounts, dtype=np.float32).reshape(len(amounts), len(names), 1, 1, 1)
        amounts_DN111 = torch.from_numpy(amounts_ND111).to(part_NCHW.device, non_blocking=True).unbind(1)
        for name, amount_N111 in zip(names, amounts_DN111, strict=True):
            part_NCHW = BY_NAME[name](part_NCHW, amount_N111)
        images_NCHW[begin : begin + len(amounts)] = part_NCHW
        begin += len(amounts)
    return images_NCHW.clamp_(0, 1).mul_(255).round_()


def names_of(distortions: Distortions) -> tuple[str, ...]:
    return tuple(name for name, _ in distortions)


def brightened(images_NCHW: Tensor, delta_N111: Tensor) -> Tensor:
    return images_NCHW + delta_N111


def saturated(images_NCHW: Tensor, factor_N111: Tensor) -> Tensor:
    value_N1HW, chroma_N1HW = _value_and_chroma(images_NCHW)
    stretch_N1HW = torch.minimum(factor_N111 * chroma_N1HW, value_N1HW.clamp(min=0)) / _divisor(chroma_N1HW)
    return value_N1HW - (value_N1HW - images_NCHW) * stretch_N1HW


def hue_shifted(images_NCHW: Tensor, turn_N111: Tensor) -> Tensor:
    value_N1HW, chroma_N1HW = _value_and_chroma(images_NCHW)
    hue_N1HW = (_hue(images_NCHW, value_N1HW, chroma_N1HW) + 6 * turn_N111) % 6
    corner_131 = torch.arange(0, 6, 2, device=images_NCHW.device).view(1, 3, 1, 1)
    return value_N1HW - chroma_N1HW * (2 - ((hue_N1HW - corner_131).abs() - 3).abs()).clamp_(0, 1)


def contrasted(images_NCHW: Tensor, factor_N111: Tensor) -> Tensor:
    """The mean is one of float64, so that it does not depend on the images beside."""
    mean_NC11 = images_NCHW.mean((2, 3), keepdim=True, dtype=torch.float64).to(images_NCHW.dtype)
    return (images_NCHW - mean_NC11) * factor_N111 + mean_NC11


BY_NAME: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "brightness": brightened,
    "saturation": saturated,
    "hue": hue_shifted,
    "contrast": contrasted,
}


def _value_and_chroma(images_NCHW: Tensor) -> tuple[Tensor, Tensor]:
    value_N1HW = images_NCHW.amax(1, keepdim=True)
    return value_N1HW, value_N1HW - images_NCHW.amin(1, keepdim=True)


def _divisor(chroma_N1HW: Tensor) -> Tensor:
    return torch.where(chroma_N1HW > 0, chroma_N1HW, 1.0)


def _hue(images_NCHW: Tensor, value_N1HW: Tensor, chroma_N1HW: Tensor) -> Tensor:
    """In sixths of the circle, from red; 0 for grey."""
    (red, green, blue), divisor = torch.split(images_NCHW, 1, dim=1), _divisor(chroma_N1HW)
    rest = torch.where(value_N1HW == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor)
    return torch.where(value_N1HW == red, (green - blue) / divisor, torch.where(chroma_N1HW > 0, rest, 0.0))
