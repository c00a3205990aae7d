"""parts/ of an evaluation's folder: the outcomes of batches that are done, a file now and then from each rank."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inceptionctl.errors import InceptionctlError, warn
from inceptionctl.evaluation.outcome import ARRAYS, Evaluation, concatenate
from inceptionctl.files import FileError
from inceptionctl.runs.arrays import read_arrays, write_arrays
from inceptionctl.runs.io import RecordError, make_folder

SCHEMA = 1
DIGITS = 6  # of the numbers of batches in the name of a part


@dataclass(frozen=True)
class Parts:
    """In `folder`, of the evaluation that `key` tells from others. `batches`: the images of each batch; `empty`: the
    evaluation of no images, whose arrays have the right types and widths."""

    folder: Path
    key: str
    batches: Sequence[range]
    empty: Evaluation

    def write(self, done: Sequence[tuple[int, Evaluation]]) -> None:
        """Adds the outcomes of batches by their numbers. Raises InceptionctlError if the disk is full."""
        if not done:
            return
        numbers = [number for number, _ in done]
        found = concatenate([outcome for _, outcome in done])
        arrays = {name: array for name in ARRAYS if (array := getattr(found, name)) is not None}
        make_folder(self.folder)
        path = self.folder / f"{numbers[0]:0{DIGITS}}-{numbers[-1]:0{DIGITS}}.npz"
        write_arrays(path, SCHEMA, {"key": self.key, "batches": np.array(numbers), **arrays})

    def read(self) -> dict[int, Evaluation]:
        """The outcomes by batch. A part that is damaged or of another evaluation is named, and its batches are not
        among them."""
        found: dict[int, Evaluation] = {}
        for path in self._files():
            try:
                found |= self._batches_in(path, found.keys())
            except FileError as error:
                warn(f"{error}; its images are evaluated again")
        return found

    def whole(self, attempts: int = 1, pause: Callable[[float], None] = time.sleep) -> Evaluation:
        """All batches, in order. `attempts`: how often they are looked for, once a second: a network file system shows
        what other nodes have written after a while. Raises InceptionctlError if one is missing."""
        found = self.read()
        while missing := len(self.batches) - len(found):
            attempts -= 1
            if not attempts:
                raise InceptionctlError(
                    f"{self.folder} lacks {missing:,} of {len(self.batches):,} batches: start the evaluation again"
                )
            pause(1.0)
            found = self.read()
        whole = concatenate([self.empty, *(found[number] for number in range(len(self.batches)))])
        images_N = np.sort(np.concatenate([whole.indices_N, whole.left_out_M]))
        assert np.array_equal(images_N, np.arange(sum(map(len, self.batches)))), "every image is evaluated exactly once"
        return whole

    def remove(self) -> None:
        """Removes what this evaluation has put into the folder, and what its processes left when they were killed."""
        for path in [*self._files(), *self.folder.glob(".*.npz.*")]:
            with suppress(OSError):
                if path.name.startswith(".") or self._is_ours(path):
                    path.unlink()
        with suppress(OSError):
            self.folder.rmdir()

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*-[0-9]*.npz"))

    def _is_ours(self, path: Path) -> bool:
        """Whether it is, or is too damaged to tell."""
        try:
            return str(read_arrays(path, SCHEMA).get("key")) == self.key
        except FileError:
            return True

    def _batches_in(self, path: Path, others: Collection[int]) -> dict[int, Evaluation]:
        arrays = read_arrays(path, SCHEMA)
        if (key := str(arrays.pop("key", None))) != self.key:
            raise RecordError(f"{path} is of another evaluation ({key}, and not {self.key})")
        numbers = arrays.pop("batches", np.empty(0, np.int64)).tolist()
        if wrong := sorted({*numbers} & {*others} or {*numbers} - {*range(len(self.batches))}):
            raise RecordError(f"{path} is damaged: it has batch {wrong[0]}, which another part has, or none should")
        self._check(path, arrays)
        found = Evaluation(n_classes=self.empty.n_classes, **arrays)
        return {number: self._batch(path, found, self.batches[number]) for number in numbers}

    def _check(self, path: Path, arrays: Mapping[str, np.ndarray]) -> None:
        """Raises RecordError unless the arrays are of the kinds that they should be, and as long."""
        wanted = {name: array for name in ARRAYS if (array := getattr(self.empty, name)) is not None}
        kinds = {name: (array.dtype, array.shape[1:]) for name, array in arrays.items()}
        lengths = {len(array) for name, array in arrays.items() if name != "left_out_M" and array.ndim}
        if kinds != {name: (array.dtype, array.shape[1:]) for name, array in wanted.items()} or len(lengths) != 1:
            raise RecordError(f"{path} is damaged: its arrays are not those of an evaluation")

    def _batch(self, path: Path, found: Evaluation, images: range) -> Evaluation:
        """Raises RecordError unless each of the images is there once."""

        def within(places: np.ndarray) -> np.ndarray:
            return np.asarray((places >= images.start) & (places < images.stop))

        chosen_N, left_out_M = within(found.indices_N), found.left_out_M[within(found.left_out_M)]
        if sorted([*found.indices_N[chosen_N].tolist(), *left_out_M.tolist()]) != list(images):
            raise RecordError(
                f"{path} is damaged: it lacks images {images.start} to {images.stop - 1}, or some of them"
            )
        arrays = {name: array for name in ARRAYS if (array := getattr(found, name)) is not None}
        chosen = {name: array[chosen_N] for name, array in arrays.items() if name != "left_out_M"}
        return Evaluation(n_classes=found.n_classes, left_out_M=left_out_M, **chosen)
