"""What data sets that are for `eval` alone share: labelled files without images to train on."""

from __future__ import annotations

from typing import Literal

from inceptionctl.data.file_images import open_splits
from inceptionctl.data.images import DataSource, DataSplits, Views
from inceptionctl.data.index import FileList, Index
from inceptionctl.data.listing import per_class
from inceptionctl.errors import count
from inceptionctl.settings import section


@section
class EvaluationSource(DataSource):
    """Each is a subclass with its own settings and its `index`."""

    trains = False

    eval_split: Literal["test"]
    """There is one split."""
    on_corrupt: Literal["error", "skip", "wrong"]
    """For an image that cannot be read. error: end; skip: leave it out; wrong: count it as classified wrongly."""

    def open(self, index: Index, views: Views, seed: int) -> DataSplits:
        return open_splits(index, views, seed, self.on_corrupt)


def evaluation_index(
    files: FileList, classes: tuple[str, ...], where: str, *notes: str, numbered: bool = False
) -> Index:
    """An index of images to evaluate on; `where` they and their labels come from."""
    counts_K = files.counts(classes)
    held_K = counts_K[counts_K > 0]
    counts = f"{count(len(files), 'image')} of {len(held_K):,} classes ({per_class(held_K)})"
    return Index(
        n_train=0,
        n_eval=len(files),
        classes=classes,
        provenance="; ".join([f"{counts}: {where}", *notes]),
        fingerprint=None,
        eval_fingerprint=files.digest(classes),
        dev=False,
        files={"eval": files},
        numbered=numbered,
    )
