"""Tells errors that mean "no memory left" from others: torch has a class of its own for a GPU's alone."""

from __future__ import annotations

import re

import torch

CPU_ALLOCATOR = re.compile(r"DefaultCPUAllocator: .*?(\d+) bytes", re.DOTALL)


def memory_shortage(error: BaseException) -> str | None:
    """What could not be allocated, in words; None for an error of another kind."""
    if isinstance(error, torch.OutOfMemoryError):
        return str(error).partition(". GPU")[0]
    if isinstance(error, MemoryError):
        return f"out of memory. {error}".rstrip(". ")
    if isinstance(error, RuntimeError) and (found := CPU_ALLOCATOR.search(str(error))):
        return f"out of memory. Tried to allocate {int(found[1]) / (1 << 30):.2f} GiB"
    return None
