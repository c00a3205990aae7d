"""The file systems that runs, decoded images and temporary files lie on."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from inceptionctl.caches import cache_folder
from inceptionctl.doctor.finding import Finding, note, ok, problem
from inceptionctl.errors import bytes_text

CHECK = "disk"
NEEDED, WANTED = 1e9, 10e9  # bytes: a few checkpoints; a table
NEEDED_FILES = 10_000  # a table has about a hundred for each cell


def check(outputs: Path) -> Iterator[Finding]:
    places = {
        "outputs": (outputs, "outputs=DIR keeps runs elsewhere"),
        "cache": (cache_folder(""), "XDG_CACHE_HOME=DIR keeps the cache elsewhere"),
        "temporary files": (Path(tempfile.gettempdir()), "TMPDIR=DIR keeps temporary files elsewhere"),
    }
    for name, (folder, elsewhere) in places.items():
        yield examined(name, folder, elsewhere)


def examined(name: str, folder: Path, elsewhere: str) -> Finding:
    """Of the file system that `folder` lies on, or would lie on."""
    there = existing(folder)
    usage, files = shutil.disk_usage(there), os.statvfs(there)
    values = {"folder": str(folder), "free_bytes": usage.free, "total_bytes": usage.total}
    space = f"{bytes_text(usage.free)} of {bytes_text(usage.total)} free"
    message = f"{name} ({folder}): {space}"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return problem(CHECK, f"{name} ({folder}): {there} cannot be written to", elsewhere, **values)
    if files.f_files and files.f_favail < NEEDED_FILES:
        return problem(
            CHECK, f"{message}, and room for {files.f_favail:,} files only", f"remove files; {elsewhere}", **values
        )
    if usage.free < NEEDED:
        return problem(CHECK, message, f"free some space; {elsewhere}", **values)
    if usage.free < WANTED:
        return note(CHECK, message, f"a table may need more; {elsewhere}", **values)
    return ok(CHECK, message, **values)


def existing(folder: Path) -> Path:
    """The nearest that is there."""
    whole = Path(os.path.abspath(folder))
    return next(path for path in (whole, *whole.parents) if os.path.lexists(path))
