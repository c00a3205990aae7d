"""A made-up outputs folder with runs of known figures."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from support.records import EVAL_ROW, EVALUATION, RESULT, TRAIN_ROW, manifest, manifest_row

from inceptionctl.runs.evaluations import Predictions, write_evaluation
from inceptionctl.runs.io import append_record, read_record, write_record
from inceptionctl.runs.paths import MANIFEST, RunDir
from inceptionctl.runs.records.metrics import EvalRow, OptimizerRow, TrainRow
from inceptionctl.runs.records.process import ExitStatus
from inceptionctl.runs.records.table import ManifestCell, Override, TableManifest

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
    seeds: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    chance_error: float = 90.0
    against: dict[str, str] | None = None  # of an independent table: which row is compared with which
    inverse_rms: dict[str, tuple[float, float, float]] = field(default_factory=dict)  # of rows with RMSProp, see below
    manifest: dict[str, object] = field(default_factory=dict)  # further fields of the manifest
    rows: dict[str, dict[str, object]] = field(default_factory=dict)  # further fields of its rows, by label

    @property
    def folder(self) -> Path:
        return self.root / "inception_v3"

    def run(self, label: str, seed: int) -> RunDir:
        return RunDir(self.folder / f"{self.identity(label, seed)}-0")

    def identity(self, label: str, seed: int) -> str:
        return f"{list(LADDER).index(label):011x}{seed}"

    def done(self, label: str, *wrong: int, on_plateau: bool = True) -> Outputs:
        for seed, count in enumerate(wrong):
            self.seeds[label].append(seed)
            write_run(self.run(label, seed), seed=seed, wrong=count, on_plateau=on_plateau)
            if label in self.inverse_rms:
                write_inverse_rms(self.run(label, seed), seed, self.inverse_rms[label])
        return self

    def failed(self, label: str, seed: int) -> Outputs:
        self.seeds[label].append(seed)
        self.run(label, seed).path.mkdir(parents=True)
        write_record(self.run(label, seed).exit, ExitStatus(code=1, message="training diverged at step 3\n  advice"))
        return self

    def missing(self, label: str, seed: int) -> Outputs:
        self.seeds[label].append(seed)
        return self

    def close(self) -> Path:
        """Writes the manifest and gives its folder."""
        rows = [
            manifest_row(
                label,
                *(ManifestCell(seed=seed, identity=self.identity(label, seed)) for seed in self.seeds[label]),
                **{
                    "paper": paper,
                    "switch": switch,
                    "against": (self.against or {}).get(label),
                    **self.rows.get(label, {}),
                },
            )
            for label, (switch, paper) in LADDER.items()
        ]
        table = manifest(
            *rows,
            mode="cumulative" if self.against is None else "independent",
            chance_error=self.chance_error,
            quoted=["rethinking.t3.00", "rethinking.t3.01", "rethinking.t3.02"],
            overrides=[Override(key="train.batch_size", paper="1600", here="32")],
            **self.manifest,
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        write_record(self.folder / MANIFEST, table)
        return self.folder


def write_run(run: RunDir, *, seed: int, wrong: int, on_plateau: bool) -> None:
    """`wrong` images, drawn by the seed, are taken for the class after theirs; the raw weights miss two more."""
    label, order = np.arange(IMAGES) % CLASSES, np.random.default_rng(seed).permutation(IMAGES)
    run.path.mkdir(parents=True, exist_ok=True)
    summaries = []
    for weights, missed in (("ema", wrong), ("raw", wrong + 2)):
        first = label.copy()
        first[order[:missed]] += 1
        error = 100 * missed / IMAGES
        record = replace(EVALUATION, weights=weights, n_images=IMAGES, top1_error=error, top5_error=error / 4)
        predictions = Predictions(
            label_N=label,
            group_N=np.arange(IMAGES) // RENDERINGS,
            top5_NK=(first[:, None] + np.arange(5)) % CLASSES,
            p_true_N=np.full(IMAGES, 0.5, np.float32),
            confidence_N=np.linspace(0.4, 1, IMAGES, dtype=np.float32),
        )
        summaries.append(write_evaluation(run, record, predictions))
    write_record(run.result, replace(RESULT, identity=run.identity, seed=seed, evaluations=summaries))
    for row in [*train_rows(seed, on_plateau), *eval_rows(100 * wrong / IMAGES)]:
        append_record(run.metrics, row)


def write_inverse_rms(run: RunDir, seed: int, figures: tuple[float, float, float]) -> None:
    """A row after each epoch with mean, 1st and 99th percentile: halved but for the last, in which they are `figures`
    times 1 for seed 0, 1.001 for seed 1 and so on."""
    for epoch in range(1, EPOCHS + 1):
        factor = (1 + seed / 1000) * (1 if epoch == EPOCHS else 0.5)
        mean, p1, p99 = (factor * figure for figure in figures)
        row = OptimizerRow(step=40 * epoch, epoch=float(epoch), inv_rms_mean=mean, inv_rms_p1=p1, inv_rms_p99=p99)
        append_record(run.metrics, row)


def train_rows(seed: int, on_plateau: bool) -> list[TrainRow]:
    """A loss on a plateau (`on_plateau`), or one that falls in a straight line."""
    noise = np.random.default_rng(seed).normal(0, 0.01, 4 * EPOCHS)
    epoch = np.arange(1, 4 * EPOCHS + 1) / 4
    loss = noise + (0.2 + 2.1 * np.exp(-1.5 * (epoch - 0.25)) if on_plateau else 2.3 - 0.2 * epoch)
    return [
        replace(TRAIN_ROW, step=10 * step, epoch=at, loss=value)
        for step, (at, value) in enumerate(zip(epoch.tolist(), loss.tolist(), strict=True), 1)
    ]


def eval_rows(error: float) -> list[EvalRow]:
    """One on a subset after each epoch, and one on all images at the end."""
    rows = [
        replace(EVAL_ROW, step=40 * epoch, epoch=float(epoch), n_images=50, top1_error=error + 80 * 0.5**epoch)
        for epoch in range(1, EPOCHS + 1)
    ]
    return [*rows, replace(rows[-1], purpose="final", n_images=IMAGES, top1_error=error)]


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    return Outputs(tmp_path / "outputs")


@pytest.fixture
def outputs_at() -> type[Outputs]:
    """Makes further outputs folders."""
    return Outputs


@pytest.fixture
def ladder(outputs: Outputs) -> Path:
    """Three seeds of each row; the second rung is clear, the others lie in the noise of the seeds."""
    outputs.done("Inception-v2", 40, 43, 42).done("RMSProp", 41, 43, 42).done("Label smoothing", 12, 13, 13)
    return outputs.done("Factorized 7x7", 13, 12, 14).done("BN-auxiliary", 11, 14, 12).close()


@pytest.fixture
def own_table(outputs: Outputs) -> Path:
    """A table that no paper has, with a row of one seed, a cell that failed and one that is missing."""
    outputs.done("Inception-v2", 40, 43).done("RMSProp", 12).failed("Label smoothing", 0).missing("Factorized 7x7", 0)
    folder = outputs.close()
    table = read_record(folder / MANIFEST, TableManifest)
    rows = [replace(row, paper=None) for row in table.rows]
    write_record(folder / MANIFEST, replace(table, title="Mine", quoted=[], overrides=[], rows=rows))
    return folder
