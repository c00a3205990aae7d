"""Table 3 of the Inception-v3 paper at scale=cifar10_fifth, images held in memory, with as many seeds as the time
allows: several cells side by side on one GPU.

    CIFAR=FOLDER python benchmarks/gpu_evidence.py [--seconds 300] [--device cpu --tiny]

FOLDER holds cifar10-train.tar.gz and cifar10-test.tar.gz (split/class/NNNN.jpg); a rehearsal takes a few of them. Seeds
go one after the other, so a table that is cut off has every row about as often. At the 10,000 images/s that ten cells
side by side had on an H100, five cells of ten epochs take 50 seconds; less than that shows nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
from contextlib import suppress
from pathlib import Path

from gpu_common import Bench

from inceptionctl.runs.find import RunIndex
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.runs.records.result import Result
from inceptionctl.runs.records.table import TableManifest

TINY_EVERY = 250
JOBS, WORKERS, SEEDS, EPOCHS = 10, 1, 30, 10
REPORT_SECONDS = 30  # to stop, and to write the report


def main() -> None:
    bench = Bench.from_arguments("evidence", __doc__)
    place = Path(os.environ.get("OUT", "outputs/gpu")).absolute() / "work"
    counts = unpack(Path(os.environ["CIFAR"]), place / "cifar", TINY_EVERY if bench.tiny else 1)
    bench.say("images", **counts)
    command = [sys.executable, "-m", "inceptionctl", "ablate", *words(bench, place)]
    bench.say("command", command=command[2:])
    run_for(bench.left - REPORT_SECONDS, command)
    table = place / "outputs" / "inception_v3"
    tell(bench, table)
    for form, name in (("markdown", "evidence.md"), ("json", "evidence-report.json")):
        shown = [sys.executable, "-m", "inceptionctl", "report", str(table), "--format", form]
        said = subprocess.run(shown, capture_output=True, text=True, check=False)
        (place.parent / name).write_text(said.stdout or said.stderr)


def unpack(archives: Path, folder: Path, every: int) -> dict[str, int]:
    """Images by split, every so many of a class. Only plain files whose names are as expected are written."""
    shutil.rmtree(folder, ignore_errors=True)
    counts = {"train": 0, "test": 0}
    for split in counts:
        with tarfile.open(archives / f"cifar10-{split}.tar.gz") as tar:
            for member in tar:
                parts = Path(member.name).parts
                if not member.isfile() or len(parts) != 3 or parts[0] != split or ".." in parts:
                    continue
                data = tar.extractfile(member)
                if data is None or int(Path(parts[2]).stem) % every:
                    continue
                path = folder.joinpath(*parts)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data.read())
                counts[split] += 1
    return counts


def words(bench: Bench, place: Path) -> list[str]:
    """The scale `cifar10_fifth`, shorter; in bfloat16 on a GPU."""
    small = ["arch.width=0.05", "train.epochs=1", "train.batch_size=32", "seeds=1", "train.monitor=20"]
    full = [f"train.epochs={EPOCHS}", f"seeds={SEEDS}", "train.monitor=500", "train.precision=bfloat16"]
    return [
        "table=inception_v3", "scale=cifar10_fifth", f"data.root={place / 'cifar'}", f"outputs={place / 'outputs'}",
        f"launch.device={bench.device.type}", f"launch.jobs={2 if bench.tiny else JOBS}", "launch.threads=1",
        f"data.workers={WORKERS}", *(small if bench.tiny else full),
    ]  # fmt: skip


def run_for(seconds: float, command: list[str]) -> None:
    """Stops the table when the time is over: what runs is saved, what is done counts."""
    process = subprocess.Popen(command)
    try:
        process.wait(max(seconds, 5))
    except subprocess.TimeoutExpired:
        for wait_s in (8, 4):  # the second signal stops without saving
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(wait_s)
                return
        process.kill()


def tell(bench: Bench, table: Path) -> None:
    """Every finished cell as one line: row, seed, errors, seconds, rate."""
    index = RunIndex.of(table.parent)
    for row in read_record(table / MANIFEST, TableManifest).rows:
        for cell in row.cells:
            run = index.newest(cell.identity)
            if run and run.finished:
                found = read_record(run.result, Result)
                errors = {one.weights: one.top1_error for one in found.evaluations}
                bench.say("cell", row=row.label, seed=cell.seed, **errors, wall_s=found.wall_s,
                          images_per_s=found.images_per_s)  # fmt: skip


if __name__ == "__main__":
    main()
