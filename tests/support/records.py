"""Records of a made-up run, whole but for what a test is about."""

from __future__ import annotations

from dataclasses import replace

from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRecord, EvaluationSummary, ImageSet, ProtocolRecord
from inceptionctl.runs.records.metrics import EvalRow, TrainRow
from inceptionctl.runs.records.process import Environment, Start
from inceptionctl.runs.records.result import Result
from inceptionctl.runs.records.table import ManifestCell, ManifestRow, TableManifest

CONFIG = "".join(f"{key}:\n" for key in ("name", "seed", "outputs", "arch", "train", "resolved"))
EVALUATION = EvaluationRecord(
    image_set=ImageSet(name="test", data="digits", split="test", blacklist=False, digest=None),
    protocol=ProtocolRecord(
        name="single", resize=None, crop=None, crops=1, interpolation=None, averaging=None, decoder=None
    ),
    weights="ema",
    n_images=8,
    unreadable=0,
    top1_error=12.5,
    top5_error=0.0,
    nll=0.3,
    ece=1.0,
    batch_size=100,
    device="cpu",
)
SUMMARY = EvaluationSummary(
    file="evaluations/test.single.ema.json",
    image_set="test",
    protocol="single",
    weights="ema",
    n_images=8,
    top1_error=12.5,
    top5_error=0.0,
    nll=0.3,
)
RESULT = Result(
    identity="0123456789ab",
    arch="inception_v3",
    params=1,
    macs=1,
    seed=0,
    epochs=8.0,
    classes=[],
    rollbacks=0,
    unreadable=0,
    wall_s=1.0,
    images_per_s=1.0,
    best=None,
    evaluations=[SUMMARY, replace(SUMMARY, file="evaluations/test.single.raw.json", weights="raw")],
)
TRAIN_ROW = TrainRow(
    step=1, epoch=0.1, loss=2.3, grad_norm=1.0, unreadable=0, lr=0.1, images_per_s=100.0, time_s=1.0
)  # fmt: skip
EVAL_ROW = EvalRow(
    step=1,
    epoch=0.1,
    purpose="monitor",
    weights="ema",
    n_images=8,
    unreadable=0,
    top1_error=50.0,
    top5_error=10.0,
    nll=1.5,
)
ENVIRONMENT = Environment(
    versions={"python": "3.11.2", "torch": "2.15.0"},
    git_commit="0123456789ab",
    platform="Linux",
    processor="a processor",
    cores=2,
    device="cpu",
    threads=1,
    world_size=1,
)
START = Start(at=0.0, node="here", job=None, submission=None, step=0)


def finish(run: RunDir) -> None:
    """Writes the result of a made-up run and its evaluations."""
    (run.path / "evaluations").mkdir(exist_ok=True)
    for one in RESULT.evaluations:
        write_record(run.path / one.file, replace(EVALUATION, weights=one.weights))
    write_record(run.result, RESULT)


def manifest_row(label: str, *cells: ManifestCell, **changes: object) -> ManifestRow:
    row = ManifestRow(
        label=label,
        paper=None,
        against=None,
        switch=None,
        params=1_672_345,
        macs=12_345_678,
        full_params=23_786_632,
        full_macs=5_155_055_808,
        cells=list(cells),
    )
    return replace(row, **changes)


def manifest(*rows: ManifestRow, **changes: object) -> TableManifest:
    table = TableManifest(
        table="inception_v3",
        mode="cumulative",
        title="Rethinking the Inception Architecture for Computer Vision, Table 3",
        setting="real digits, jittered, 79 px, width 0.25, 8 epochs",
        command="inceptionctl ablate",
        metric="final",
        image_set="test",
        protocol="single",
        weights="ema",
        comparable=False,
        chance_error=90.0,
        quoted=[],
        rows=list(rows),
        overrides=[],
    )
    return replace(table, **changes)
