"""What an image costs a loader, for benchmarks that compare ways to read images in one run."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import active_children
from typing import TypeVar

W = TypeVar("W")  # the name of a way


@dataclass(frozen=True)
class Cost:
    """Of an image, in seconds."""

    clock: float
    cpu: float


def compared(ways: Mapping[W, Callable[[int], int]], repeats: int) -> dict[W, list[Cost]]:
    """The costs of each way, all of them in turn in each repeat. A way is given the number of the repeat, reads its
    images, and gives their number."""
    costs: dict[W, list[Cost]] = {name: [] for name in ways}
    for repeat in range(repeats + 1):
        for name, read in ways.items():
            cost = measured(partial(read, repeat))
            if repeat:  # the first warms the file system up
                costs[name].append(cost)
    return costs


def measured(read: Callable[[], int]) -> Cost:
    """Starting and stopping the workers included."""
    clock, cpu = time.perf_counter(), cpu_seconds()
    count = read()
    while active_children():  # their time counts once they have ended
        time.sleep(0.01)
    return Cost((time.perf_counter() - clock) / count, (cpu_seconds() - cpu) / count)


def cpu_seconds() -> float:
    """Of this process, and of its children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def images_per_second(costs: Sequence[Cost]) -> float:
    """Of CPU time."""
    return 1 / statistics.median(cost.cpu for cost in costs)


def ratios(slow: Sequence[Cost], fast: Sequence[Cost]) -> Iterator[tuple[str, str]]:
    """("cpu" or "clock", how many times as fast one way is as the other, with quartiles)."""
    for kind in ("cpu", "clock"):
        found = [getattr(one, kind) / getattr(other, kind) for one, other in zip(slow, fast, strict=True)]
        low, middle, high = statistics.quantiles(found, n=4)
        yield kind, f"{middle:.2f} (quartiles {low:.2f} to {high:.2f}, {len(found)} repeats)"
