"""Images/s of two ranks (gloo, a thread each) against one rank with one thread and one with two, at the same global
batch: real runs through the command line, in turn.

A run's figure is the median of its logged rows, the first ones left out.

    python benchmarks/ranks.py [--rounds 3] [--rows 6] [key=value ...]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.planning.plan import plan
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import TrainRow

LAYOUTS = {"1 rank, 1 thread": (1, 1), "1 rank, 2 threads": (1, 2), "2 ranks, 1 thread": (2, 1)}
LOG_EVERY = 5  # steps
WARM_UP = 2  # rows
FIXED = ["data.renderings=1", "train.monitor=20", f"train.log_every={LOG_EVERY}", "launch.device=cpu"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("overrides", nargs="*")
    arguments = parser.parse_args()
    words = [*FIXED, *arguments.overrides]
    per_epoch = plan(parse(compose("train", words))).clock.steps_per_epoch
    words.append(f"train.epochs={(WARM_UP + arguments.rows) * LOG_EVERY / per_epoch:.6f}")
    rounds = [[images_per_s(words, *layout) for layout in LAYOUTS.values()] for _ in range(arguments.rounds)]
    for column, name in enumerate(LAYOUTS):
        ratios = sorted(speeds[column] / speeds[0] for speeds in rounds)
        print(
            f"{name:<18}{median(speeds[column] for speeds in rounds):8.1f} images/s, "
            f"x {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f} in {len(rounds)} rounds)"
        )


def images_per_s(words: list[str], processes: int, threads: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        run = RunDir(Path(folder) / "run")
        layout = [f"run_dir={run.path}", f"launch.nproc={processes}", f"launch.threads={threads}"]
        command = [sys.executable, "-m", "inceptionctl", "train", *words, *layout]
        subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
        rows = [row.images_per_s for row in read_metrics(run.metrics) if isinstance(row, TrainRow)]
        return median(rows[WARM_UP:])


if __name__ == "__main__":
    main()
