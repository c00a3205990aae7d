"""What the program can be asked, kept in the user's cache: to find it out takes a second of imports, which a person who
presses Tab would wait for each time. It is found out anew once any file of the program has changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from inceptionctl.caches import cache_folder
from inceptionctl.errors import InceptionctlError
from inceptionctl.files import read_text, writing

MAX_BYTES = 1 << 20


def cached(name: str, find: Callable[[], Any]) -> Any:  # noqa: ANN401  a tree that JSON can have
    """What `find` gives, or gave before. A cache that cannot be read or written costs time alone."""
    path, program = cache_folder("completion") / f"{name}.json", fingerprint()
    with suppress(InceptionctlError, OSError, ValueError):
        tree = json.loads(read_text(path, MAX_BYTES))
        if isinstance(tree, dict) and tree.get("program") == program:
            return tree["found"]
    found = find()
    with suppress(InceptionctlError, OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with writing(path) as temporary:
            temporary.write_text(json.dumps({"program": program, "found": found}), encoding="utf-8")
    return found


def fingerprint() -> str:
    """Of the files of the program: their places, sizes and times."""
    digest = hashlib.sha256()
    for folder in ("inceptionctl", "inceptionctl.conf"):
        for entry in sorted(_files(str(files(folder))), key=lambda entry: entry.path):
            status = entry.stat()
            digest.update(f"{entry.path} {status.st_size} {status.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _files(folder: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path) if entry.name != "__pycache__" else ()
            elif Path(entry.name).suffix in (".py", ".yaml"):
                yield entry
