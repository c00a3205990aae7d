"""Writes the shards of one split: each whole or not at all, in the order of the images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from inceptionctl.data.index import FileList
from inceptionctl.data.listing import as_text
from inceptionctl.data.packed.records import SCHEMA, Plan, ShardFiles
from inceptionctl.data.packed.shard import Shard, read_shard
from inceptionctl.data.survey.pool import each
from inceptionctl.errors import DataError
from inceptionctl.files import FileError, writing
from inceptionctl.packing.encode import Encoded, encode
from inceptionctl.runs.arrays import write_arrays


class ShardWriter:
    """`report` is called with the number of images that are done."""

    def __init__(
        self,
        folder: Path,
        split: str,
        files: FileList,
        plan: Plan,
        skip_unreadable: bool,
        report: Callable[[int], None],
    ) -> None:
        self.folder, self.split, self.files, self.plan = folder, split, files, plan
        self.skip_unreadable, self.report, self.done = skip_unreadable, report, 0

    def write(self, workers: int) -> list[Shard]:
        """All shards of the split. Those that are complete are kept.

        Raises DataError for an image that cannot be read unless such are skipped, and when a process is killed;
        InceptionctlError where a file cannot be written.
        """
        shards = {number: self._kept(number) for number in self.plan.shards(self.split)}
        missing = [number for number, shard in shards.items() if shard is None]
        self.done = sum(len(self._members(number)) for number in shards if number not in missing)
        if missing:
            indices_N = np.concatenate([self._members(number) for number in missing])
            work = partial(encode, self.plan.packing)
            with closing(each(work, self.files, indices_N, workers)) as encoded:
                for number in missing:
                    shards[number] = self._write(number, encoded)
        return [shard for shard in shards.values() if shard is not None]

    def _members(self, number: int) -> np.ndarray:
        size = self.plan.packing.shard_images
        return np.arange(number * size, min((number + 1) * size, len(self.files)))

    def _kept(self, number: int) -> Shard | None:
        """A shard that is complete. Raises DataError for images that it leaves out, unless they are to be skipped."""
        with suppress(FileError):
            shard = read_shard(self.folder, ShardFiles(self.split, number), self.plan)
            for name, reason in zip(shard.unreadable_U.tolist(), shard.reasons_U.tolist(), strict=True):
                self._check_skipped(as_text(os.fsdecode(name)), reason)
            return shard
        return None

    def _write(self, number: int, encoded: Iterator[Encoded]) -> Shard:
        """The images first: a shard is complete once its arrays are there."""
        names = ShardFiles(self.split, number)
        with writing(self.folder / names.images) as temporary, temporary.open("wb") as file:
            shard = self._written(file, self._members(number), encoded)
        write_arrays(self.folder / names.arrays, SCHEMA, shard.to_arrays(self.plan))
        return shard

    def _written(self, file: BinaryIO, members_N: np.ndarray, encoded: Iterator[Encoded]) -> Shard:
        found = list[Encoded]()
        for index, image in zip(members_N.tolist(), islice(encoded, len(members_N)), strict=True):
            if image.error:
                self._check_skipped(as_text(self.files.name(index)), image.error)
            file.write(image.data)
            found.append(replace(image, data=b""))
            self.done += 1
            self.report(self.done)
        return self._shard(members_N, found)

    def _shard(self, members_N: np.ndarray, found: list[Encoded]) -> Shard:
        readable_N = np.array([not image.error for image in found], dtype=bool)
        # A terminal obeys control characters in names.
        names_N = np.array([as_text(os.fsdecode(name)).encode() for name in self.files.paths_N[members_N].tolist()])
        kept = [image for image in found if not image.error]
        sides_N2 = np.array([image.sides for image in kept], dtype=np.int64).reshape(-1, 2)
        return Shard(
            names_N=names_N[readable_N],
            labels_N=self.files.labels_N[members_N][readable_N].astype(np.int64),
            sizes_N=np.array([image.size for image in kept], dtype=np.int64),
            crc32_N=np.array([image.crc32 for image in kept], dtype=np.uint32),
            sides_N2=sides_N2 if self.plan.packing.kind == "raw" else None,
            unreadable_U=names_N[~readable_N],
            reasons_U=np.array([image.error for image in found if image.error], dtype=str),
        )

    def _check_skipped(self, name: str, reason: str) -> None:
        if not self.skip_unreadable:
            raise DataError(
                f"image {name} cannot be read: {reason}\n"
                "  --skip-unreadable leaves such images out; inceptionctl data check names all of them"
            )
