"""Leaves listed images out of the splits of a data set, and writes the line of such a list for an image.

An image has a path: in a larger file, the path of that file with the image's name behind it. A line names it from the
folder of its split, from the folder around that, by an absolute path, or by its file name where no two images have it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from inceptionctl.data.index import FileList
from inceptionctl.data.label_list import BLANK
from inceptionctl.data.listing import as_text, some
from inceptionctl.data.selection import read_lines
from inceptionctl.errors import RequestError, count, shortened

SETTING = "data.leave_out"
FORM = "a line is a file name, an absolute path, or a path below the folder of a split or the folder around it"
Image = tuple[str, int]  # split and index


def leave_out_of(splits: Mapping[str, FileList], path: Path) -> tuple[dict[str, FileList], str]:
    """(the splits without the images of the list, what to say of it).

    Raises RequestError for a name that is in none of the splits, and for one that several images have. The name of a
    file of 0 bytes may be listed: no data set takes it for an image.
    """
    lines = list(dict.fromkeys(os.path.normpath(line) for line in read_lines(path, SETTING)))
    named, missing = _named(lines, splits, path)
    if missing := [line for line in missing if not _is_empty(line, splits)]:
        folders = some(list(dict.fromkeys(files.root for files in splits.values())))
        raise RequestError(
            f"{SETTING} = {path}: {len(missing):,} of its {count(len(lines), 'name')} are not among the images of "
            f"{folders}: {some([repr(shortened(as_text(line))) for line in missing])}\n  {FORM}"
        )
    left, removed = dict[str, FileList](), dict[str, int]()
    for split, files in splits.items():
        kept_N = np.ones(len(files), dtype=bool)
        kept_N[[index for of, index in named if of == split]] = False
        left[split], removed[split] = files.subset(kept_N), len(files) - int(kept_N.sum())
    counts = " and ".join(f"{n:,} {split}" for split, n in removed.items())
    return left, f"data.leave_out: {counts} images left out ({path})"


def lines_of(splits: Mapping[str, FileList], images: Sequence[Image]) -> list[str]:
    """The line of each image, which `leave_out_of` finds again: from the folder that all splits lie in, or the one they
    share; without one, an absolute path."""
    base = _base(splits)
    return [os.path.relpath(path, base) if base else path for path in (path_of(splits[s], i) for s, i in images)]


def is_line(name: str) -> bool:
    """Whether a list, which is UTF-8, can hold the name: in a line, without blanks around it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return "\n" not in name and name == name.strip(BLANK)


def path_of(files: FileList, index: int) -> str:
    parts = [files.ranges.file(index)] if files.ranges else []
    return os.path.join(files.root, *parts, os.fsdecode(files.paths_N[index]).lstrip("/"))


def _base(splits: Mapping[str, FileList]) -> str:
    """The folder that the lines of a list begin at; "" if there is none."""
    roots = {os.path.normpath(files.root) for files in splits.values()}
    around = {os.path.dirname(root) for root in roots}
    return roots.pop() if len(roots) == 1 else around.pop() if len(around) == 1 else ""


def _named(lines: Sequence[str], splits: Mapping[str, FileList], path: Path) -> tuple[set[Image], list[str]]:
    """(the images of the lines, the lines that name none)."""
    by_path, by_name = dict[str, list[Image]](), dict[str, list[Image]]()
    for split, files in splits.items():
        for index in range(len(files)):
            full = os.path.normpath(path_of(files, index))
            by_path.setdefault(full, []).append((split, index))
            by_name.setdefault(os.path.basename(full), []).append((split, index))
    named, missing = set[Image](), list[str]()
    for line in lines:
        paths = [full for full in _readings(line, splits) if full in by_path]
        found = [image for full in paths for image in by_path[full]] or by_name.get(line, [])
        if len(paths) > 1 or (not paths and len(found) > 1):
            both = " and ".join(as_text(name) for name in lines_of(splits, found[:2]))
            raise RequestError(f"{SETTING} = {path}: {as_text(line)} may be {both}: list the path as it stands here")
        named.update(found)
        missing += [] if found else [line]
    return named, missing


def _readings(line: str, splits: Mapping[str, FileList]) -> Iterator[str]:
    """The full paths that a line may mean, each once."""
    roots = [os.path.abspath(files.root) for files in splits.values()]
    folders = [*roots, *map(os.path.dirname, roots)]
    yield from dict.fromkeys(os.path.normpath(os.path.join(folder, line)) for folder in folders)


def _is_empty(line: str, splits: Mapping[str, FileList]) -> bool:
    return any(os.path.isfile(path) and not os.path.getsize(path) for path in _readings(line, splits))
