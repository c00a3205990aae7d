"""Loads an index of 1,281,167 training and 50,000 evaluation images, made up, as each rank does, and measures what it
costs: seconds to write, load and check it, and the memory of forked data workers once each has gone through a shuffled
epoch of paths, labels and sizes (no file is read: there is none).

Private is what a process has for itself (Private_Clean and Private_Dirty of smaps_rollup), beyond what it had before
the index; "copied" is the same with the arrays read into memory instead. Ranks are processes of their own that load the
index at once, each with its workers.

    python benchmarks/index_memory.py [--images 1281167] [--ranks 2] [--workers 4]
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from inceptionctl.data.index import FileList, Index
from inceptionctl.data.order import epoch_order
from inceptionctl.npz import read_npz
from inceptionctl.runs.index_file import read_index, write_index
from inceptionctl.runs.paths import RunDir

CLASSES, N_EVAL = 1000, 50_000
Memory = dict[str, int]  # by name in smaps_rollup, in kB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_281_167)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--workers", type=int, default=4, help="of each rank")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = RunDir(Path(folder))
        begun = time.perf_counter()
        made = made_up(asked.images)
        digested = time.perf_counter()
        write_index(run, made)
        print(f"made up in {digested - begun:.2f} s, written in {time.perf_counter() - digested:.2f} s: "
              f"{run.index.stat().st_size / 1e6:.1f} MB")  # fmt: skip
        fingerprint = made.fingerprint
        del made
        gc.collect()
        for how in ("mapped", "copied"):
            report(how, measured(how, run, fingerprint, asked.ranks, asked.workers))


def made_up(images: int) -> Index:
    classes = tuple(f"n{k:08d}" for k in range(CLASSES))
    train, evaluated = (listed(classes, number) for number in (images, N_EVAL))
    return Index(
        n_train=len(train),
        n_eval=len(evaluated),
        classes=classes,
        provenance="made up",
        fingerprint=train.digest(classes),
        eval_fingerprint=evaluated.digest(classes),
        dev=False,
        files={"train": train, "eval": evaluated},
    )


def listed(classes: tuple[str, ...], images: int) -> FileList:
    labels_N = np.sort(np.arange(images) % len(classes))
    paths_N = np.array([f"{classes[k]}/{classes[k]}_{i}.JPEG".encode() for i, k in enumerate(labels_N.tolist())])
    return FileList("/nowhere", paths_N, labels_N, 100_000 + np.arange(images) % 9973)


def measured(how: str, run: RunDir, fingerprint: str | None, ranks: int, workers: int) -> list[list[str]]:
    """The lines of each rank, which begin together and end together."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(ranks), list[Connection]()
    for _ in range(ranks):
        here, there = context.Pipe(duplex=False)
        context.Process(target=rank, args=(how, run, fingerprint, workers, barrier, there)).start()
        results.append(here)
    return [result.recv() for result in results]


def rank(how: str, run: RunDir, fingerprint: str | None, workers: int, barrier: object, to: Connection) -> None:
    gc.collect()
    before = memory()
    begun, worked = time.perf_counter(), time.process_time()
    index = read_index(run, fingerprint) if how == "mapped" else copied(run)
    lines = [f"loaded and checked in {time.perf_counter() - begun:.2f} s, {time.process_time() - worked:.2f} s of CPU"]
    barrier.wait()  # type: ignore[attr-defined]
    lines.append(f"rank:   {difference(before, memory())}")
    lines += [f"worker: {text}" for text in in_workers(index.files["train"], workers)]
    barrier.wait()  # type: ignore[attr-defined]
    to.send(lines)


def copied(run: RunDir) -> Index:
    with run.index.open("rb") as file:
        return Index.from_arrays(read_npz(file))


def in_workers(files: FileList, workers: int) -> list[str]:
    """What each worker costs after an epoch; all are there until the last has measured."""
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(workers), list[Connection]()
    gc.freeze()  # the collector would write to the pages of all objects
    for seed in range(workers):
        here, there = context.Pipe(duplex=False)
        context.Process(target=worker, args=(files, seed, barrier, there)).start()
        results.append(here)
    return [result.recv() for result in results]


def worker(files: FileList, seed: int, barrier: object, to: Connection) -> None:
    order_N, found = epoch_order(len(files), seed, 0), 0
    before = memory()
    for index in map(int, order_N):  # as a list, they would need more than the index does
        found += len(os.fspath(files.path(index))) + int(files.labels_N[index]) + int(files.sizes_N[index])
    gc.collect()
    barrier.wait()  # type: ignore[attr-defined]
    to.send(difference(before, memory()))
    barrier.wait()  # type: ignore[attr-defined]


def memory() -> Memory:
    rows = (line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
    return {row[0].rstrip(":"): int(row[1]) for row in rows}


def difference(before: Memory, after: Memory) -> str:
    def grown(*names: str) -> str:
        return f"{sum(after[name] - before[name] for name in names) / 1e3:+.1f} MB"

    private, shared = grown("Private_Clean", "Private_Dirty"), grown("Shared_Clean", "Shared_Dirty")
    return f"private {private} (dirty {grown('Private_Dirty')}), shared {shared}, proportional {grown('Pss')}"


def report(how: str, ranks: list[list[str]]) -> None:
    for number, lines in enumerate(ranks):
        print(f"{how}, rank {number}:")
        for line in lines:
            print(f"  {line}")


if __name__ == "__main__":
    main()
