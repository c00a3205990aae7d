"""Lists the images of one split of Parquet files, with labels that are numbers or names. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inceptionctl.data.byte_ranges import AT_OFFSET, ByteRanges
from inceptionctl.data.class_names import read_class_names
from inceptionctl.data.index import FileList
from inceptionctl.data.listing import as_text, some
from inceptionctl.data.parquet.columns import Columns
from inceptionctl.data.parquet.layout import SplitFiles
from inceptionctl.data.parquet.rows import Places, Rows, read_columns, read_rows
from inceptionctl.errors import RequestError, bytes_text, count

MAX_LABEL = 10**6  # more classes than any set of images has
LARGE_GROUP = 1 << 20  # bytes of a row group that is read for each image: 0.6 ms, where decoding takes 1 to 4


@dataclass(frozen=True, eq=False)
class Split:
    """The labelled images of a split. `file_N`: which of its files each lies in; `labels`: a number or a name each;
    `notes`: what was left out, and what else to know."""

    name: str
    root: str
    paths: tuple[str, ...]
    columns: Columns
    names: list[bytes]
    labels: list[int | str]
    file_N: np.ndarray
    places: Places
    notes: tuple[str, ...]

    def files(self, classes: tuple[str, ...]) -> FileList:
        """Raises RequestError for a number that is none of `classes`."""
        ranges = ByteRanges(
            self.paths,
            self.file_N,
            self.places.offsets_N,
            column=self.columns.leaf,
            groups_N=self.places.groups_N,
            lengths=tuple(Path(self.root, path).stat().st_size for path in self.paths),
        )
        place = {name: k for k, name in enumerate(classes)}
        numbers = [place[x] if isinstance(x, str) else x for x in self.labels]
        wrong = next((k for k, number in enumerate(numbers) if not 0 <= number < len(classes)), None)
        if wrong is not None:
            name = as_text(f"{self.root}/{ranges.file(wrong)}: {self.names[wrong].decode()}")
            raise RequestError(f"{name} has the label {numbers[wrong]}, and the classes are 0 to {len(classes) - 1:,}")
        labels_N, names_N = np.array(numbers, dtype=np.int64), np.array(self.names, dtype=bytes)
        return FileList(self.root, names_N, labels_N, self.places.sizes_N, ranges=ranges)


def read_split(files: SplitFiles, name: str, setting: str, image: str | None, label: str | None) -> Split:
    """`setting`: that names the split; `image`, `label`: columns as in `find_columns`.

    Raises RequestError for a split that is not there, files without these columns, and where nothing has a label.
    """
    if name not in files.splits:
        raise RequestError(f"{setting} = {name}: {files.root} has no such split, but {', '.join(files.splits)}")
    paths = files.splits[name]
    columns = read_columns(files.root / paths[0], image, label)
    return _joined(name, files.root, paths, columns, [read_rows(files.root / path, columns) for path in paths], setting)


def _joined(
    name: str, root: Path, paths: tuple[str, ...], columns: Columns, parts: Sequence[Rows], setting: str
) -> Split:
    labels = [label for rows in parts for label in rows.labels]
    kept = [index for index, label in enumerate(labels) if label is not None]
    without_image, unlabelled = sum(rows.without_image for rows in parts), len(labels) - len(kept)
    if not kept:
        raise RequestError(
            f"{setting} = {name}: "
            + (f"none of its {count(len(labels), 'image')} has a label" if labels else "it has no images")
            + f" in column {columns.label}\n  name another split, or divide that to train on with data.split=0.1"
        )
    names = [image for rows in parts for image in rows.names]
    file_N = np.repeat(np.arange(len(parts)), [len(rows.names) for rows in parts])
    places = Places.joined([rows.places for rows in parts]).subset(kept)
    left_out = [("an image", without_image), ("a label", unlabelled)]
    notes = [f"left out of {name}: {count(rows, 'row')} without {what}" for what, rows in left_out if rows]
    return Split(
        name=name,
        root=str(root),
        paths=paths,
        columns=columns,
        names=[names[index] for index in kept],
        labels=[as_text(x) if isinstance(x := labels[index], str) else int(x or 0) for index in kept],
        file_N=file_N[kept],
        places=places,
        notes=(*notes, *_slow(name, file_N[kept], places)),
    )


def _slow(name: str, file_N: np.ndarray, places: Places) -> list[str]:
    """What to say of images that cannot be read without their row group."""
    grouped_N = places.groups_N != AT_OFFSET
    if not grouped_N.any():
        return []
    groups = len(np.unique(np.stack([file_N, places.groups_N])[:, grouped_N], axis=1).T)
    images, size = grouped_N.sum() / groups, places.sizes_N[grouped_N].sum() / groups
    if size < LARGE_GROUP:
        return []
    return [
        f"slow: for each image of {name} a row group is read, {images:,.0f} images of {bytes_text(size)} in all, since "
        "they are compressed together: inceptionctl data pack stores images one by one"
    ]


def classes_of(splits: Sequence[Split], class_names: str | None) -> tuple[tuple[str, ...], bool]:
    """(the classes of all splits, whether they are no names but numbers).

    Raises RequestError where splits differ in kind or names of labels, and for `class_names` without an effect.
    """
    first, *others = (split.columns for split in splits)
    for split, columns in zip(splits[1:], others, strict=True):
        if (columns.is_text, columns.classes) != (first.is_text, first.classes):
            raise RequestError(
                f"the classes of {splits[0].name} and {split.name} differ: {_kind(first)} and {_kind(columns)}"
            )
    if class_names and first.is_text:
        raise RequestError(f"data.class_names has no effect: column {first.label} has names already\n  leave it out")
    if first.is_text:
        return tuple(sorted({str(label) for split in splits for label in split.labels})), False
    if names := read_class_names(Path(class_names)) if class_names else first.classes:
        return names, False
    return _numbers(max(int(label) for split in splits for label in split.labels)), True


def _numbers(most: int) -> tuple[str, ...]:
    if most > MAX_LABEL:
        raise RequestError(f"a label is {most:,}: class numbers go to {MAX_LABEL:,}\n  name another data.label_column")
    return tuple(map(str, range(max(most, 0) + 1)))


def _kind(columns: Columns) -> str:
    return "text" if columns.is_text else some(columns.classes) if columns.classes else "numbers without names"


def check_trained(files: FileList, classes: tuple[str, ...], name: str) -> None:
    """Raises RequestError for fewer than two classes, and for one without images to train on."""
    if len(classes) < 2:
        raise RequestError(f"split {name} has one class, {classes[0]}: a network needs two classes to tell apart")
    if missing := [classes[k] for k in np.flatnonzero(files.counts(classes) == 0)]:
        raise RequestError(
            f"split {name} has no images of {len(missing):,} of the {len(classes):,} classes: {some(missing)}"
        )
