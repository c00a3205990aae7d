"""Downloads archives of data sets, each once, and unpacks the files that are needed. No torch until a download."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from inceptionctl.caches import cache_folder
from inceptionctl.data.checked_files import BROKEN_ARCHIVE, CHUNK, broken_archive, check_md5, md5_of
from inceptionctl.errors import RequestError, bytes_text, warn
from inceptionctl.files import FileError

TIMEOUT_S = 30.0  # without a byte from the server: torchvision's own downloads wait forever


@dataclass(frozen=True)
class Archive:
    """A file to download. `name` and `files` are paths below the root of the data set. `files` are needed and unpacked
    from it; the archive is itself among them where its md5 is the only one known. `size` in bytes is for messages;
    `urls` are tried in order."""

    name: str
    md5: str
    size: int
    urls: tuple[str, ...]
    files: tuple[str, ...]

    def missing(self, root: Path) -> list[str]:
        return [name for name in self.files if not os.path.exists(root / name)]


def default_root() -> Path:
    """The folder of downloaded data sets in the user's cache."""
    return cache_folder("data")


def obtain(title: str, archives: tuple[Archive, ...], root: Path, download: bool) -> None:
    """Makes sure that the files of `archives` are below `root`; what is there is neither downloaded nor written again.

    Raises RequestError for files that are missing without `download`, and for a download that fails.
    """
    for archive in archives:
        if missing := archive.missing(root):
            if not download:
                raise RequestError(_missing(title, archive, root, missing[0]))
            _fetch(title, archive, root)


def _fetch(title: str, archive: Archive, root: Path) -> None:
    """Downloads the archive unless it is there, and unpacks the files that are missing. Each file is written beside its
    place and moved there whole, so that an interrupted command, or two at once, leave no part of one."""
    packed = root / archive.name
    try:
        root.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".download-", dir=root) as folder:
            if os.path.exists(packed):
                check_md5(packed, md5_of(packed), archive.md5)
            else:
                part = Path(folder, packed.name)
                _download(title, archive, packed, part)
                _move(part, packed)
            _unpack(archive, root, Path(folder, "part"))
    except BROKEN_ARCHIVE as error:
        raise broken_archive(packed, error) from error
    except FileError as error:
        raise RequestError(str(error)) from error
    except OSError as error:
        reason = error.strerror or error
        raise RequestError(
            f"{title} cannot be stored in {root}: {reason}\n  name a folder with data.root=DIR"
        ) from error


def _download(title: str, archive: Archive, packed: Path, part: Path) -> None:
    from http.client import HTTPException

    failures = list[str]()
    for url in archive.urls:
        warn(f"downloading {packed.name} of {title} ({bytes_text(archive.size)}) from {url}")
        try:
            return _transfer(archive, url, part)
        except (OSError, HTTPException, RuntimeError) as error:  # RuntimeError: torchvision's own
            failures.append(f"{url}: {_reason(error)}")
    raise RequestError(
        f"cannot download {packed.name} of {title} from {'; '.join(failures)}\n"
        f"  without a network here, download it on another machine and put it at {packed}"
    )


def _transfer(archive: Archive, url: str, part: Path) -> None:
    """Raises OSError unless the archive arrives whole."""
    from torchvision.datasets.utils import download_url

    part.unlink(missing_ok=True)  # torchvision takes a file that is there for the download
    with _timeout():
        download_url(url, str(part.parent), part.name)
    found, size = md5_of(part), part.stat().st_size
    if found != archive.md5:
        cut = f"{size:,} of {archive.size:,} bytes arrived"
        raise OSError(cut if size < archive.size else f"md5 {found}, expected {archive.md5}")


@contextmanager
def _timeout() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _unpack(archive: Archive, root: Path, part: Path) -> None:
    """Writes the missing files of the archive and no others: no name in an archive says where a file goes."""
    for name, content in _members(root / archive.name, archive.missing(root)):
        with part.open("wb") as file:
            shutil.copyfileobj(content, file, CHUNK)
        _move(part, root / name)
    if missing := archive.missing(root):
        raise RequestError(f"{root / archive.name} does not hold {missing[0]}")


def _members(packed: Path, names: list[str]) -> Iterator[tuple[str, BufferedIOBase | IO[bytes]]]:
    """The files of these names in a tar archive; a gzip file is one file without a name."""
    if ".tar" not in packed.suffixes:
        for name in names:
            with gzip.open(packed) as file:
                yield name, file
        return
    with tarfile.open(packed) as tar:
        for member in tar:
            if member.name in names and member.isfile() and (content := tar.extractfile(member)):
                yield member.name, content


def _move(part: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    part.replace(to)


def _missing(title: str, archive: Archive, root: Path, name: str) -> str:
    packed = root / archive.name
    if os.path.exists(packed):
        advice = f"{packed} is there: data.download=true unpacks it"
    else:
        advice = (
            f"data.download=true downloads {packed.name} ({bytes_text(archive.size)}) from {archive.urls[0]}\n"
            f"  without a network here, put that file at {packed}; data.download=true then unpacks it"
        )
    return (
        f"{title} is not in {root} (data.root): there is no {name}\n  {advice}\n"
        f"  if you have the data set elsewhere, set data.root=DIR to the folder that holds {name.partition('/')[0]}/"
    )


def _reason(error: Exception) -> object:
    from urllib.error import HTTPError

    reason = None if isinstance(error, HTTPError) else getattr(error, "reason", None)
    return reason or str(error) or type(error).__name__
