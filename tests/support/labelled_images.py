"""Small labelled folders, and a devkit of ILSVRC-2012 made of what timm knows of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.io import savemat

from inceptionctl.data.devkit import GROUND_TRUTH, META
from inceptionctl.data.evaluation_source import evaluation_index
from inceptionctl.data.index import FileList, Index
from inceptionctl.data.real_labels import N_VALIDATION, label_sets
from inceptionctl.data.sources import imagenet_val, labelled
from inceptionctl.data.wordnet import wordnet_ids
from support.image_folders import smooth

LABELLED = labelled.Settings(name="labelled", eval_split="test", workers=0, root=None, list=None, on_corrupt="error")
IMAGENET_VAL = imagenet_val.Settings(
    name="imagenet_val", eval_split="test", workers=0, root=None, devkit=None, on_corrupt="error"
)


def labelled_index(root: Path | None = None, list: Path | None = None) -> Index:
    return replace(LABELLED, root=str(root) if root else None, list=str(list) if list else None).index(dev=False)


def write_list(folder: Path, *lines: str, name: str = "val.txt") -> Path:
    (folder / name).write_text("".join(f"{line}\n" for line in lines))
    return folder / name


def validation_name(number: int) -> str:
    return f"ILSVRC2012_val_{number:08d}.JPEG"


def fill_validation(folder: Path, *numbers: int) -> Path:
    """Validation images by name: none of them is what its number says."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        smooth(number).save(folder / validation_name(number))
    return folder


def validation_index(numbers: range | list[int] = range(1, N_VALIDATION + 1)) -> Index:
    """Of files that do not exist."""
    paths_N = np.array([validation_name(number).encode() for number in numbers], dtype=bytes)
    zeros_N = np.zeros(len(paths_N), dtype=np.int64)
    return evaluation_index(FileList("/nowhere", paths_N, zeros_N, zeros_N), wordnet_ids(), "images of ImageNet")


def balanced_labels() -> np.ndarray:
    """A class for each validation image, 50 of each class, and most of them among the image's ReaL labels."""
    sets_NL = label_sets()
    labels_N, room_K = np.full(N_VALIDATION, -1), np.full(1000, 50)
    for i, label in enumerate(sets_NL[:, 0]):
        if label >= 0 and room_K[label]:
            labels_N[i], room_K[label] = label, room_K[label] - 1
    labels_N[labels_N < 0] = np.repeat(np.arange(1000), room_K)
    return labels_N


def write_devkit(folder: Path, labels_N: np.ndarray | None = None, ids: np.ndarray | None = None) -> Path:
    """The two files as the devkit has them: `ids`: the ILSVRC id of each class, by default in an order of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = np.random.default_rng(0).permutation(1000) + 1 if ids is None else ids
    labels_N = balanced_labels() if labels_N is None else labels_N
    (folder / GROUND_TRUTH).write_text("\n".join(map(str, ids[labels_N])))
    write_meta(folder / META, [(int(i), wnid) for i, wnid in zip(ids, wordnet_ids(), strict=True)])
    return folder


def write_meta(path: Path, rows: list[tuple[int, str]], key: str = "ILSVRC2012_ID") -> None:
    """Rows by id, and a class above them as the devkit has 860."""
    table = np.array([*sorted(rows), (1001, "n00001740")], dtype=[(key, "O"), ("WNID", "O")])
    savemat(path, {"synsets": table.reshape(-1, 1)})
