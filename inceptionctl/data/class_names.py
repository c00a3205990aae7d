"""Reads the names of classes that labels state by number: a name a line, that of class 0 first."""

from __future__ import annotations

from pathlib import Path

from inceptionctl.data.listing import as_text
from inceptionctl.errors import RequestError
from inceptionctl.files import FileError, read_text


def read_class_names(path: Path) -> tuple[str, ...]:
    """Raises RequestError for a file that cannot be read, for a line without a name, which would give the classes below
    it other numbers, and for a name of two classes."""
    try:
        names = tuple(as_text(line.strip()) for line in read_text(path).rstrip().split("\n"))
    except FileError as error:
        raise RequestError(f"data.class_names: {error}") from error
    first = dict[str, int]()
    for number, name in enumerate(names, start=1):
        if not name:
            raise RequestError(f"{path}, line {number}: no name of a class: the line of class k is the k-th, from 0 on")
        if (other := first.setdefault(name, number)) != number:
            raise RequestError(f"{path}: {name!r} is the name of two classes, in lines {other} and {number}")
    return names
