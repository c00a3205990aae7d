"""ReaL labels: all classes that each validation image shows, of Beyer et al. 2020, "Are we done with ImageNet?".

A file of timm states them in the order of the validation images, by class numbers in the order of the WordNet ids.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache

import numpy as np

from inceptionctl.data.index import NO_LABEL, FileList, Index
from inceptionctl.data.listing import as_text, some
from inceptionctl.data.mismatch import is_imagenet
from inceptionctl.data.wordnet import timm_text, wordnet_ids
from inceptionctl.errors import InceptionctlError, RequestError

N_VALIDATION = 50_000
NUMBERED = re.compile(rb"ILSVRC2012_val_([0-9]{8})\.[A-Za-z]+")
ENOUGH = 20  # images, to tell right labels from labels of another order
LEAST_AGREEMENT = 0.5  # share of right labels that are among the ReaL labels: of ImageNet's own, 0.90


def image_numbers(files: FileList) -> np.ndarray:
    """The number of each image among the validation images, from 1 on, by its file name; 0 of a name without one."""
    found = (NUMBERED.fullmatch(path.rpartition(b"/")[2]) for path in files.paths_N.tolist())
    numbers_N = np.array([int(match[1]) if match else 0 for match in found], dtype=np.int64)
    numbers_N[numbers_N > N_VALIDATION] = 0
    return numbers_N


@cache
def label_sets() -> np.ndarray:
    """The classes of each validation image, (50,000, most of one), padded with NO_LABEL; an image may have none."""
    sets = json.loads(timm_text("imagenet_real_labels.json"))
    if len(sets) != N_VALIDATION:
        raise InceptionctlError(f"timm has ReaL labels of {len(sets):,} images, not of {N_VALIDATION:,}")
    sets_NL = np.full((len(sets), max(map(len, sets))), NO_LABEL, dtype=np.int64)
    for i, labels in enumerate(sets):
        sets_NL[i, : len(labels)] = sorted(labels)
    return sets_NL


def with_real_labels(index: Index, where: str) -> Index:
    """The images of `index` that have ReaL labels, in the network's classes; `where`: the data ("data=labelled").

    Raises RequestError for a network of other classes, and for images without a number in their names.
    """
    files = index.files.get("eval")
    if files is None or not is_imagenet(index.classes):
        raise RequestError(
            f"images.labels=real are labels of ImageNet's 1,000 classes, and {where} is evaluated by a network of "
            f"other classes, {some(index.classes)}"
        )
    numbers_N = image_numbers(files)
    if not numbers_N.all():
        odd = files.path(int(np.flatnonzero(numbers_N == 0)[0])).name
        raise RequestError(
            "images.labels=real needs ImageNet's validation images under their own names, ILSVRC2012_val_00000001.JPEG "
            f"to {N_VALIDATION:08d}: {as_text(odd)} is none"
        )
    sets_NL = _in_order(index.classes)[numbers_N - 1]
    kept_N = (sets_NL != NO_LABEL).any(axis=1)
    if not kept_N.any():
        raise RequestError(f"images.labels=real: none of the {len(files):,} images has a ReaL label")
    note = f"ReaL labels, which {int(kept_N.sum()):,} of these {len(files):,} images have"
    return index.evaluated_on(replace(files, label_sets_NL=sets_NL).subset(kept_N), note)


def agreement(index: Index) -> float | None:
    """The share of the labels that are among the ReaL labels of their images; None for other images, classes, or few.

    Nine in ten of ImageNet's own labels are. Labels of another order, such as ILSVRC ids, agree by chance alone.
    """
    files = index.files["eval"]
    numbers_N = image_numbers(files)
    if not is_imagenet(index.classes) or np.count_nonzero(numbers_N) < ENOUGH:
        return None
    known_N = numbers_N > 0
    sets_NL = _in_order(index.classes)[numbers_N[known_N] - 1]
    rated_N = (sets_NL != NO_LABEL).any(axis=1)
    found_N = (sets_NL == files.labels_N[known_N][:, None]).any(axis=1)
    return float(found_N[rated_N].mean()) if rated_N.any() else None


def _in_order(classes: tuple[str, ...]) -> np.ndarray:
    """`label_sets` as class indices of a network that has ImageNet's classes in any order."""
    class_of = {wnid: k for k, wnid in enumerate(classes)}
    order = np.array([class_of[wnid] for wnid in wordnet_ids()] + [NO_LABEL])  # NO_LABEL is -1, the last
    ordered: np.ndarray = order[label_sets()]
    return ordered
