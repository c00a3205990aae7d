"""Reads files that may be anything: never blocks on a pipe, is bounded in size, says what a bad file is.
Writes files whole or not at all."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from inceptionctl.errors import InceptionctlError
from inceptionctl.stamps import note

MAX_BYTES = 64 << 20
MAX_YAML_BYTES = 1 << 20
KINDS: dict[str, Callable[[int], bool]] = {
    "a folder": stat.S_ISDIR,
    "a FIFO": stat.S_ISFIFO,
    "a socket": stat.S_ISSOCK,
    "a device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode),
}


def from_here(path: Path) -> str:
    """A path for messages: from the current folder, if it lies below that."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):  # OSError: the current folder has been removed
        return str(path)


def for_shell(path: Path) -> str:
    """The same as a word of a shell command that can be copied from a message."""
    return shlex.quote(from_here(path))


class FileError(InceptionctlError):
    """A file that is missing, cannot be read, or is not what its name promises. The message names it."""


class MissingFileError(FileError):
    """There is no such file."""


def open_file(path: Path) -> BinaryIO:
    """Opens a regular file to read; it is never waited for. Raises FileError for anything else."""
    return os.fdopen(_open(path), "rb")


@contextmanager
def descriptor(path: Path) -> Iterator[int]:
    """The same without a buffer, which takes longer to make than an image to read."""
    file = _open(path)
    try:
        yield file
    finally:
        os.close(file)


def _open(path: Path) -> int:
    note(path)
    try:
        _check_kind(path, os.stat(path).st_mode)
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        if path.is_symlink():
            raise FileError(f"{path} cannot be read: it is a link to {os.readlink(path)}, which is missing") from error
        raise MissingFileError(f"{path} cannot be read: {error.strerror}") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL byte
        raise FileError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        _check_kind(path, os.fstat(file).st_mode)  # it was exchanged just now
    except BaseException:
        os.close(file)
        raise
    return file


def _check_kind(path: Path, mode: int) -> None:
    """Raises FileError for what is not a regular file."""
    if not stat.S_ISREG(mode) and (kind := kind_of(mode)):
        raise FileError(f"{path} cannot be read: it is {kind}, not a file")


def read_at(file: int, size: int, offset: int = 0) -> bytes:
    """Up to `size` bytes of a file: fewer where it ends. A file system may give fewer at a time."""
    data = os.pread(file, size, offset)
    while len(data) < size and (rest := os.pread(file, size - len(data), offset + len(data))):
        data += rest
    return data


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The content of a regular file of at most `limit` bytes. Raises FileError for anything else."""
    with descriptor(path) as file:
        try:
            size = os.fstat(file).st_size  # a reader that is asked for `limit` bytes reserves as many
            data = read_at(file, min(size, limit) + 1)
        except OSError as error:
            raise FileError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise FileError(f"{path} cannot be read: it has more than {limit:,} bytes")
    return data


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """The same of a text in UTF-8, without the byte order mark that some editors and spreadsheets write."""
    try:
        return read_bytes(path, limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{path} cannot be read: it is not UTF-8 (byte {error.start:,})") from error


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that replaces it, durably, when the block ends without an exception. The folder
    is not made: it may have been removed on purpose.

    Raises InceptionctlError if the file cannot be written; `path` is then as it was before.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InceptionctlError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def kind_of(mode: int) -> str:
    """What a file of this mode is ("a FIFO"); "" for a regular one."""
    return next((kind for kind, has in KINDS.items() if has(mode)), "")
