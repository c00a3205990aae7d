"""Files of a run folder: written whole or not at all, read with errors that name the file and the field.

A record is a frozen dataclass of `runs.records`; on disk it is a JSON object, or one line of a JSON Lines file. What a
run writes stays in its folder: no link is followed, and a file that has other names (hard links) is replaced.
"""

from __future__ import annotations

import json
import os
import reprlib
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError

from inceptionctl.errors import InceptionctlError
from inceptionctl.files import FileError, MissingFileError, kind_of, open_file, read_bytes, writing

T = TypeVar("T")
MAX_RECORD_BYTES = 16 << 20
MAX_LINE_BYTES = 1 << 20
LINE_START = b'{"schema": '
MAX_LINES_BYTES = 1 << 30  # of a JSON Lines file: four million rows of metrics


@dataclass(frozen=True, kw_only=True)
class Record:
    """A file, or a line of one. Its fields begin with `schema`, the version of its layout. JSON has no NaN and no
    infinity: a number that is one, here or in a part of the record, is damage."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(allow_inf_nan=False)


class RecordError(FileError):
    """A file of a run folder that is damaged, of another run, or of a version that this program does not read."""


def make_folder(path: Path) -> None:
    """In a run's folder, which is there unless it was removed. Raises InceptionctlError."""
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise InceptionctlError(f"cannot write {path}: {error.strerror}") from error


def write_text(path: Path, text: str) -> None:
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_record(path: Path, record: Record) -> None:
    write_text(path, json.dumps(asdict(record), indent=2, allow_nan=False) + "\n")


def read_record(path: Path, kind: type[T]) -> T:
    """Raises RecordError, which names the file and the field, and MissingFileError."""
    check_no_link(path)
    return _parse(path, read_bytes(path, MAX_RECORD_BYTES), kind)


def to_line(record: Record) -> bytes:
    return json.dumps(asdict(record), allow_nan=False).encode() + b"\n"


def append_record(path: Path, record: Record) -> None:
    """Adds a line. Raises OSError or RecordError."""
    with open_to_append(path) as file:
        file.write(to_line(record))


def open_to_append(path: Path) -> BinaryIO:
    """Opens a file of a run folder to write behind its end, unbuffered. Raises OSError, and RecordError for what is no
    file of this folder alone."""
    make_private(path)
    return open_own(path)


def open_own(path: Path) -> BinaryIO:
    """The same of a file that nothing is written to."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return cast(BinaryIO, os.fdopen(os.open(path, flags, 0o666), "ab", buffering=0))


def make_private(path: Path) -> None:
    """Makes a copy of a file that has other names too (hard links), so that these keep what they have. Raises OSError,
    and RecordError for what is no regular file."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    check_no_link(path)
    if kind := kind_of(found.st_mode):
        raise RecordError(f"{path} cannot be written: it is {kind}, not a file")
    if found.st_nlink > 1:
        with writing(path) as temporary:
            shutil.copy2(path, temporary)


def check_no_link(path: Path) -> None:
    """Raises RecordError for a link: what a run consists of lies in its folder."""
    with suppress(OSError):
        if stat.S_ISLNK(os.lstat(path).st_mode):
            raise RecordError(f"{path} cannot be trusted: it is a link")


def read_lines(path: Path, kind: type[T]) -> list[T]:
    """The records of a JSON Lines file, none if it does not exist; a last line without its end is left out. Raises
    RecordError, which names the line."""
    return [_parse(path, line, kind, number) for number, line in enumerate(whole_lines(path), 1)]


def whole_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file that have their end, with it; none if there is no file. Raises RecordError for lines, and
    for a whole, beyond all use."""
    total = 0
    for line in _lines(path):
        total += len(line)
        if len(line) > MAX_LINE_BYTES or total > MAX_LINES_BYTES:
            raise RecordError(f"{path} is damaged: it has lines of more than {MAX_LINE_BYTES:,} bytes, or too many")
        if line.endswith(b"\n"):
            yield line
        else:
            check_unfinished(path, line)


def check_unfinished(path: Path, line: bytes) -> None:
    """Raises RecordError unless a last line without its end is the beginning of a record."""
    if not LINE_START.startswith(line[: len(LINE_START)]):
        raise RecordError(f"{path} is damaged: it ends with something else than a line")


def _lines(path: Path) -> Iterator[bytes]:
    check_no_link(path)
    with suppress(MissingFileError), open_file(path) as file:
        while line := file.readline(MAX_LINE_BYTES + 1):
            yield line


def parse_lines(path: Path, lines: Iterable[bytes], kind: type[T]) -> list[T]:
    """The records of `lines`, a part of the file. Raises RecordError."""
    return [_parse(path, line, kind) for line in lines if line.endswith(b"\n")]


def _parse(path: Path, data: bytes, kind: type[T], line: int = 0) -> T:
    try:
        return cast(T, _adapter(kind).validate_json(data, strict=True))  # type: ignore[arg-type]
    except ValidationError as error:
        raise RecordError(f"{path}{f', line {line},' if line else ''} {_explain(error)}") from error


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _explain(error: ValidationError) -> str:
    """The first of pydantic's findings: what is wrong with which field."""
    first = error.errors(include_url=False)[0]
    field, found = ".".join(map(str, first["loc"])), reprlib.repr(first["input"])
    if field.endswith("schema"):
        return f"is of another version: {field} = {found}; {first['msg']}"
    if first["type"] == "missing":
        return f"is incomplete: it has no {field}"
    return f"is damaged: {f'{field} = {found}: ' if field else ''}{first['msg']}"
