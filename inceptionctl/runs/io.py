"""Files of a run folder: written whole or not at all, read with errors that name the file and the field.

A record is a frozen dataclass of `runs.records`; on disk it is a JSON object, or one line of a JSON Lines file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from inceptionctl.errors import InceptionctlError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Record:
    """A file, or a line of one. Its fields begin with `schema`, the version of its layout."""


class RecordError(InceptionctlError):
    """A file of a run folder that is missing, damaged, or of a version that this program does not read."""


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that replaces it, durably, when the block ends without an exception.

    Raises InceptionctlError if the file cannot be written; `path` is then as it was before.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InceptionctlError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with writing(path) as temporary:
        temporary.write_text(text)


def write_record(path: Path, record: Record) -> None:
    write_text(path, json.dumps(asdict(record), indent=2, allow_nan=False) + "\n")


def read_record(path: Path, kind: type[T]) -> T:
    """Raises RecordError, which names the file and the field."""
    try:
        return _parse(path, path.read_bytes(), kind)
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from error


def to_line(record: Record) -> bytes:
    return json.dumps(asdict(record), allow_nan=False).encode() + b"\n"


def append_record(path: Path, record: Record) -> None:
    """Adds a line. Raises OSError."""
    with path.open("ab") as file:
        file.write(to_line(record))


def read_lines(path: Path, kind: type[T]) -> list[T]:
    """The records of a JSON Lines file, none if it does not exist; a last line without its end is left out."""
    return parse_lines(path, path.read_bytes(), kind) if path.is_file() else []


def parse_lines(path: Path, data: bytes, kind: type[T]) -> list[T]:
    """Those of `data`, a part of the file. Raises RecordError."""
    return [_parse(path, line, kind) for line in data.splitlines(keepends=True) if line.endswith(b"\n")]


def _parse(path: Path, data: bytes, kind: type[T]) -> T:
    try:
        return cast(T, _adapter(kind).validate_json(data, strict=True))  # type: ignore[arg-type]
    except ValidationError as error:
        raise RecordError(f"{path} {_explain(error)}") from error


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _explain(error: ValidationError) -> str:
    """The first of pydantic's findings: what is wrong with which field."""
    first = error.errors(include_url=False)[0]
    field, found = ".".join(map(str, first["loc"])), first["input"]
    if field.endswith("schema"):
        return f"is of another version: {field} = {found!r}; {first['msg']}"
    if first["type"] == "missing":
        return f"is incomplete: it has no {field}"
    return f"is damaged: {f'{field} = {found!r}: ' if field else ''}{first['msg']}"
