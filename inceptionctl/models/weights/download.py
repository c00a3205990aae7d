"""Downloads a file once: resumed where an earlier try was cut short, checked, whole or not at all. No torch.

For addresses that are not on the Hugging Face hub; torch.hub starts from the beginning after a break.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from inceptionctl.errors import InceptionctlError

if TYPE_CHECKING:
    from http.client import HTTPResponse

TIMEOUT_S = 30.0
CHUNK = 1 << 20
Progress = Callable[[int, int | None], None]  # bytes so far, and in total if that is known
WRONG_CHECKSUM = (
    "{url} has the wrong checksum: sha256 {found}, expected {expected}\n"
    "  the file was removed; try again, and do not trust it if this stays"
)


def fetch(url: str, to: Path, sha256: str, progress: Progress = lambda done, total: None) -> Path:
    """The file at `url` as `to`; one that exists is returned as it is. `sha256`: the first digits of its checksum.

    Raises InceptionctlError for no answer, a transfer that broke off (the next call resumes it), a wrong checksum.
    """
    from http.client import HTTPException  # here and below: a plan that downloads nothing does not wait for them

    part = to.with_name(f"{to.name}.part")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # another command may be downloading it
            if to.is_file():
                part.unlink(missing_ok=True)
                return to
            _transfer(url, file, progress)
            if not (found := digest(part)).startswith(sha256):
                part.unlink()
                raise InceptionctlError(WRONG_CHECKSUM.format(url=url, found=found, expected=f"{sha256}..."))
            part.replace(to)
    except (OSError, HTTPException) as error:
        raise InceptionctlError(_by_hand(url, to, error)) from error
    return to


def digest(path: Path) -> str:
    """The sha256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _transfer(url: str, file: IO[bytes], progress: Progress) -> None:
    """Appends what `file` lacks. Raises OSError if that does not arrive whole."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    have = file.seek(0, os.SEEK_END)
    headers = {"User-Agent": "inceptionctl"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        response: HTTPResponse = urlopen(Request(url, headers=headers), timeout=TIMEOUT_S)
    except HTTPError as error:
        if error.code != 416 or not have:
            raise
        if error.headers.get("Content-Range") != f"bytes */{have}":  # more than the file has
            file.truncate(0)
            _transfer(url, file, progress)
        return
    with response:
        if response.status != 206:
            have = file.truncate(0)
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise OSError("the server sent another range than was asked for")
        _copy(response, file, have, progress)


def _copy(response: HTTPResponse, file: IO[bytes], have: int, progress: Progress) -> None:
    length = response.headers.get("Content-Length")
    total = have + int(length) if length else None
    while chunk := response.read(CHUNK):
        file.write(chunk)
        have += len(chunk)
        progress(have, total)
    file.flush()
    os.fsync(file.fileno())
    if total is not None and have < total:
        raise OSError(f"the transfer broke off after {have:,} of {total:,} bytes; the same command resumes it")


def _by_hand(url: str, to: Path, error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return (
        f"cannot download {url}: {reason}\n"
        f"  without a network here, download it on another machine and put it in place as\n  {to}"
    )
