"""`inceptionctl data pack`: the flags of its own, and what it prints."""

from __future__ import annotations

import argparse
import json
import shlex
from functools import partial
from pathlib import Path

from rich.console import Console

from inceptionctl.data.images import DataSource
from inceptionctl.data.index import Index
from inceptionctl.data.packed.records import Kind, Packing, Summary
from inceptionctl.describe.data.progress import ImageProgress
from inceptionctl.errors import RequestError, bytes_text, count
from inceptionctl.packing.encode import encoder
from inceptionctl.packing.folder import check_apart
from inceptionctl.packing.pack import pack, plan_of

SCHEMA = 1  # of --json
SHORT_SIDE, SHORTEST, LONGEST = 352, 16, 4096  # pixels
QUALITY = 90
SHARD_IMAGES = 1000
# By flag: what it has when it is not given.
FLAGS = {"out": None, "short_side": None, "quality": None, "raw": False, "skip_unreadable": False}


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="DIR", help="of pack: the folder to write to, new or to continue")
    parser.add_argument(
        "--short-side", type=int, metavar="N",
        help=f"of pack: pixels of the short side; smaller images stay as they are (default: {SHORT_SIDE})",
    )  # fmt: skip
    parser.add_argument("--quality", type=int, metavar="Q", help=f"of pack: of JPEG, 1 to 100 (default: {QUALITY})")
    parser.add_argument("--raw", action="store_true", help="of pack: store pixels, which need no decoding, not JPEG")
    parser.add_argument(
        "--skip-unreadable", action="store_true",
        help="of pack: leave images out that cannot be read, instead of ending at the first one",
    )  # fmt: skip


def check_flags(asked: argparse.Namespace) -> None:
    """Raises RequestError for flags that have no effect or values that are not allowed."""
    given = [name for name, default in FLAGS.items() if getattr(asked, name) != default]
    if asked.action != "pack":
        if given:
            flag = f"--{given[0].replace('_', '-')}"
            raise RequestError(f"{flag} has no effect on {asked.action}: it belongs to inceptionctl data pack")
        return
    if asked.out is None:
        raise RequestError("data pack needs --out DIR, the folder to write to")
    if asked.raw and asked.quality is not None:
        raise RequestError("--quality has no effect with --raw, which stores pixels: leave one of them out")
    if asked.quality is not None and not 1 <= asked.quality <= 100:
        raise RequestError(f"--quality {asked.quality} is not allowed: give 1 to 100")
    if asked.short_side is not None and not SHORTEST <= asked.short_side <= LONGEST:
        raise RequestError(f"--short-side {asked.short_side} is not allowed: give {SHORTEST} to {LONGEST:,} pixels")


def pack_images(asked: argparse.Namespace, source: DataSource, workers: int, console: Console) -> None:
    """Raises RequestError for a data set that cannot be packed, and as `pack`."""
    index = _index(source)
    check_apart(asked.out, index)
    plan = plan_of(source, index, _packing(asked))
    progress = partial(ImageProgress, console=console)
    summary = pack(index, plan, asked.out, workers, asked.skip_unreadable, progress)
    _print(asked, summary)


def _index(source: DataSource) -> Index:
    if not source.trains:
        raise RequestError(f"data={source.name} has no images to train on: packed images are to train and evaluate on")
    if source.eval_split != "test":
        raise RequestError("data.eval_split=dev has no effect on pack: give it to train, with data=packed")
    index = source.index(dev=False)
    if not index.files:
        raise RequestError(f"data={source.name} has no image files to pack: its images are made or come with a library")
    return index


def _packing(asked: argparse.Namespace) -> Packing:
    kind: Kind = "raw" if asked.raw else "jpeg"
    return Packing(
        kind=kind,
        short_side=asked.short_side or SHORT_SIDE,
        quality=None if asked.raw else asked.quality or QUALITY,
        shard_images=SHARD_IMAGES,
        encoder=encoder(kind),
    )


def _print(asked: argparse.Namespace, summary: Summary) -> None:
    images, packing = summary.images, summary.plan.packing
    if asked.json:
        tree = {
            "schema": SCHEMA, "data": summary.plan.source.data, "folder": str(asked.out), "kind": packing.kind,
            "short_side": packing.short_side, "quality": packing.quality, "bytes": summary.size,
            "images": {"train": images.train, "eval": images.eval},
            "unreadable": [{"split": one.split, "name": one.name, "note": one.reason} for one in summary.unreadable],
        }  # fmt: skip
        print(json.dumps(tree, indent=1))
        return
    print(f"{images.train:,} images to train and {images.eval:,} to evaluate on, {bytes_text(summary.size)}: {packing}")
    if summary.unreadable:
        print(f"{count(len(summary.unreadable), 'image')} left out, since they could not be read: packed.json has them")
    print(f"  {shlex.join(['inceptionctl', 'train', 'data=packed', f'data.root={asked.out}'])}")
