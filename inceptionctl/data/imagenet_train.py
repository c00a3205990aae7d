"""The training images of ILSVRC-2012, from the tar of tars as it is downloaded or in any state of unpacking."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.data.devkit import KAGGLE
from inceptionctl.data.hidden import is_hidden
from inceptionctl.data.listing import Listing, check_images, describe, entries, is_folder, read_class_folders, some
from inceptionctl.data.mismatch import WORDNET_ID
from inceptionctl.data.tar_files import Member, Tar, open_tar
from inceptionctl.data.tar_images import TarImages, base_name, kind_of
from inceptionctl.errors import RequestError

TRAIN_TAR = "ILSVRC2012_img_train.tar"
TRAIN_FOLDERS = ("train", "ILSVRC2012_img_train", str(KAGGLE / "train"))
OTHERWISE = "  images in folders of other names are data=imagefolder data.root=DIR"


@dataclass(frozen=True)
class ClassTar:
    """The tar of a class: the `index`-th of the files that are opened, or `member` of it."""

    wnid: str
    index: int
    member: Member | None = None


def read_training_images(root: Path) -> tuple[Listing, str]:
    """(the images by class and name, where they lie). Raises RequestError where there are none, and for what is
    damaged or half unpacked."""
    if os.path.lexists(root / TRAIN_TAR):
        return _read_tar_of_tars(root / TRAIN_TAR), str(root / TRAIN_TAR)
    for name in TRAIN_FOLDERS:
        if os.path.isdir(root / name):
            return _read_folder(root / name)
    raise RequestError(_nothing_in(root))


def check_wordnet_ids(folder: Path, names: Sequence[str]) -> None:
    """Raises RequestError for folders or tars of classes that are no WordNet ids."""
    if odd := [name for name in names if not WORDNET_ID.fullmatch(name.removesuffix(".tar"))]:
        raise RequestError(
            f"{folder} has {some([repr(name) for name in odd])}, no WordNet id as n01440764: ImageNet's classes are "
            f"called by theirs\n{OTHERWISE}"
        )


def _read_tar_of_tars(path: Path) -> Listing:
    beside = Counter[str]()
    with open_tar(path) as tar:
        found = list(_class_tars(tar, beside))
        return _read_class_tars(path.parent, (path.name,), found, beside)


def _class_tars(tar: Tar, beside: Counter[str]) -> Iterator[ClassTar]:
    for member in tar.members(beside):
        name = os.fsdecode(base_name(member.name))
        if name.endswith(".tar") and not is_hidden(name):
            check_wordnet_ids(Path(tar.name), [name])
            yield ClassTar(name.removesuffix(".tar"), 0, member)
        else:
            beside[kind_of(member) or "image beside the classes"] += 1


def _read_folder(folder: Path) -> tuple[Listing, str]:
    """Of class folders, or of the tars of classes."""
    shown = [entry for entry in entries(folder) if not is_hidden(entry.name)]
    folders = [entry.name for entry in shown if is_folder(entry)]
    tars = [entry.name for entry in shown if entry.name.endswith(".tar") and not is_folder(entry)]
    check_wordnet_ids(folder, [*folders, *tars])
    if not tars:
        listing = read_class_folders(folder)
        check_images(listing)
        return listing, f"{folder} in class folders"
    if only := sorted(set(folders) - {name.removesuffix(".tar") for name in tars}):
        raise RequestError(
            f"{folder} has tars of {len(tars):,} classes, and of {some(only)} folders alone: is it half unpacked?\n"
            "  unpack the tars and remove them, or remove the folders"
        )
    found = [ClassTar(name.removesuffix(".tar"), i) for i, name in enumerate(tars)]
    return _read_class_tars(folder, tuple(tars), found, Counter()), f"{folder} in tars of classes"


def _read_class_tars(root: Path, paths: tuple[str, ...], tars: Sequence[ClassTar], beside: Counter[str]) -> Listing:
    """`paths`: of the files that the tars of classes are, or lie in, below `root`."""
    classes = sorted({tar.wnid for tar in tars})
    if len(classes) < 2:
        what = f"one class, {classes[0]}: a network needs two" if classes else f"no tars of classes: {describe(beside)}"
        raise RequestError(f"{root / paths[0] if len(paths) == 1 else root} has {what}")
    images, left_out = TarImages(root, paths), {"": beside} | {name: Counter[str]() for name in classes}
    for tar in tars:
        _read_class(tar, classes.index(tar.wnid), images, left_out[tar.wnid])
    return Listing(images.sorted_files(), tuple(classes), left_out)


def _read_class(of: ClassTar, label: int, images: TarImages, left_out: Counter[str]) -> None:
    """Images are called as in class folders, so that their order and digest are the same."""
    before = len(images.names)
    with open_tar(images.root / images.tars[of.index]) as whole:
        tar = whole.within(of.member) if of.member else whole
        for member in tar.members(left_out):
            if kind := kind_of(member):
                left_out[kind] += 1
            else:
                images.add(of.wnid.encode() + b"/" + base_name(member.name), label, of.index, member)
    if len(images.names) == before:
        raise RequestError(f"{tar.name} has no images: it holds {describe(left_out)}")


def _nothing_in(root: Path) -> str:
    folders = [entry.name for entry in entries(root) if is_folder(entry) and not is_hidden(entry.name)]
    above = folders and all(map(WORDNET_ID.fullmatch, folders))
    advice = f"  data.root is the folder above: data.root={root.parent}" if above else OTHERWISE
    held = some([f"{name}/" for name in folders]) or "no folders"
    wanted = f"{TRAIN_TAR}, {', '.join(f'{name}/' for name in TRAIN_FOLDERS)}"
    return f"data.root = {root} has no training images of ImageNet, none of {wanted}, but {held}\n{advice}"
