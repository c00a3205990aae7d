"""Resizes training images: bilinear by torch's SIMD kernel, which gives Pillow's values to within 2 of 255 in a third
of the time; otherwise by Pillow itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from PIL import __version__ as pillow_version
from torch.nn.functional import interpolate

from inceptionctl.data.lazy_image import Window

BY_PILLOW = {
    "area": Image.Resampling.BOX,
    "nearest": Image.Resampling.NEAREST,
    "bicubic": Image.Resampling.BICUBIC,  # torch's differs by up to 18 of 255 in photographs
}


def resizer(methods: Sequence[str]) -> str:
    """What resizes training images by these methods, with its version, for a run's result: values depend on it, and
    those of torch on the instructions that the processor has. Without methods it is Pillow, as in evaluation."""
    by_torch = [method for method in methods if method not in BY_PILLOW]
    by_pillow = [method for method in methods if method in BY_PILLOW] if methods else ["bilinear"]
    kernel = f"uint8, antialiased, {torch.backends.cpu.get_cpu_capability()}"
    parts = [f"torch {torch.__version__} ({', '.join(by_torch)}; {kernel})"] if by_torch else []
    return ", ".join([*parts, *([f"pillow {pillow_version} ({', '.join(by_pillow)})"] if by_pillow else [])])


def resize(pixels: np.ndarray, side: int, interpolation: str, mirrored: bool = False) -> np.ndarray:
    """uint8, (height, width, 3), to (side, side, 3), `mirrored` left to right. Filters widen where they shrink an
    image, as Pillow's do."""
    image_HWC = torch.from_numpy(pixels)
    if mirrored:
        image_HWC = image_HWC.flip(1)  # a copy; to collate numpy's reversed view takes four times as long
    if interpolation in BY_PILLOW:
        return np.asarray(Image.fromarray(image_HWC.numpy()).resize((side, side), BY_PILLOW[interpolation]))
    image_NCHW = image_HWC[None].permute(0, 3, 1, 2)  # [None] comes first: with strides of another order torch would
    # give its result plane by plane, which takes 0.3 ms to copy into a batch of interleaved images
    resized_NCHW = interpolate(image_NCHW, size=(side, side), mode=interpolation, antialias=True)
    resized: np.ndarray = resized_NCHW[0].permute(1, 2, 0).numpy()
    return resized


def resize_window(pixels: np.ndarray, window: Window, side: int) -> np.ndarray:
    """`window` of uint8 (height, width, 3) to (side, side, 3), bilinear, by Pillow: the filter sees what lies
    around."""
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR, box=window))
