"""`inceptionctl data index`: lists a data set, keeps the listing in the user's cache, and says what it holds."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.console import Console

from inceptionctl.data.cached_listing import Key, Listed, write
from inceptionctl.data.found import Found
from inceptionctl.data.images import DataSource
from inceptionctl.data.index import FileList
from inceptionctl.data.index_cache import list_anew, look_up
from inceptionctl.data.listing import as_text
from inceptionctl.data.training_source import TrainingSource
from inceptionctl.errors import RequestError, bytes_text

SCHEMA = 1  # of --json
# By setting: what it has when it is not given. They are applied to what was listed.
APPLIED_LATER = {"leave_out": None, "train_fraction": None, "eval_split": "test"}


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rebuild", action="store_true", help="of index: list the images again in any case")


def check_flags(asked: argparse.Namespace) -> None:
    """Raises RequestError for flags that have no effect."""
    if asked.rebuild and asked.action != "index":
        raise RequestError(f"--rebuild has no effect on {asked.action}: it belongs to inceptionctl data index")
    if asked.workers is not None and asked.action == "index":
        raise RequestError("--workers has no effect on index, which decodes no image: leave it out")


def index_images(asked: argparse.Namespace, source: DataSource, console: Console) -> None:
    """Raises RequestError for a data set whose listing is not kept, and InceptionctlError where the cache cannot be
    written."""
    source = _with_listing(source)
    key = source.key
    with console.status(f"listing the images of data={source.name}"):  # seen on a terminal alone
        listed, current = (list_anew(key, source.find), False) if asked.rebuild else look_up(key, source.find)
    if not current:
        write(key, listed)
    if asked.json:
        print(json.dumps(_as_json(key, listed, current), indent=1))
    else:
        _show(key, listed, current)


def _with_listing(source: DataSource) -> TrainingSource:
    if not isinstance(source, TrainingSource) or not source.caches_listing:
        raise RequestError(
            f"data={source.name} has no index to keep: its images are made, come with a library, are compared with "
            "checksums whenever they are listed, or are for eval alone"
        )
    for name, default in APPLIED_LATER.items():
        if getattr(source, name) != default:
            raise RequestError(f"data.{name} has no effect on index, which has all images: give it to train")
    return source


def _as_json(key: Key, listed: Listed, current: bool) -> dict[str, Any]:
    found = listed.found
    return {
        "schema": SCHEMA,
        "data": key.data,
        "up_to_date": current,
        "listed": listed.begun_ns // 10**9,
        "seconds": round(listed.seconds, 3),
        "file": as_text(key.path),
        "file_bytes": key.path.stat().st_size,
        "where": as_text(found.where),
        "notes": [as_text(note) for note in found.notes],
        "classes": found.classes,
        "splits": {split: _split(files, found) for split, files in found.splits.items()},
    }


def _split(files: FileList, found: Found) -> dict[str, Any]:
    return {
        "root": as_text(files.root),
        "images": len(files),
        "bytes": int(files.sizes_N.sum()),
        "digest": files.digest(found.classes),
    }


def _show(key: Key, listed: Listed, current: bool) -> None:
    found = listed.found
    print(f"{as_text(found.where)}: {len(found.classes):,} classes")
    for split, files in found.splits.items():
        one = _split(files, found)
        print(f"{split}: {one['images']:,} images, {bytes_text(one['bytes'])}, digest {one['digest']}")
    for note in found.notes:
        print(as_text(note))
    how = f"up to date: no folder has changed since {listed.date}, when they were listed" if current else "listed"
    print(f"{how} in {listed.seconds:.1f} s")
    print(f"kept in {as_text(key.path)} ({bytes_text(key.path.stat().st_size)})")
