"""A tracker that keeps its rows in memory, and fails where it is told to; runs that have rows of metrics; what real
trackers have kept, by their own readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.runs.config_file import write_config
from inceptionctl.runs.io import append_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import MetricRow, OptimizerRow
from inceptionctl.trackers.wandb import read_log
from support.records import EVAL_ROW, TRAIN_ROW

RECORDS: list[MetricRow] = [
    replace(TRAIN_ROW, step=10, epoch=0.5, loss=2.5),
    replace(TRAIN_ROW, step=20, epoch=1.0, loss=2.0),
    replace(EVAL_ROW, step=20, epoch=1.0, top1_error=12.5),
    replace(EVAL_ROW, step=20, epoch=1.0, top1_error=10.0, purpose="selection"),
    OptimizerRow(step=20, epoch=1.0, inv_rms_mean=0.5, inv_rms_p1=0.25, inv_rms_p99=0.75),
    replace(EVAL_ROW, step=20, epoch=1.0, top1_error=11.0, purpose="final"),
]
ROWS = [asdict(record) for record in RECORDS]


@dataclass
class MemoryTracker:
    """`rows` outlives it, as what a server has. `fails`: the method that raises; `at`: at how many rows."""

    rows: list = field(default_factory=list)
    fails: str = ""
    at: int = 0
    reports: list = field(default_factory=list)

    def open(self, run):
        self._fail("open")
        return self

    def start(self, rows: Sequence, sent: int) -> int:
        self._fail("start")
        del self.rows[sent:]
        return sent

    def write(self, number, row):
        self._fail("write")
        assert number == len(self.rows)
        self.rows.append(row)

    def flush(self) -> bool:
        self._fail("flush")
        return True

    def report(self, title, files):
        self._fail("report")
        self.reports.append(dict(files))

    def close(self):
        self._fail("close")

    def _fail(self, method):
        if method == self.fails and len(self.rows) >= self.at:
            raise ConnectionError("no route")


def run_with_rows(path: Path, *words: str, rows: Sequence[MetricRow] = RECORDS) -> RunDir:
    """A run folder with settings and metrics, and nothing else."""
    run = RunDir(path)
    path.mkdir(parents=True)
    write_config(run, parse(compose("train", [f"name={path.parent.name}", *words])))
    for row in rows:
        append_record(run.metrics, row)
    return run


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    """What TensorBoard shows of a run: (step, value)."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


def history(folder: Path) -> list[dict[str, float]]:
    """The rows of wandb's history over all offline sessions, by name, without what wandb adds."""
    files = sorted(folder.glob("wandb/offline-run-*/*.wandb"))
    items = [r["history"]["item"] for file in files for r in read_log(file) if r["type"] == "history"]
    return [{key: value for key, value in item.items() if not key.startswith("_")} for item in items]
