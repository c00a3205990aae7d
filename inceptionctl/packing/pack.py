"""Packs the images of a data set into shards: in several processes, and continued where it was interrupted."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from inceptionctl.data.images import DataSource
from inceptionctl.data.index import Index
from inceptionctl.data.listing import as_text
from inceptionctl.data.packed.records import (
    SPLITS,
    SUMMARY,
    Counts,
    Packing,
    Plan,
    Source,
    Summary,
    Unreadable,
    to_json,
)
from inceptionctl.data.packed.shard import Shard
from inceptionctl.packing.folder import open_folder
from inceptionctl.packing.shard_writer import ShardWriter
from inceptionctl.runs.io import write_text

# Of a split and its number of images: is called with the number of them that are done.
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


def plan_of(source: DataSource, index: Index, packing: Packing) -> Plan:
    """`index`: of files to train and to evaluate on."""
    found = Source(
        data=source.name,
        title=as_text(source.shown_title),
        provenance=as_text(index.provenance),  # paths need not be UTF-8, and JSON is
        classes=index.classes,
        numbered=index.numbered,
        fingerprint=index.fingerprint or "",
        eval_fingerprint=index.eval_fingerprint or "",
        images=Counts(index.n_train, index.n_eval),
    )
    return Plan(source=found, packing=packing)


def pack(index: Index, plan: Plan, folder: Path, workers: int, skip_unreadable: bool, progress: Progress) -> Summary:
    """Writes the shards that are not there yet, and packed.json.

    Raises RequestError as `open_folder`, DataError for an image that cannot be read unless `skip_unreadable`, and
    InceptionctlError where a file cannot be written. Shards that are complete stay.
    """
    with open_folder(folder, plan) as plan:
        shards = dict[str, list[Shard]]()
        for split in SPLITS:
            with progress(split, len(index.files[split])) as report:
                writer = ShardWriter(folder, split, index.files[split], plan, skip_unreadable, report)
                shards[split] = writer.write(workers)
        summary = _summary(plan, shards)
        write_text(folder / SUMMARY, to_json(summary))
    return summary


def _summary(plan: Plan, shards: dict[str, list[Shard]]) -> Summary:
    counts = {split: sum(len(shard.names_N) for shard in found) for split, found in shards.items()}
    unreadable = [
        Unreadable(split, as_text(os.fsdecode(name)), reason)  # type: ignore[arg-type]
        for split, found in shards.items()
        for shard in found
        for name, reason in zip(shard.unreadable_U.tolist(), shard.reasons_U.tolist(), strict=True)
    ]
    size = sum(shard.size for found in shards.values() for shard in found)
    return Summary(plan=plan, images=Counts(**counts), size=size, unreadable=tuple(unreadable))
