"""Finds the tar shards of a data set: those in a folder, or those that DIR/train-{000000..000146}.tar names."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path

from inceptionctl.data.hidden import is_hidden
from inceptionctl.data.listing import as_text, describe, entries, is_folder, some
from inceptionctl.errors import RequestError, count

BRACES = re.compile(r"\{([^{}]*)\}")
RANGE = re.compile(r"([0-9]{1,9})\.\.([0-9]{1,9})")
MAX_SHARDS = 100_000
FORM = "a folder of .tar files, or a pattern as DIR/train-{000000..000146}.tar (in quotes: the shell expands braces)"


@dataclass(frozen=True)
class Shards:
    """`paths` below `root`, in the order of the folder or of the pattern; `notes`: what else lies in the folder."""

    root: Path
    paths: tuple[str, ...]
    notes: tuple[str, ...] = ()


def find_shards(setting: str, typed: str) -> Shards:
    """The shards that `typed`, the value of `setting`, names. Raises RequestError where there are none, and for those
    of a pattern that are missing."""
    if os.path.isdir(typed):
        return _in_folder(setting, Path(typed))
    if os.path.lexists(typed) or not BRACES.search(typed):
        return _named(setting, typed, [typed])
    return _named(setting, typed, expanded(setting, typed))


def expanded(setting: str, pattern: str) -> list[str]:
    """The names that a pattern stands for: {000..146} is a range of numbers, {a,b} a choice; of several braces, the
    last varies first. Raises RequestError for other braces, and for too many names."""
    parts = BRACES.split(pattern)  # texts, and what is in braces between them
    choices = [[part] if i % 2 == 0 else _choices(setting, part) for i, part in enumerate(parts)]
    if (number := prod(map(len, choices))) > MAX_SHARDS:
        raise RequestError(f"{setting} = {pattern} names {number:,} shards, and {MAX_SHARDS:,} are the most")
    names = ["".join(words) for words in product(*choices)]
    if len(set(names)) < len(names):
        raise RequestError(f"{setting} = {pattern} names a shard twice")
    return names


def _choices(setting: str, text: str) -> list[str]:
    if found := RANGE.fullmatch(text):
        first, last = found.groups()
        if not 0 <= int(last) - int(first) < MAX_SHARDS:
            raise RequestError(f"{setting}: {{{text}}} is no range of at most {MAX_SHARDS:,} numbers, the lower first")
        width = max(len(first), len(last)) if "0" in (first[0], last[0]) and len(first) + len(last) > 2 else 0
        return [f"{number:0{width}d}" for number in range(int(first), int(last) + 1)]
    if "," in text and ".." not in text:
        return text.split(",")
    raise RequestError(f"{setting}: {{{text}}} is neither a range, {{000..146}}, nor a choice, {{a,b}}")


def _in_folder(setting: str, folder: Path) -> Shards:
    shown = [entry for entry in entries(folder) if not is_hidden(entry.name)]
    names = [entry.name for entry in shown if entry.name.endswith(".tar") and not is_folder(entry)]
    others = Counter(
        "folder below" if is_folder(entry) else os.path.splitext(entry.name)[1] or "no suffix"
        for entry in shown
        if entry.name not in names
    )
    if not names:
        raise RequestError(f"{setting} = {folder} has no .tar files: it holds {describe(others)}\n  name {FORM}")
    return Shards(folder, tuple(names), (f"not used in {folder}: {describe(others)}",) if others else ())


def _named(setting: str, typed: str, paths: list[str]) -> Shards:
    missing = [path for path in paths if not os.path.exists(path)]
    if missing == [typed]:
        raise RequestError(f"{setting} = {typed} is not there\n  name {FORM}")
    if missing:
        raise RequestError(
            f"{len(missing):,} of the {count(len(paths), 'shard')} of {setting} = {typed} are missing: "
            f"{some([as_text(path) for path in missing])}"
        )
    root = os.path.commonpath([os.path.dirname(path) for path in paths])
    return Shards(Path(root), tuple(os.path.relpath(path, root) for path in paths))
