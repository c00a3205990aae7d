"""Seconds and megabytes of a checkpoint against a bare torch.save and torch.load of the same tensors, in turn.

The network is Inception-ResNet-v2 at full size with its average and RMSProp's state. Ours copies the tensors out of
the step, takes checksums and waits for the disk (fsync); reading checks the sums. Torch's does none of this.

    python benchmarks/checkpoint.py [--rounds 7] [--threads 1] [key=value ...]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.planning.plan import plan
from inceptionctl.training import checkpoint, state
from inceptionctl.training.clock import Clock
from inceptionctl.training.step import TrainStep
from inceptionctl.worker.assemble import make_step

FULL = [
    "arch=inception_resnet_v2", "optim=rmsprop", "arch.width=1", "arch.pixels=299",
    "arch.rewrites.blocks=null", "arch.rewrites.stem_pools=null",
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("overrides", nargs="*")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    made = plan(parse(compose("train", [*FULL, *arguments.overrides])))
    step = with_slots(make_step(made, torch.device("cpu")))
    with tempfile.TemporaryDirectory() as folder:
        rounds = [one_round(step, made.clock, Path(folder)) for _ in range(arguments.rounds + 1)][1:]
        sizes = megabytes(Path(folder) / "ours"), megabytes(Path(folder) / "bare.pt")
    print(f"size   ours {sizes[0]:.1f} MB, torch.save {sizes[1]:.1f} MB, ratio {sizes[0] / sizes[1]:.3f}")
    for name, column in (("write", 0), ("read", 2)):
        compare(name, [times[column] for times in rounds], [times[column + 1] for times in rounds])


def with_slots(step: TrainStep) -> TrainStep:
    """The optimizer's state is there from its first step on."""
    for parameter in step.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    step.optimizer.step()
    return step


def one_round(step: TrainStep, clock: Clock, folder: Path) -> tuple[float, float, float, float]:
    """Seconds: ours and torch's written, ours and torch's read."""
    random, bare = state.random_states(step.device), folder / "bare.pt"
    tensors = state.capture(step, clock, random, {}).tensors
    return (
        seconds(lambda: checkpoint.write(folder / "ours", state.capture(step, clock, random, {}), keep=1)),
        seconds(lambda: torch.save(tensors, bare)),
        seconds(lambda: checkpoint.read_latest(folder / "ours", print)),
        seconds(lambda: torch.load(bare, weights_only=True)),
    )


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def megabytes(path: Path) -> float:
    """Of a file, or of all files below a folder; 10**6 bytes each."""
    files = [path] if path.is_file() else [inner for inner in path.rglob("*") if inner.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def compare(name: str, ours: list[float], bare: list[float]) -> None:
    ratios = sorted(mine / other for mine, other in zip(ours, bare, strict=True))
    print(
        f"{name:<6} ours {median(ours):.2f} s ({min(ours):.2f} to {max(ours):.2f}), "
        f"torch {median(bare):.2f} s ({min(bare):.2f} to {max(bare):.2f}), "
        f"ratio {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f} in {len(ratios)} rounds)"
    )


if __name__ == "__main__":
    main()
