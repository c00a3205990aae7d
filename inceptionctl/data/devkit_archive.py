"""Reads the two files of the ILSVRC-2012 devkit that are needed out of its archive as it is downloaded, in memory."""

from __future__ import annotations

import zlib
from collections import Counter
from pathlib import Path

from inceptionctl.data.tar_files import Member, Tar
from inceptionctl.data.tar_images import base_name
from inceptionctl.errors import RequestError
from inceptionctl.files import FileError, read_bytes

ARCHIVE = "ILSVRC2012_devkit_t12.tar.gz"
MAX_ARCHIVE, MAX_UNPACKED, MAX_FILE = 16 << 20, 64 << 20, 1 << 20  # bytes; the archive has 2.5 MB
GZIP = 16 + zlib.MAX_WBITS  # for zlib: data with the header of gzip


def read_archive(path: Path, *names: str) -> list[bytes]:
    """The contents of the files of these names, whatever folders they lie in. Raises RequestError for an archive that
    is damaged or lacks one."""
    data = _unpacked(path)
    tar = Tar(str(path), lambda size, at: data[at : at + size], 0, len(data))
    found = {base_name(member.name): member for member in tar.members(Counter())}
    if missing := [name for name in names if name.encode() not in found]:
        raise RequestError(f"{path} is not the devkit of ILSVRC-2012: it has no {missing[0]}")
    return [_content(tar, found[name.encode()]) for name in names]


def _unpacked(path: Path) -> bytes:
    """With a limit, since a small archive can stand for any amount of zeros."""
    try:
        packed = read_bytes(path, MAX_ARCHIVE)
        reader = zlib.decompressobj(GZIP)
        data = reader.decompress(packed, MAX_UNPACKED)
    except FileError as error:
        raise RequestError(str(error)) from error
    except zlib.error as error:
        raise RequestError(f"{path} cannot be unpacked: {error}\n  copy or download it again") from error
    if not reader.eof:
        how = f"has more than {MAX_UNPACKED:,} bytes unpacked" if reader.unconsumed_tail else "is cut short"
        raise RequestError(f"{path} {how}\n  copy or download it again")
    return data


def _content(tar: Tar, member: Member) -> bytes:
    if member.size > MAX_FILE:
        raise RequestError(f"{tar.name}: {member.name.decode()} has more than {MAX_FILE:,} bytes")
    return tar.read(member.offset, member.size)
