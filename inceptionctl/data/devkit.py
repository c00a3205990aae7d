"""The development kit of ILSVRC-2012: the labels of the validation images, and the list of those that papers leave out.

The ground truth states an ILSVRC id for each image; meta.mat says which WordNet id that is. Classes are numbered in the
order of the sorted WordNet ids, which is not that of the ILSVRC ids. The kit may be unpacked or not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from inceptionctl.data.devkit_archive import ARCHIVE, read_archive
from inceptionctl.data.listing import as_text
from inceptionctl.data.meta_mat import read_table
from inceptionctl.data.real_labels import LEAST_AGREEMENT, N_VALIDATION, label_sets
from inceptionctl.data.wordnet import wordnet_ids
from inceptionctl.errors import RequestError, shortened
from inceptionctl.files import FileError, read_bytes, read_text

GROUND_TRUTH, META = "ILSVRC2012_validation_ground_truth.txt", "meta.mat"
BLACKLIST = "ILSVRC20*_clsloc_validation_blacklist.txt"
MAX_TEXT, MAX_META = 1 << 20, 1 << 20  # bytes
N_PER_CLASS = 50  # validation images of each class
KAGGLE = Path("ILSVRC", "Data", "CLS-LOC")  # where Kaggle's archive has train/ and val/


def places(root: Path, devkit: Path | None = None) -> list[Path]:
    """The folders in which a devkit's files are looked for: those of `devkit`, or of one beside or above `root`."""
    # A link may lie far from the images that it leads to.
    bases = [devkit] if devkit else [above for start in (root, root.resolve()) for above in _above(start)]
    bases = [base.parent if base.is_file() else base for base in bases]  # the archive
    found = [
        folder
        for base in bases
        for kit in (base, *sorted(base.glob("ILSVRC*devkit*")))
        for folder in (kit, kit / "data")
    ]
    return list(dict.fromkeys(folder for folder in found if os.path.isdir(folder)))


def _above(folder: Path) -> tuple[Path, ...]:
    levels = len(KAGGLE.parts) + 1 if folder.parent.parts[-len(KAGGLE.parts) :] == KAGGLE.parts else 2
    return (folder, *folder.parents[:levels])


def find_ground_truth(root: Path, devkit: Path | None) -> Path:
    """The file of the ground truth, or the archive that it is in. Raises RequestError where neither is in any of the
    places, and for that of another year."""
    if devkit and devkit.is_file():
        return devkit
    folders = places(root, devkit)
    for name in (GROUND_TRUTH, ARCHIVE):
        for folder in folders:
            if os.path.lexists(folder / name):
                return folder / name
    others = [path for folder in folders for path in sorted(folder.glob("*validation_ground_truth.txt"))]
    instead = f"\n  {others[0]} is of another year" if others else ""
    raise RequestError(
        f"the labels of the validation images, {GROUND_TRUTH}, are not in {_listed(folders, root, devkit)}, and "
        f"{ARCHIVE} is not there either{instead}\n"
        "  data.devkit=DIR names the folder of the devkit; data=labelled data.list=FILE reads labels from a list"
    )


def find_blacklist(root: Path, devkit: Path | None = None) -> Path:
    """Raises RequestError where there is none, or several that differ."""
    folders = places(root, devkit)
    found = [path for folder in folders for path in sorted(folder.glob(BLACKLIST))]
    if not found:
        raise RequestError(
            f"there is no {BLACKLIST} in {_listed(folders, root, devkit)}\n"
            "  it comes with the ILSVRC devkits of 2014 and later: images.leave_out=FILE names it"
        )
    if len({_text(path) for path in found}) > 1:
        raise RequestError(f"{' and '.join(map(str, found))} differ\n  name the one to use with images.leave_out=FILE")
    return found[0]


def validation_labels(ground_truth: Path) -> np.ndarray:
    """The class of each validation image, (50,000,), by the sorted WordNet ids.

    Raises RequestError for files that are damaged, of another set of images, or in another order.
    """
    text, table, meta = _contents(ground_truth)
    ids_N, id_of = _ids(ground_truth, text), _wordnet_ids_by_id(meta, table)
    class_of = {wnid: k for k, wnid in enumerate(wordnet_ids())}
    order = np.array([class_of[id_of[i]] for i in range(1, len(class_of) + 1)], dtype=np.int64)
    labels_N: np.ndarray = order[ids_N - 1]
    sets_NL = label_sets()
    rated_N = (sets_NL >= 0).any(axis=1)
    agreeing = float((sets_NL == labels_N[:, None]).any(axis=1)[rated_N].mean())
    if agreeing < LEAST_AGREEMENT:
        raise RequestError(
            f"{ground_truth} and {META} are not those of the validation images in their order: {agreeing:.1%} "
            "of the labels, not 90%, are among the ReaL labels of their images"
        )
    return labels_N


def _contents(ground_truth: Path) -> tuple[str, bytes, str]:
    """(the ground truth, meta.mat, what messages call the latter): of files side by side, or of the archive."""
    if ground_truth.name == GROUND_TRUTH:
        meta = ground_truth.parent / META
        return _text(ground_truth), _table(meta), str(meta)
    truth, table = read_archive(ground_truth, GROUND_TRUTH, META)
    return truth.decode(errors="replace"), table, f"{ground_truth}: {META}"


def _table(path: Path) -> bytes:
    try:
        return read_bytes(path, MAX_META)
    except FileError as error:
        raise RequestError(f"{error}\n  it lies beside {GROUND_TRUTH} in the devkit") from error


def _ids(path: Path, text: str) -> np.ndarray:
    """The ILSVRC id of each validation image."""
    lines = text.split()
    if len(lines) != N_VALIDATION:
        raise RequestError(f"{path} has {len(lines):,} labels, not those of the {N_VALIDATION:,} validation images")
    for number, line in enumerate(lines, start=1):
        if not (line.isascii() and line.isdigit() and 1 <= int(line[:9]) <= len(wordnet_ids())):
            raise RequestError(
                f"{path}, line {number}: {shortened(line)!r} is no ILSVRC id, 1 to {len(wordnet_ids()):,}"
            )
    ids_N = np.array(lines, dtype=np.int64)
    counts_K = np.bincount(ids_N, minlength=len(wordnet_ids()) + 1)[1:]
    if (counts_K != N_PER_CLASS).any():
        k = int(np.flatnonzero(counts_K != N_PER_CLASS)[0])
        raise RequestError(f"{path} is damaged: {counts_K[k]} images have the id {k + 1}, and each has {N_PER_CLASS}")
    return ids_N


def _wordnet_ids_by_id(path: str, table: bytes) -> Mapping[int, str]:
    """The WordNet id of each ILSVRC id from 1 to 1000; the rest of the table is classes above them."""
    try:
        rows = read_table(table)
    except ValueError as error:
        reason = shortened(as_text(str(error)))
        raise RequestError(f"{path} is not the table of the ILSVRC-2012 devkit: {reason}") from error
    id_of = {i: wnid for i, wnid in rows if 1 <= i <= len(wordnet_ids())}
    missing = sorted(set(wordnet_ids()) - set(id_of.values()))
    if missing:
        raise RequestError(f"{path} lacks {len(missing):,} of ImageNet's 1,000 classes, {missing[0]} for one")
    return id_of


def _text(path: Path) -> str:
    try:
        return read_text(path, MAX_TEXT)
    except FileError as error:
        raise RequestError(str(error)) from error


def _listed(folders: list[Path], root: Path, devkit: Path | None) -> str:
    return ", ".join(map(str, folders)) or str(devkit or root)
