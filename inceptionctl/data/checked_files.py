"""Reads files whose md5 is known, and refuses others."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from pathlib import Path

from inceptionctl.errors import RequestError
from inceptionctl.files import FileError, open_file, read_bytes

MAX_FILE_BYTES = 1 << 30
CHUNK = 1 << 20
BROKEN_ARCHIVE = (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile)


def read_checked(path: Path, md5: str) -> bytes:
    """The content of a file with that md5. Raises RequestError for another one, and for what cannot be read."""
    data = _read(path)
    check_md5(path, _md5(data).hexdigest(), md5)
    return data


def read_unpacked(path: Path, packed: Path, md5: str) -> bytes:
    """The content of a file that was unpacked from `packed`, a gzip file with that md5. Raises RequestError where one
    of them is another, and for what cannot be read."""
    try:
        expected = gzip.decompress(read_checked(packed, md5))
    except BROKEN_ARCHIVE as error:
        raise broken_archive(packed, error) from error
    check_md5(path, _md5(_read(path)).hexdigest(), _md5(expected).hexdigest(), packed)
    return expected


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, MAX_FILE_BYTES)
    except FileError as error:
        raise RequestError(str(error)) from error


def check_md5(path: Path, found: str, expected: str, packed: Path | None = None) -> None:
    """Raises RequestError unless the two are the same. `packed`: what `path` was unpacked from."""
    if found != expected:
        what = f"is not what {packed.name} holds" if packed else "is not the published file"
        raise RequestError(
            f"{path} {what}, or is damaged: md5 {found}, expected {expected}\n"
            f"  remove it; data.download=true then {'unpacks' if packed else 'puts'} it there again"
        )


def md5_of(path: Path) -> str:
    """The md5 of a file. Raises FileError where it cannot be read."""
    found = _md5()
    with open_file(path) as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def broken_archive(path: Path, error: Exception) -> RequestError:
    return RequestError(f"{path} cannot be unpacked: {error}")


def _md5(data: bytes = b"") -> hashlib._Hash:
    return hashlib.md5(data, usedforsecurity=False)  # a FIPS build of Python refuses it otherwise
