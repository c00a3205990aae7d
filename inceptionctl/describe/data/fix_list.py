"""Writes the list of the images that cannot be read, which `data.leave_out` takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from inceptionctl.data.survey.findings import Finding, fix_list
from inceptionctl.errors import RequestError, count, warn
from inceptionctl.files import read_bytes


def write_fix_list(path: Path, found: Sequence[Finding]) -> None:
    """Nothing is written where nothing is to be left out: an empty list would be refused. Raises RequestError rather
    than replace another list."""
    lines, unwritable = fix_list(found)
    if unwritable:
        warn(f"{count(len(unwritable), 'name')} cannot stand in a list, such as {unwritable[0]!r}: rename the files")
    if not lines:
        warn(f"--fix-list {path} is not written: there is no image to leave out")
        return
    text = "".join(f"{line}\n" for line in lines)
    if path.exists() and read_bytes(path) != text.encode():
        raise RequestError(f"--fix-list {path} is there with other names: remove it, or write to another file")
    path.write_text(text, encoding="utf-8")
    warn(f"{count(len(lines), 'name')} written to {path}: train with data.leave_out={path}")
