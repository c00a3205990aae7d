"""Keeps decoded images in the user's cache: made by one process, and read by the ranks, workers and runs of a machine.

A file belongs to the images of one list as they were when it was made. Its key is over the decoder and, of each image,
path, place in a larger file, and size and modification time of the file: an image that is written anew is noticed when
a run starts, unless its size and its time stay.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path

import numpy as np

from inceptionctl.caches import cache_folder
from inceptionctl.data.decode import decoder
from inceptionctl.data.decoded.pixel_file import Decoded, PixelFile, decoded, write_pixels
from inceptionctl.data.decoded.size import estimated_bytes
from inceptionctl.data.index import FileList
from inceptionctl.data.survey.pool import each
from inceptionctl.errors import DataError, bytes_text, count, warn
from inceptionctl.files import FileError, MissingFileError, open_file
from inceptionctl.hardware import num_cores

MOST_KEPT = 20_000_000_000  # bytes of all files in the folder
SPARE = 1_000_000_000  # bytes that stay free on the disk
SUFFIX, PART, LOCK = ".pixels", ".part", ".lock"
IMAGES_PER_PROCESS = 500  # for fewer, a process takes longer to start than to decode them
MOST_PROCESSES = 16
CHUNK_BYTES, CHUNK_IMAGES = 1 << 20, (8, 64)  # that a process is given at once
PROCESS_KILLED = "a process that decoded images was killed (out of memory?); data.cache=none holds none in memory"


def folder() -> Path:
    return cache_folder("pixels")


def shared(files: FileList, most_bytes: int) -> PixelFile:
    """The decoded images of `files`, from the cache, or decoded now for all runs to come; for this process alone, with
    a word, where they cannot be kept. Raises TooLarge, and DataError when a process that decodes is killed."""
    key = key_of(files)
    path = folder() / f"{_label(files)}-{key.hex()[:16]}{SUFFIX}"
    try:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)  # the images may be readable for this user alone
        if found := _open(path, key, len(files), quiet=True):
            return found
        with _locked(path.parent, key):
            return _open(path, key, len(files)) or _made(path, key, files, most_bytes)
    except OSError as error:
        reason = error.strerror or error
        warn(f"decoded images cannot be kept in {path.parent}: {reason}; each rank of each run holds its own")
        return alone(files, most_bytes)


def alone(files: FileList, most_bytes: int) -> PixelFile:
    """The decoded images in memory that goes with this process and its workers. Raises as `shared`."""
    with os.fdopen(os.memfd_create("pixels"), "w+b") as file:
        write_pixels(file, b"", _all(files), most_bytes)
        return PixelFile.open(file, b"", len(files), lambda reason: warn(f"decoded images in memory: {reason}"))


def key_of(files: FileList) -> bytes:
    """32 bytes, over all that the pixels depend on. A file that is not there counts as one."""
    found, ranges = hashlib.sha256(f"{decoder()}\n".encode() + os.fsencode(files.root) + b"\0"), files.ranges
    names = [os.fsencode(name) for name in ranges.files] if ranges else files.paths_N.tolist()
    for name in names:
        found.update(name + b"\0")
    found.update(np.array([_version(files.root, name) for name in names], "<i8").tobytes())
    if ranges:
        found.update(repr(ranges.shape).encode())
        for array in (ranges.file_N, ranges.offset_N, files.sizes_N, ranges.sides_N2):
            found.update(b"" if array is None else array.astype("<i8").tobytes())
    return found.digest()


def _version(root: str, name: bytes) -> tuple[int, int]:
    with suppress(OSError):
        found = os.stat(os.path.join(os.fsencode(root), name))
        return found.st_size, found.st_mtime_ns
    return -1, -1


def _label(files: FileList) -> str:
    """For people who list the folder."""
    return re.sub(r"[^\w.-]+", "_", "-".join(Path(files.root).parts[-2:]), flags=re.ASCII).strip("._")[:60] or "images"


def _open(path: Path, key: bytes, n_images: int, quiet: bool = False) -> PixelFile | None:
    """None where there is no file, or one that cannot be trusted, with a word unless `quiet`."""
    try:
        with open_file(path) as file:
            found = PixelFile.open(file, key, n_images, partial(_discard, path, os.fstat(file.fileno())))
            with suppress(OSError):  # of another user
                os.utime(path)  # what was not used for the longest is removed first
            return found
    except MissingFileError:
        return None
    except FileError as error:
        raise OSError(errno.EINVAL, str(error)) from error
    except ValueError as error:
        if not quiet:
            warn(f"{path} is damaged: {error}; the images are decoded again")
        return None


def _made(path: Path, key: bytes, files: FileList, most_bytes: int) -> PixelFile:
    """Whole or not at all, but not synchronised: what a machine that lost power left of it is noticed."""
    size = estimated_bytes(files)
    _make_room(path.parent, size)
    warn(f"{count(len(files), 'image')} of {files.root} are decoded once, into {path} ({bytes_text(size)})")
    part = path.with_name(f".{path.name}{PART}")
    try:
        with part.open("wb") as file:
            write_pixels(file, key, _all(files), most_bytes)
        if key_of(files) != key:
            raise OSError(errno.ESTALE, f"images of {files.root} were written while they were decoded")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    if found := _open(path, key, len(files)):
        return found
    raise OSError(errno.EIO, "what was written cannot be read back")


def _all(files: FileList) -> Iterator[Decoded]:
    """All images in their order, of many in several processes."""
    processes = min(num_cores(), MOST_PROCESSES, len(files) // IMAGES_PER_PROCESS)
    if processes < 2:
        return (decoded(files, index) for index in range(len(files)))
    return _in_processes(files, processes)


def _in_processes(files: FileList, processes: int) -> Iterator[Decoded]:
    low, high = CHUNK_IMAGES
    chunk = min(max(low, CHUNK_BYTES * len(files) // max(1, estimated_bytes(files))), high)
    try:
        yield from each(decoded, files, np.arange(len(files)), processes, chunk)
    except DataError as error:
        raise DataError(PROCESS_KILLED) from error


def _make_room(where: Path, size: int) -> None:
    """For a file of `size` bytes: removes what was not used for the longest. Raises OSError for a disk that is full."""
    kept = sorted(_kept(where), key=lambda pair: pair[0].st_mtime_ns, reverse=True)
    total = sum(found.st_size for found, _ in kept)
    while kept and total + size > MOST_KEPT:
        oldest, path = kept.pop()
        path.unlink(missing_ok=True)  # a run that reads it has it open
        total -= oldest.st_size
        warn(f"{path} ({bytes_text(oldest.st_size)}) is removed: decoded images have {bytes_text(MOST_KEPT)} there")
    if shutil.disk_usage(where).free < size + SPARE:
        raise OSError(errno.ENOSPC, f"they need {bytes_text(size)}, and {bytes_text(SPARE)} of the disk stay free")


def _kept(where: Path) -> Iterator[tuple[os.stat_result, Path]]:
    for path in where.iterdir():
        with suppress(FileNotFoundError):  # another process may remove one
            if SUFFIX in path.name:
                yield path.stat(), path


@cache  # an image after the other may be damaged
def _discard(path: Path, opened: os.stat_result, reason: str) -> None:
    """Removes the file `opened`, in which a reader found damage: that reads images from their own files in its place,
    and the next run makes the file anew."""
    with suppress(OSError):
        if not os.path.samestat(os.stat(path), opened):
            return  # it is there anew already
        path.unlink()
    warn(f"{path} is damaged: {reason}; damaged images are read from their own files, until the next run makes it anew")


@contextmanager
def _locked(where: Path, key: bytes) -> Iterator[None]:
    """Against other processes that would make the file of `key`: a byte of the lock file for each. The lock goes with
    its process, whose forked ones do not inherit it."""
    with (where / LOCK).open("ab") as file:
        at = int.from_bytes(key[:4], "big")
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
        except (BlockingIOError, PermissionError):
            warn("another process decodes the same images for all: waiting for it")
            fcntl.lockf(file, fcntl.LOCK_EX, 1, at)
        yield
