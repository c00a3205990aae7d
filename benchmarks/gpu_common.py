"""What the benchmarks of a GPU share: arguments, a time limit, timing with device events, figures as lines of JSON."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

Work = Callable[[], object]


@dataclass
class Bench:
    """`name` of the file of figures, `seconds` to keep to; `tiny`: sizes that a CPU can do, for a rehearsal."""

    name: str
    seconds: float
    device: torch.device
    tiny: bool
    begun: float = field(default_factory=time.monotonic)

    @classmethod
    def from_arguments(cls, name: str, about: str | None, argv: list[str] | None = None) -> Bench:
        parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--seconds", type=float, default=120.0)
        parser.add_argument("--device", default="cuda")
        parser.add_argument("--tiny", action="store_true")
        asked = parser.parse_args(argv)
        return cls(name, asked.seconds, torch.device(asked.device), asked.tiny)

    @property
    def left(self) -> float:
        return self.seconds - (time.monotonic() - self.begun)

    def say(self, what: str, **figures: object) -> None:
        """Prints one figure and adds it to the file: what is written is there even if the benchmark is cut off."""
        row = {"what": what, **figures, "t": round(time.monotonic() - self.begun, 1)}
        line = json.dumps({key: round(v, 4) if isinstance(v, float) else v for key, v in row.items()})
        print(line, flush=True)
        folder = Path(os.environ.get("OUT", "outputs/gpu"))
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{self.name}.jsonl").open("a") as file:
            file.write(line + "\n")

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def time(self, work: Work, times: int) -> float:
        """Seconds of one of `times` calls in a row, between two events on the device."""
        if self.device.type != "cuda":
            begun = time.perf_counter()
            for _ in range(times):
                work()
            return (time.perf_counter() - begun) / times
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        start.record()
        for _ in range(times):
            work()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1e3 / times

    def interleaved(self, works: Mapping[str, Work], rounds: int, times: int) -> dict[str, list[float]]:
        """Seconds a call of each of `works`, one after the other in each of `rounds`."""
        found: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(1 if self.tiny else rounds):
            for name, work in works.items():
                found[name].append(self.time(work, 1 if self.tiny else times))
        return found


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}
