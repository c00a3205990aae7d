"""Lists a folder that has a folder of images for each class, and says what in it is left out."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inceptionctl.data.decode import suffixes
from inceptionctl.data.hidden import hidden_kind, is_hidden
from inceptionctl.data.index import FileList
from inceptionctl.data.order import generator
from inceptionctl.errors import RequestError, count
from inceptionctl.stamps import note

SPLIT_SEED = 0
N_NAMED = 5  # of many classes, those that a message names
MAX_DEPTH = 20  # of folders in a class folder that are searched for images, to say that they lie too deep
CONTROL = ("Cc", "Zl", "Zp")  # categories of Unicode that a terminal obeys instead of showing


@dataclass(frozen=True, eq=False)
class Listing:
    """`files` by class and name. `left_out`: by class ("" for beside the classes), how many of what else lie there."""

    files: FileList
    classes: tuple[str, ...]
    left_out: Mapping[str, Counter[str]]

    @classmethod
    def of(
        cls,
        root: Path,
        images: list[tuple[str, int, int]],
        classes: tuple[str, ...],
        left_out: Mapping[str, Counter[str]],
    ) -> Listing:
        """`images`: path below `root`, label and size of each."""
        paths_N = np.array([os.fsencode(path) for path, _, _ in images], dtype=bytes)
        labels_N, sizes_N = (np.array([image[i] for image in images], dtype=np.int64) for i in (1, 2))
        return cls(FileList(str(root), paths_N, labels_N, sizes_N), classes, left_out)


def read_class_folders(root: Path, inside: str = "", empty: bool = False) -> Listing:
    """The images in the class folders of `root`, or in the folder `inside` each of them; `empty`: those of 0 bytes too.

    Hidden names are neither classes nor images. Raises RequestError for a folder that cannot be listed.
    """
    folders, images, left_out = list[str](), list[tuple[str, int, int]](), {"": Counter[str]()}
    for entry in entries(root):
        if is_folder(entry) and not is_hidden(entry.name):
            folders.append(entry.name)
        else:
            left_out[""]["image beside the class folders" if is_image(entry) else _kind(entry)] += 1
    for label, folder in enumerate(folders):
        found, left_out[as_text(folder)] = read_images(root / folder / inside, empty)
        images += [(os.path.join(folder, inside, entry.name), label, entry.stat().st_size) for entry in found]
    return Listing.of(root, images, tuple(map(as_text, folders)), left_out)


def read_images(folder: Path, empty: bool = False) -> tuple[list[os.DirEntry[str]], Counter[str]]:
    """The images in `folder`, by name, and how many of what else lie there; a file of 0 bytes is an image only if
    `empty`."""
    images, left_out = list[os.DirEntry[str]](), Counter[str]()
    for entry in entries(folder):
        if is_image(entry) and (empty or entry.stat().st_size):
            images.append(entry)
        else:
            left_out += Counter(_images_below(entry)) or Counter([_kind(entry)])
    return images, left_out


def entries(folder: Path) -> list[os.DirEntry[str]]:
    note(folder)
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise RequestError(f"{folder} cannot be listed: {error.strerror}") from error


def is_image(entry: os.DirEntry[str]) -> bool:
    """Whether its name and type are those of an image file that Pillow reads; a link counts as what it leads to."""
    return not is_hidden(entry.name) and _suffix(entry.name) in suffixes() and _is_file(entry)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """A link counts as what it leads to; one that leads to itself is neither folder nor file."""
    with suppress(OSError):
        return entry.is_dir()
    return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):
        return entry.is_file()
    return False


def check_classes(train: Listing, eval: Listing) -> None:
    """Raises RequestError where training and evaluation differ in classes, or one has no images."""
    if train.classes != eval.classes:
        parts = [
            f"{some(_with_contents(one, odd))} only in {one.files.root}"
            for one, other in ((train, eval), (eval, train))
            if (odd := sorted(set(one.classes) - set(other.classes)))
        ]
        alike = _alike([*set(train.classes) ^ set(eval.classes)])
        raise RequestError(
            f"the classes to train and to evaluate on differ: {'; '.join(parts)}\n  "
            + (
                f"{alike} differ only in capitals or in the form of Unicode: rename one folder"
                if alike
                else "rename, add or remove folders; `inceptionctl data check` lists all faults at once"
            )
        )
    check_images(train)
    if not len(eval.files):
        held = sum(eval.left_out.values(), Counter[str]())
        raise RequestError(f"no images to evaluate on in the class folders of {eval.files.root}: {describe(held)}")


def check_images(train: Listing) -> None:
    """Raises RequestError for fewer than two classes, and for a class without images to train on; the message says what
    lies there."""
    if not train.classes:
        raise RequestError(f"{train.files.root} has no class folders: it holds {describe(train.left_out[''])}")
    if len(train.classes) == 1:
        raise RequestError(
            f"{train.files.root} has one class folder, {train.classes[0]}: a network needs two classes to tell apart"
        )
    counts_K = train.files.counts(train.classes)
    empty = [train.classes[k] for k in np.flatnonzero(counts_K == 0)]
    if empty:
        raise RequestError(
            f"no images to train on in {len(empty)} of the {len(train.classes)} class folders of {train.files.root}: "
            f"{some(_with_contents(train, empty))}\n  move the images of a class into its folder, or remove the folder"
        )


def _with_contents(listing: Listing, classes: Sequence[str]) -> list[str]:
    """The names; of a class without images with what lies in its folder instead."""
    has_images = dict(zip(listing.classes, listing.files.counts(listing.classes) > 0, strict=True))
    held = {name: describe(listing.left_out.get(name, Counter())) for name in classes}
    return [name if has_images[name] else f"{name} (it holds {held[name]})" for name in classes]


def per_class(counts_K: np.ndarray) -> str:
    """How many images the classes have: "12 each" or "3 to 40 each"."""
    low, high = counts_K.min(), counts_K.max()
    return f"{low:,} each" if low == high else f"{low:,} to {high:,} each"


def describe(left_out: Counter[str]) -> str:
    """Such as "12 hidden, 3 files of other kinds (.txt)"; "nothing" for an empty folder."""
    others = sorted(kind for kind in left_out if kind.startswith(".") or kind == "no suffix")
    parts = [_counted(n, kind) for kind, n in left_out.items() if kind not in others]
    if others:
        parts.append(f"{_counted(sum(left_out[kind] for kind in others), 'file of other kinds')} ({', '.join(others)})")
    return ", ".join(parts) or "nothing"


def split_classes(files: FileList, classes: tuple[str, ...], fraction: float) -> tuple[FileList, FileList]:
    """(the rest, `fraction` of each class but at least one image), the same for every seed.

    Raises RequestError where nothing would be left of a class to train on.
    """
    chosen_N = np.zeros(len(files), dtype=bool)
    for label, name in enumerate(classes):
        members = generator(SPLIT_SEED, 0, label).permutation(np.flatnonzero(files.labels_N == label))
        n_chosen = max(1, round(fraction * len(members)))
        if n_chosen >= len(members):
            raise RequestError(
                f"class {name} of {files.root} has too few images to set {fraction:.0%} of them apart: {len(members)}"
            )
        chosen_N[members[:n_chosen]] = True
    return files.subset(~chosen_N), files.subset(chosen_N)


def as_text(name: str | Path) -> str:
    """A file name with control characters, and bytes that are not UTF-8, escaped: names of classes are printed, and
    written to JSON."""
    text = os.fsencode(name).decode(errors="backslashreplace")
    return "".join(c if unicodedata.category(c) not in CONTROL else repr(c)[1:-1] for c in text)


def _alike(names: Sequence[str]) -> str:
    """Two of `names` that look the same: "Cat and cat"."""
    seen = dict[str, str]()
    for name in sorted(names):
        key = unicodedata.normalize("NFC", name).casefold().strip()
        if key in seen:
            return f"{seen[key]!r} and {name!r}"
        seen[key] = name
    return ""


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _kind(entry: os.DirEntry[str]) -> str:
    """What an entry that is left out is; for a file of another kind its suffix."""
    if kind := hidden_kind(entry.name):
        return kind
    if _is_file(entry):
        return "file of 0 bytes" if is_image(entry) else _suffix(entry.name) or "no suffix"
    if is_folder(entry):
        return "link to a folder" if entry.is_symlink() else "folder without images"
    return "link to nothing" if entry.is_symlink() else "pipe or socket"


def _images_below(entry: os.DirEntry[str], depth: int = 1) -> Iterator[str]:
    """The kind of each image in a folder and, down to MAX_DEPTH, those below; nothing for anything else."""
    if is_hidden(entry.name) or depth > MAX_DEPTH or not entry.is_dir(follow_symlinks=False):
        return
    for below in entries(Path(entry.path)):
        if is_image(below):
            yield "image one folder deeper" if depth == 1 else "image several folders deeper"
        else:
            yield from _images_below(below, depth + 1)


def _counted(n: int, kind: str) -> str:
    noun, _, rest = kind.partition(" ")
    return f"{count(n, noun)} {rest}" if rest else f"{n:,} {kind}"


def some(names: Sequence[str]) -> str:
    more = f" and {len(names) - N_NAMED} more" if len(names) > N_NAMED else ""
    return ", ".join(names[:N_NAMED]) + more
