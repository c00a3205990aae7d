"""Lists the files in an uncompressed tar by their headers alone, and those of tars within it: nothing is unpacked."""

from __future__ import annotations

import os
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from inceptionctl.data.listing import as_text
from inceptionctl.errors import RequestError, shortened
from inceptionctl.files import FileError, open_file

MAX_HEADER = 1 << 20  # bytes of an extended header: a long name, or PAX records
MAX_PADDING = 1 << 20  # bytes after the end marker that are looked at: tars are padded with zeros, to 10 KiB by default
COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK\3\4": "zip"}
ENDS_EARLY = ("unexpected end of data", "truncated header")  # of tarfile


class Member(NamedTuple):
    """A regular file in a tar. `offset`: of its first byte in the file that is opened, of nested tars too. `name` is
    what the tar says and never a path to open."""

    name: bytes
    offset: int
    size: int


@dataclass(frozen=True)
class Tar:
    """A tar between the bytes `begin` and `end` of what `read_at` (length, offset) reads, as `os.pread` does. `name`:
    in messages."""

    name: str
    read_at: Callable[[int, int], bytes]
    begin: int
    end: int

    def members(self, left_out: Counter[str]) -> Iterator[Member]:
        """The regular files, in their order. Links, devices and sparse files are counted in `left_out`.

        Raises RequestError for a tar that is compressed, cut short, damaged, or followed by other data.
        """
        self._check_start()
        archive = self._guarded(self._opened)
        after = self.begin
        while member := self._guarded(archive.next):
            archive.members = []  # tarfile keeps all of them
            self._check_place(member, after, archive.offset)
            after = archive.offset
            if kind := _kind(member):
                left_out[kind] += 1
            elif member.isreg():
                yield Member(member.name.encode(errors="surrogateescape"), member.offset_data, member.size)
        self._check_end(archive.offset)

    def within(self, member: Member) -> Tar:
        """The tar that a member is."""
        end = member.offset + member.size
        return Tar(f"{self.name}: {as_text(os.fsdecode(member.name))}", self.read_at, member.offset, end)

    def read(self, offset: int, size: int) -> bytes:
        """Raises RequestError where the file system does not give the bytes; fewer at the end of the tar."""
        try:
            return self.read_at(max(0, min(size, self.end - offset)), offset)
        except OSError as error:
            raise RequestError(f"{self.name} cannot be read: {error.strerror}") from error

    def _opened(self) -> tarfile.TarFile:
        headers: Any = _Headers(self)  # has what tarfile needs of a file
        return tarfile.TarFile(fileobj=headers, mode="r", encoding="utf-8", errors="surrogateescape")

    def _guarded(self, step: Callable[[], Any]) -> Any:  # noqa: ANN401  whatever `step` gives
        try:
            return step()
        except RequestError:
            raise
        except Exception as error:  # damaged headers make tarfile raise ValueError, RecursionError and others too
            reason = shortened(as_text(str(error))) or type(error).__name__
            if reason in ENDS_EARLY:
                raise self._cut_short("it ends before its end marker") from error
            raise RequestError(f"{self.name} is no tar, or a damaged one: {reason}") from error

    def _check_start(self) -> None:
        start = self.read(self.begin, 8)
        if kind := next((kind for magic, kind in COMPRESSED.items() if start.startswith(magic)), None):
            raise RequestError(
                f"{self.name} is compressed ({kind}), and images are read in place, which needs a plain tar\n"
                "  decompress it: images in it are compressed already"
            )
        if not start:
            raise RequestError(f"{self.name} is empty")

    def _check_place(self, member: tarfile.TarInfo, after: int, following: int) -> None:
        """A header may state any size: one below zero would lead back, and tarfile round in a circle."""
        if member.size < 0 or following <= after:
            raise RequestError(f"{self.name} is damaged: {_quoted(member.name)} has the size {member.size:,}")
        # The size of a sparse file is that of the file, not of what is stored.
        if member.isreg() and not member.issparse() and (end := member.offset_data + member.size) > self.end:
            raise self._cut_short(f"{_quoted(member.name)} has {end - self.end:,} bytes more than there are")

    def _check_end(self, end: int) -> None:
        """tarfile takes a header that it cannot read for the end."""
        block = self.read(end, tarfile.BLOCKSIZE)
        if len(block) < tarfile.BLOCKSIZE:
            raise self._cut_short("it has no end marker")
        if any(block):
            raise RequestError(f"{self.name} is damaged: there is no header of a file at byte {end - self.begin:,}")
        if any(self.read(end, MAX_PADDING)):
            raise RequestError(
                f"{self.name} goes on after its end marker, at byte {end - self.begin:,}: are several tars joined?\n"
                "  tar --concatenate joins tars; cat does not"
            )

    def _cut_short(self, how: str) -> RequestError:
        return RequestError(f"{self.name} is cut short: {how}\n  copy or download it again")


@contextmanager
def open_tar(path: Path) -> Iterator[Tar]:
    """Opens a tar to list. Raises RequestError for a file that cannot be read."""
    try:
        file = open_file(path)
    except FileError as error:
        raise RequestError(str(error)) from error
    with file:
        descriptor = file.fileno()
        # Headers lie far from each other: reading ahead would read the images between them.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
        yield Tar(str(path), lambda size, at: os.pread(descriptor, size, at), 0, os.fstat(descriptor).st_size)


class _Headers:
    """What tarfile reads of a tar: headers, and the last byte before each."""

    def __init__(self, tar: Tar) -> None:
        self.tar, self.position = tar, tar.begin

    def tell(self) -> int:
        return self.position

    def seek(self, position: int) -> None:
        self.position = position

    def read(self, size: int) -> bytes:
        if not 0 <= size <= MAX_HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        data = self.tar.read(self.position, size)
        self.position += len(data)
        return data


def _kind(member: tarfile.TarInfo) -> str:
    """What a member that is left out is; "" for a file or a folder."""
    if member.issym() or member.islnk():
        return "link in a tar"
    if member.isdev():
        return "device in a tar"
    if member.issparse():
        return "file in sparse form"
    return "" if member.isreg() or member.isdir() else "item of an unknown type"


def _quoted(name: str) -> str:
    return repr(shortened(as_text(name)))
