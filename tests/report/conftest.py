"""A made-up outputs folder: runs whose every figure is known, without a network."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

CLASSES = 10
GROUPS = 40
RENDERINGS = 5
IMAGES = GROUPS * RENDERINGS
EPOCHS = 8
LADDER = {
    "Inception-v2": (None, "rethinking.t3.03"),
    "RMSProp": ("rmsprop", "rethinking.t3.04"),
    "Label smoothing": ("label_smoothing", "rethinking.t3.05"),
    "Factorized 7x7": ("factorized_7x7", "rethinking.t3.06"),
    "BN-auxiliary": ("bn_auxiliary", "rethinking.t3.07"),
}


@dataclass
class Outputs:
    """`folder` is the table's; a cell is made with the number of its wrong images, or with why it has none."""

    root: Path
    rows: dict[str, list[dict]] = field(default_factory=lambda: {label: [] for label in LADDER})
    chance_error: float = 90.0
    against: dict[str, str] | None = None  # of an independent table: which row is compared with which
    inverse_rms: dict[str, tuple[float, float, float]] = field(default_factory=dict)  # of rows with RMSProp, see below

    @property
    def folder(self) -> Path:
        return self.root / "inception_v3"

    def run(self, label: str, seed: int) -> Path:
        return self.folder / f"{list(LADDER).index(label):012x}{seed}-0"

    def done(self, label: str, *wrong: int, settled: bool = True) -> Outputs:
        for seed, count in enumerate(wrong):
            write_run(self.run(label, seed), seed=seed, wrong=count, settled=settled)
            if label in self.inverse_rms:
                write_inverse_rms(self.run(label, seed), seed, self.inverse_rms[label])
            self._add(label, seed, "done", self.run(label, seed))
        return self

    def failed(self, label: str, seed: int) -> Outputs:
        self._add(label, seed, "failed", self.run(label, seed))
        return self

    def missing(self, label: str, seed: int) -> Outputs:
        self._add(label, seed, "missing", None)
        return self

    def _add(self, label: str, seed: int, status: str, run: Path | None) -> None:
        where = run and run.relative_to(self.root).as_posix()
        self.rows[label].append({"seed": seed, "run": where, "status": status})

    def close(self) -> Path:
        """Writes the ledger and gives its folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "ledger.json").write_text(json.dumps(self.ledger()))
        return self.folder

    def ledger(self) -> dict:
        sizes = {"params": 1_672_345, "macs": 12_345_678, "full_params": 23_786_632, "full_macs": 5_155_055_808}
        return {
            "table": "inception_v3",
            "title": "Rethinking the Inception Architecture for Computer Vision, Table 3",
            "setting": "real digits, jittered, 79 px, width 0.25, 8 epochs",
            "command": "inceptionctl ablate",
            "metric": "final",
            "weights": "ema",
            "protocol": "single",
            "comparable": False,
            "chance_error": self.chance_error,
            "quoted": ["rethinking.t3.00", "rethinking.t3.01", "rethinking.t3.02"],
            "rows": [
                {
                    "label": label,
                    "cell": cell,
                    "against": (self.against or {}).get(label),
                    "switch": switch,
                    **sizes,
                    "cells": self.rows[label],
                }
                for label, (switch, cell) in LADDER.items()
            ],
            "overrides": [{"key": "train.batch_size", "paper": "1600", "here": "32"}],
            "mode": "cumulative" if self.against is None else "independent",
        }


def write_run(folder: Path, *, seed: int, wrong: int, settled: bool) -> None:
    """`wrong` images, drawn by the seed, are taken for the class after theirs; the raw weights miss two more."""
    label = np.arange(IMAGES) % CLASSES
    order = np.random.default_rng(seed).permutation(IMAGES)
    arrays = {"label": label, "group": np.arange(IMAGES) // RENDERINGS}
    evaluations = []
    for weights, missed in (("ema", wrong), ("raw", wrong + 2)):
        first = label.copy()
        first[order[:missed]] += 1
        arrays[f"{weights}_top5"] = (first[:, None] + np.arange(5)) % CLASSES
        arrays[f"{weights}_p_true"] = np.full(IMAGES, 0.5)
        top1_error = 100 * missed / IMAGES
        errors = {"top1_error": top1_error, "top5_error": top1_error / 4, "loss": 0.3}
        evaluations.append({"protocol": "single", "weights": weights, "n_images": IMAGES, **errors})
    (folder / "predictions").mkdir(parents=True)
    np.savez(folder / "predictions" / "single.npz", **arrays)
    result = {"identity": folder.name, "seed": seed, "status": "done", "evaluations": evaluations}
    (folder / "result.json").write_text(json.dumps(result))
    rows = [*train_rows(seed, settled), *eval_rows(evaluations[0])]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_inverse_rms(folder: Path, seed: int, figures: tuple[float, float, float]) -> None:
    """A row after each epoch with mean, 1st and 99th percentile: halved but for the last, in which they are `figures`
    times 1 for seed 0, 1.001 for seed 1 and so on."""
    with (folder / "metrics.jsonl").open("a") as file:
        for epoch in range(1, EPOCHS + 1):
            factor = (1 + seed / 1000) * (1 if epoch == EPOCHS else 0.5)
            mean, p1, p99 = (factor * figure for figure in figures)
            named = {"inv_rms_mean": mean, "inv_rms_p1": p1, "inv_rms_p99": p99}
            row = {"kind": "optimizer", "step": 40 * epoch, "epoch": float(epoch), **named}
            file.write(json.dumps(row) + "\n")


def train_rows(seed: int, settled: bool) -> list[dict]:
    """A loss that has come to rest, or one that still falls in a straight line."""
    noise = np.random.default_rng(seed).normal(0, 0.01, 4 * EPOCHS)
    epoch = np.arange(1, 4 * EPOCHS + 1) / 4
    loss = noise + (0.2 + 2.1 * np.exp(-1.5 * (epoch - 0.25)) if settled else 2.3 - 0.2 * epoch)
    return [
        {"kind": "train", "step": 10 * step, "epoch": at, "loss": value, "lr": 0.1}
        for step, (at, value) in enumerate(zip(epoch.tolist(), loss.tolist(), strict=True), 1)
    ]


def eval_rows(final: dict) -> list[dict]:
    """One on a subset after each epoch, and one on all images at the end."""
    last = {"kind": "eval", "weights": "ema", "loss": 0.3, "top5_error": 1.0}
    rows = [
        {**last, "epoch": float(epoch), "n_images": 50, "top1_error": final["top1_error"] + 80 * 0.5**epoch}
        for epoch in range(1, EPOCHS + 1)
    ]
    return [*rows, {**last, "epoch": float(EPOCHS), "n_images": IMAGES, "top1_error": final["top1_error"]}]


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    return Outputs(tmp_path / "outputs")


@pytest.fixture
def ladder(outputs: Outputs) -> Path:
    """Three seeds of each row; the second rung is clear, the others lie in the noise of the seeds."""
    outputs.done("Inception-v2", 40, 43, 42).done("RMSProp", 41, 43, 42).done("Label smoothing", 12, 13, 13)
    return outputs.done("Factorized 7x7", 13, 12, 14).done("BN-auxiliary", 11, 14, 12).close()
