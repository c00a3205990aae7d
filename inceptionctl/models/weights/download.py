"""Fetches a file once: into a cache, going on where an earlier try broke off, checked, whole or not at all. No torch.

torch.hub and pooch start again after a break, and huggingface_hub knows only its own hub; hence these lines on urllib.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Callable
from email.message import Message
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from inceptionctl.errors import InceptionctlError

TIMEOUT_S = 30.0
PIECE = 1 << 20
Progress = Callable[[int, int | None], None]  # bytes so far, and of the whole if it is known


def cache_folder() -> Path:
    """`$INCEPTIONCTL_CACHE`, else below the user's cache."""
    if own := os.environ.get("INCEPTIONCTL_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "inceptionctl" / "weights"


def fetch(url: str, to: Path, sha256: str | None = None, progress: Progress = lambda done, whole: None) -> Path:
    """The file at `url` as `to`, which is returned as it is if it exists. `sha256`: its first digits; where the server
    names the whole (as Hugging Face does), that counts too.

    Raises InceptionctlError: no answer, a transfer that broke off (the next call goes on), a wrong checksum.
    """
    part = to.with_name(f"{to.name}.part")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # another command may be fetching it
            if to.is_file():
                part.unlink(missing_ok=True)
                return to
            expected = _transfer(url, file, progress)
            _check(part, url, [digits for digits in (sha256, expected) if digits])
            part.replace(to)
    except (OSError, HTTPException) as error:
        raise InceptionctlError(_by_hand(url, to, error)) from error
    return to


def digest(path: Path) -> str:
    """The sha256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found.update(piece)
    return found.hexdigest()


class _Redirects(HTTPRedirectHandler):
    """Remembers the digest that Hugging Face names before it sends the reader to a store."""

    digest: str | None = None

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        self.digest = _digest_in(headers) or self.digest
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _transfer(url: str, file: IO[bytes], progress: Progress) -> str | None:
    """Appends to `file` what it lacks: the digest that the server names. Raises OSError when it gets less."""
    redirects, have = _Redirects(), file.seek(0, os.SEEK_END)
    headers = {"User-Agent": "inceptionctl"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        response: HTTPResponse = build_opener(redirects).open(Request(url, headers=headers), timeout=TIMEOUT_S)
    except HTTPError as error:
        if error.code != 416 or not have:
            raise
        if _whole(error.headers) == have:  # nothing was missing but the last check
            return redirects.digest
        file.truncate(0)
        return _transfer(url, file, progress)
    with response:
        if response.status != 206 or not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            if response.status == 206:
                raise OSError("the server sent another range than was asked for")
            have = file.truncate(0)
        _copy(response, file, have, progress)
        return redirects.digest or _digest_in(response.headers)


def _copy(response: HTTPResponse, file: IO[bytes], have: int, progress: Progress) -> None:
    length = response.headers.get("Content-Length")
    whole = have + int(length) if length else None
    while piece := response.read(PIECE):
        file.write(piece)
        have += len(piece)
        progress(have, whole)
    file.flush()
    os.fsync(file.fileno())
    if whole is not None and have < whole:
        raise OSError(f"the transfer broke off after {have:,} of {whole:,} bytes; the same command goes on from there")


def _check(part: Path, url: str, expected: list[str]) -> None:
    found = digest(part)
    for digits in expected:
        if not found.startswith(digits):
            part.unlink()
            raise InceptionctlError(
                f"{url} has another checksum than it should: sha256 {found}, expected {digits}...\n"
                "  what was fetched is removed; try again, and if it stays so, do not trust the file"
            )


def _by_hand(url: str, to: Path, error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return (
        f"cannot fetch {url}: {reason}\n  without a network here, fetch it on another machine and put it in place as\n"
        f"  {to}"
    )


def _digest_in(headers: Message) -> str | None:
    for name in ("X-Linked-ETag", "ETag"):
        if found := re.fullmatch(r'(?:W/)?"?([0-9a-f]{64})"?', headers.get(name, "")):
            return found[1]
    return None


def _whole(headers: Message) -> int | None:
    """The size that `Content-Range: bytes */1234` names."""
    size = str(headers.get("Content-Range", "")).rpartition("/")[2]
    return int(size) if size.isdecimal() else None
