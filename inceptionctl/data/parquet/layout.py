"""Finds the Parquet files of each split in a folder from the Hugging Face Hub, or in its cache. No torch."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.data.folders import check_folder
from inceptionctl.data.hidden import is_hidden
from inceptionctl.data.listing import as_text, describe, entries, is_folder, some
from inceptionctl.errors import RequestError, count
from inceptionctl.files import FileError, read_text

SUFFIX = ".parquet"
SHARD = re.compile(r"(?P<split>\w[\w.]*)-(?P<number>\d{5})-of-(?P<total>\d{5})(-\w+)?\.parquet")
NAMED = re.compile(r"(?P<split>[A-Za-z][A-Za-z_]*?)([-_.]?\d.*)?\.parquet")
NO_SPLITS = ("part", "shard", "data", "file", "chunk")  # files of such names have their split's name on the folder
MAX_DEPTH = 6  # of folders


@dataclass(frozen=True)
class SplitFiles:
    """`splits`: by name, paths below `root`."""

    root: Path
    splits: Mapping[str, tuple[str, ...]]


def find_parquet(folder: Path) -> SplitFiles:
    """The files of a folder as `hf download` leaves it, of one in the cache of huggingface_hub, or any folder with
    SPLIT-00000-of-00005.parquet, SPLIT.parquet or SPLIT/0000.parquet in it.

    Raises RequestError where there are none, where some are missing, and for files of several data sets.
    """
    check_folder("root", folder)
    root, others = _snapshot(folder), Counter[str]()
    by_set = defaultdict[str, dict[str, list[str]]](lambda: defaultdict(list))
    for path in _parquet_below(root, others):
        subset, split = _placed(path)
        by_set[subset][split].append(path)
    if not by_set:
        raise RequestError(f"data.root = {folder} has no {SUFFIX} files: it holds {describe(others)}")
    if len(by_set) > 1:
        names = [as_text(os.path.join(root, subset)) for subset in sorted(by_set)]
        raise RequestError(f"data.root = {folder} has several sets of {SUFFIX} files: name one of {some(names)}")
    splits = {split: tuple(paths) for split, paths in next(iter(by_set.values())).items()}
    for split, paths in splits.items():
        _check_complete(root, split, paths)
    return SplitFiles(root, splits)


def _snapshot(folder: Path) -> Path:
    """The folder of the files: in the cache of huggingface_hub, where a folder has several states of a repository,
    that of its branch `main`, or the only one."""
    if not ((folder / "snapshots").is_dir() and (folder / "blobs").is_dir()):
        return folder
    states = [entry.name for entry in entries(folder / "snapshots") if is_folder(entry)]
    try:
        main = read_text(folder / "refs" / "main").strip()
    except FileError:
        main = ""
    chosen = main if main in states else states[0] if len(states) == 1 else ""
    if not chosen:
        advice = some([str(folder / "snapshots" / state) for state in states]) or "download the data set again"
        raise RequestError(
            f"data.root = {folder} has {count(len(states), 'snapshot')}, and none that refs/main names\n"
            f"  name one: {advice}"
        )
    return folder / "snapshots" / chosen


def _parquet_below(root: Path, others: Counter[str], below: str = "", depth: int = 0) -> Iterator[str]:
    """By name; hidden names are passed over, as those of unfinished downloads are."""
    for entry in entries(root / below):
        if is_hidden(entry.name):
            continue
        path = os.path.join(below, entry.name)
        if is_folder(entry):
            if depth < MAX_DEPTH:
                yield from _parquet_below(root, others, path, depth + 1)
        elif entry.name.endswith(SUFFIX):
            yield path
        else:
            others[os.path.splitext(entry.name)[1] or "no suffix"] += 1


def _placed(path: str) -> tuple[str, str]:
    """(the folder of the set of files, the split) of a file: default/train/0000.parquet is "default" and "train"."""
    folder, name = os.path.split(path)
    found = SHARD.fullmatch(name) or NAMED.fullmatch(name)
    if found and found["split"] not in NO_SPLITS:
        return folder, found["split"]
    around, split = os.path.split(folder)
    return around, split or "train"


def _check_complete(root: Path, split: str, paths: tuple[str, ...]) -> None:
    """Raises RequestError where shards are missing by the number that their names state."""
    shards = [found for path in paths if (found := SHARD.fullmatch(os.path.basename(path)))]
    if not shards:
        return
    total, there = int(shards[0]["total"]), {int(shard["number"]) for shard in shards}
    if missing := sorted(set(range(total)) - there):
        names = [f"{split}-{number:05d}-of-{total:05d}{SUFFIX}" for number in missing]
        raise RequestError(
            f"{len(missing):,} of the {count(total, 'file')} of split {split} below {root} are missing: {some(names)}\n"
            "  the same hf download command continues a download"
        )
