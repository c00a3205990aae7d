"""Which errors mean that there is no memory left: those that the libraries raise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from inceptionctl.training.memory import memory_shortage

PEBIBYTE = 1 << 50


@pytest.mark.parametrize(
    ("allocate", "said"),
    [
        (lambda: torch.empty(PEBIBYTE, dtype=torch.uint8), "out of memory. Tried to allocate 1048576.00 GiB"),
        (lambda: np.empty(PEBIBYTE, dtype=np.uint8), "out of memory. Unable to allocate 1.00 PiB for an array"),
        (lambda: bytearray(PEBIBYTE), "out of memory"),
    ],
    ids=["torch", "numpy", "python"],
)
def test_what_could_not_be_allocated(allocate, said):
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        allocate()
    assert (memory_shortage(caught.value) or "").startswith(said)


def test_other_errors_are_none():
    with pytest.raises(RuntimeError) as caught:
        torch.zeros(2) + torch.zeros(3)
    assert memory_shortage(caught.value) is None
