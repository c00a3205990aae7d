"""Reads a list of labelled images: a line is a path below a folder, a space and a label, as in Caffe's val.txt."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from inceptionctl.data.listing import Listing, as_text, some
from inceptionctl.data.mismatch import NUMBER
from inceptionctl.errors import RequestError, shortened
from inceptionctl.files import FileError, kind_of, read_text
from inceptionctl.stamps import note

BLANK = " \t\r"  # between words; other white space may be part of a name
FORM = "a line is a path, a space and a label: images/0001.jpg 65"


@dataclass(frozen=True)
class Line:
    number: int
    path: str
    label: str


def read_label_list(path: Path, root: Path, setting: str = "data.list") -> tuple[Listing, bool]:
    """(the images, by line; whether the labels are class indices instead of names).

    Raises RequestError for a list that is missing, damaged or of another form, for labels of both kinds, and for images
    that are not below `root`. `setting` names the list.
    """
    lines = list(_lines(path, setting))
    if not lines:
        raise RequestError(f"{path} lists no images\n  {FORM}")
    numbered = _are_numbers(path, lines)
    _check_once(path, lines)
    labels = [str(int(line.label)) if numbered else as_text(line.label) for line in lines]
    classes = sorted(set(labels), key=int if numbered else None)
    label_of, sizes = {name: label for label, name in enumerate(classes)}, _sizes(path, lines, root)
    images = [(line.path, label_of[label], size) for line, label, size in zip(lines, labels, sizes, strict=True)]
    return Listing.of(root, images, tuple(classes), {"": Counter()}), numbered


def _lines(path: Path, setting: str) -> Iterator[Line]:
    """Lines with no more than spaces are passed over; the label is the last word, since paths may have spaces."""
    try:
        text = read_text(path)
    except FileError as error:
        raise RequestError(f"{setting}: {error}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.strip(BLANK)
        end = max(map(words.rfind, BLANK))
        if words and end < 0:
            raise RequestError(f"{path}, line {number}: {_quoted(words)} is a path without a label\n  {FORM}")
        if words:
            yield Line(number, _inside(words[:end].rstrip(BLANK), path, number), words[end + 1 :])


def _inside(typed: str, path: Path, number: int) -> str:
    """The path without parts that mean nothing. Raises RequestError for one that leads out of the folder."""
    found = PurePosixPath(typed)
    if found.is_absolute() or ".." in found.parts or "\0" in typed or not found.parts:
        raise RequestError(
            f"{path}, line {number}: {_quoted(typed)} is no path below data.root, without / before it or .."
        )
    return str(found)


def _are_numbers(path: Path, lines: Sequence[Line]) -> bool:
    """Raises RequestError for a label that is no class, and for numbers among names."""
    for line in lines:
        if line.label[0] in "+-" and line.label[1:].isdigit():
            raise RequestError(f"{path}, line {line.number}: label {line.label}: class numbers begin at 0")
    numbers, names = (
        [line for line in lines if bool(NUMBER.fullmatch(line.label)) is wanted] for wanted in (True, False)
    )
    if numbers and names:
        raise RequestError(
            f"{path} has class numbers ({numbers[0].label} in line {numbers[0].number}) and class names "
            f"({_quoted(names[0].label)} in line {names[0].number}): labels are all of one kind"
        )
    return bool(numbers)


def _check_once(path: Path, lines: Sequence[Line]) -> None:
    first = dict[str, Line]()
    for line in lines:
        if (other := first.setdefault(line.path, line)) is not line:
            raise RequestError(f"{path} has {_quoted(line.path)} twice, in lines {other.number} and {line.number}")


def _sizes(path: Path, lines: Sequence[Line], root: Path) -> list[int]:
    """Of each image, in bytes. Raises RequestError for those that are not there."""
    sizes, missing = list[int](), list[str]()
    for folder in {os.path.dirname(line.path) for line in lines}:
        note(root / folder)
    for line in lines:
        try:
            found = os.stat(root / line.path)
        except OSError:
            missing.append(f"{as_text(shortened(line.path))} (line {line.number})")
            continue
        if kind := kind_of(found.st_mode):
            raise RequestError(f"{path}, line {line.number}: {_quoted(line.path)} is {kind}, not an image")
        sizes.append(found.st_size)
    if missing:
        raise RequestError(
            f"{len(missing):,} of the {len(lines):,} images of {path} are not below {root}: {some(missing)}\n"
            "  data.root=DIR is the folder that the paths begin at"
        )
    return sizes


def _quoted(text: str) -> str:
    return repr(shortened(text))
