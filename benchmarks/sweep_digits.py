"""Chooses the rendering, rate and warm-up of `scale=digits`: row 1 of the ladder on the dev split, the test set unseen.

    python benchmarks/sweep_digits.py [--seeds 2] [--out docs/results/digits_sweep.md]

Finished cells are skipped, so the command continues where it was.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import statistics
from pathlib import Path

from rich.console import Console

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.planning.plan import Plan, plan
from inceptionctl.runs.environment import git_commit, processor
from inceptionctl.runs.io import read_record, write_text
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import TrainRow
from inceptionctl.runs.records.result import Result
from inceptionctl.scheduling.run import run_plans
from inceptionctl.scheduling.run_folders import finished

RENDERINGS = {
    "easy": {"size": [0.35, 0.75], "contrast": [0.5, 1.0], "noise": 0.1},
    "middle": {"size": [0.3, 0.7], "contrast": [0.4, 1.0], "noise": 0.15},
    "hard": {"size": [0.25, 0.7], "contrast": [0.3, 1.0], "noise": 0.2},
}
RATES = (0.2, 0.3, 0.4)
WARMUPS = (0.1, 0.8)  # epochs
FIXED = ["scale=digits", "data.eval_split=dev", "name=sweep_digits"]
Setting = tuple[str, float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("docs/results/digits_sweep.md"))
    arguments = parser.parse_args()
    grid = list(itertools.product(RENDERINGS, RATES, WARMUPS))
    cells = {(setting, seed): planned(setting, seed) for seed in range(arguments.seeds) for setting in grid}
    todo = {
        f"{' '.join(map(str, setting))} seed {seed}": made
        for (setting, seed), made in cells.items()
        if not finished(made)
    }
    if todo:
        run_plans(todo, Console())
    write_text(arguments.out, table(cells, arguments.seeds))


def planned(setting: Setting, seed: int) -> Plan:
    rendering, rate, warmup = setting
    jitter = [f"data.jitter.{key}={value}" for key, value in RENDERINGS[rendering].items()]
    return plan(
        parse(
            compose(
                "train", [*FIXED, *jitter, f"schedule.lr={rate}", f"schedule.warmup_epochs={warmup}", f"seed={seed}"]
            )
        )
    )


def table(cells: dict[tuple[Setting, int], Plan], seeds: int) -> str:
    """Markdown: error on the dev split by setting, with the loss over the run's last two fifths for its plateau."""
    lines = [
        "# Sweep for `scale=digits`",
        "",
        f"Row 1 of the ladder (Inception-v2, momentum), dev split (1,150 digits to train, 287 x 10 renderings), "
        f"{seeds} seeds. Top-1 error in percent, average of the weights.",
        "",
        f"`python benchmarks/sweep_digits.py --seeds {seeds}` at {git_commit()}, {processor()}, one thread a cell, "
        f"{datetime.date.today()}.",
        "",
        "| rendering | rate | warm-up, epochs | errors | mean | sd | training loss, fourth and last fifth |",
        "|---|---:|---:|---|---:|---:|---|",
    ]
    for setting in dict.fromkeys(setting for setting, _ in cells):
        runs = [finished(cells[setting, seed]) for seed in range(seeds)]
        errors = [read_record(run.result, Result).evaluation("ema").top1_error for run in runs if run]
        losses = [_losses(run) for run in runs if run]
        fifths = " ".join(f"{_mean_over(loss, 3):.2f} -> {_mean_over(loss, 4):.2f}" for loss in losses)
        mean, sd = (statistics.mean(errors), statistics.stdev(errors)) if len(errors) > 1 else (float("nan"),) * 2
        each = " ".join(f"{error:.1f}" for error in errors)
        lines.append(f"| {' | '.join(map(str, setting))} | {each} | {mean:.1f} | {sd:.1f} | {fifths} |")
    details = "; ".join(f"{name}: {values}" for name, values in RENDERINGS.items())
    return "\n".join([*lines, "", f"Renderings: {details}.", ""])


def _losses(run: RunDir) -> list[float]:
    return [row.loss for row in read_metrics(run.metrics) if isinstance(row, TrainRow)]


def _mean_over(losses: list[float], fifth: int) -> float:
    part = losses[fifth * len(losses) // 5 : (fifth + 1) * len(losses) // 5]
    return statistics.mean(part) if part else float("nan")


if __name__ == "__main__":
    main()
