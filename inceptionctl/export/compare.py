"""Compares an exported network with the trained one on real images, on the CPU in float32."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inceptionctl.data.normalise import NORMALISATIONS
from inceptionctl.errors import InceptionctlError
from inceptionctl.export.format import Logits
from inceptionctl.export.trained import Trained

TOLERANCE = 1e-4  # of the largest logit: float32 sums in another order differ by about 1e-6 of it
BATCH_SIZES = (16, 7)  # in turn: a file for one batch size alone would fail


@dataclass(frozen=True)
class Comparison:
    """`largest`: absolute value of a logit of the trained network; `difference`: the largest between the two networks;
    `disagreements`: images with another likeliest class."""

    n_images: int
    largest: float
    difference: float
    disagreements: int

    @property
    def tolerance(self) -> float:
        return TOLERANCE * max(1.0, self.largest)

    def check(self) -> None:
        """Raises InceptionctlError for networks that differ. NaN is a difference."""
        if not self.difference <= self.tolerance or self.disagreements:
            raise InceptionctlError(
                f"the exported network is not the trained one: on {self.n_images} images logits differ by up to "
                f"{self.difference:.2g} (allowed: {self.tolerance:.2g}), and the likeliest class of "
                f"{self.disagreements}\n  nothing was written"
            )


@torch.no_grad()
def compare(trained: Trained, exported: Logits, images_NCHW: Tensor) -> Comparison:
    """`images_NCHW`: uint8, of the network's input size."""
    normalise, ours, theirs = NORMALISATIONS[trained.arch.input], list[Tensor](), list[Tensor]()
    for part in batches(images_NCHW):
        inputs = normalise(part, torch.contiguous_format)
        ours.append(trained.model(inputs).logits)
        theirs.append(exported(inputs.clone()))
    a_NK, b_NK = torch.cat(ours).double(), torch.cat(theirs).double()
    if a_NK.shape != b_NK.shape:
        raise InceptionctlError(
            f"the exported network gives {list(b_NK.shape)} logits, the trained one {list(a_NK.shape)}"
        )
    return Comparison(
        n_images=len(a_NK),
        largest=float(a_NK.abs().max()),
        difference=float((a_NK - b_NK).abs().max()),
        disagreements=int((a_NK.argmax(dim=1) != b_NK.argmax(dim=1)).sum()),
    )


def batches(images_NCHW: Tensor) -> list[Tensor]:
    """All images, in batches of different sizes."""
    sizes, left = list[int](), len(images_NCHW)
    while left:
        sizes.append(min(left, BATCH_SIZES[len(sizes) % 2]))
        left -= sizes[-1]
    return list(torch.split(images_NCHW, sizes))
