"""A file in the user's cache with the images of a data set, and the times of all that they were listed from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import __version__ as pillow_version
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from inceptionctl.caches import cache_folder
from inceptionctl.data.found import Found
from inceptionctl.data.index import arrays_of, files_of, places_of
from inceptionctl.errors import InceptionctlError
from inceptionctl.files import open_file, writing
from inceptionctl.npz import map_npz, save_npz
from inceptionctl.stamps import ABSENT, Stamp, stamp

SCHEMA = 1
# Times of a file system may be as coarse: a folder that was listed so soon after a change may have changed once more
# without a new time.
COARSE_NS = 2 * 10**9
Value = str | float | None


@dataclass(frozen=True)
class Key:
    """Which listing: of the data set `data`, with the settings that it depends on."""

    data: str
    settings: tuple[tuple[str, Value], ...]

    @property
    def path(self) -> Path:
        digest = hashlib.sha256(repr(self).encode(errors="surrogateescape")).hexdigest()[:12]
        return cache_folder("index") / f"{self.data}-{digest}.npz"


@dataclass(frozen=True, eq=False)
class Listed:
    """`found`, listed at `begun_ns`, since 1970, in `seconds`. `stamps`: of what it was read from, by path."""

    found: Found
    begun_ns: int
    seconds: float
    stamps: Mapping[str, Stamp]

    @property
    def date(self) -> str:
        return datetime.fromtimestamp(self.begun_ns / 1e9).strftime("%Y-%m-%d %H:%M")


class UnusableError(InceptionctlError):
    """A listing that is kept and cannot be used: the message says why."""


class Facts(TypedDict):
    """What is not in arrays."""

    version: str
    data: str
    settings: dict[str, Value]
    begun_ns: int
    seconds: float
    classes: tuple[str, ...]
    where: str
    notes: tuple[str, ...]
    numbered: bool
    roots: dict[str, str]
    ranges: dict[str, Any]


FACTS = TypeAdapter(Facts)


def write(key: Key, listed: Listed) -> None:
    """Raises InceptionctlError where the cache cannot be written."""
    arrays = {
        "schema": np.array(SCHEMA),
        "facts": np.array(json.dumps(_facts(key, listed))),
        "stamped": np.array([os.fsencode(path) for path in listed.stamps], dtype=bytes),
        "stamps": np.array([*listed.stamps.values()], dtype=np.int64).reshape(-1, 3),
        **arrays_of(listed.found.splits),
    }
    try:
        key.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InceptionctlError(f"cannot write {key.path}: {error.strerror}") from error
    with writing(key.path) as temporary, temporary.open("wb") as file:
        save_npz(file, arrays)


def read(key: Key) -> Listed:
    """What is kept of `key`, mapped. Raises MissingFileError, FileError for what cannot be read, and UnusableError for
    what is damaged, of other data or another version, or not what is there now."""
    path = key.path
    try:
        with open_file(path) as file:
            arrays = map_npz(file)
        if arrays["schema"].shape or arrays["schema"] != SCHEMA:
            raise UnusableError(f"{path} is of another version")
        facts: Facts = FACTS.validate_python(json.loads(str(arrays["facts"])))
        listed = _listed(facts, arrays)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UnusableError(f"{path} is damaged: {' '.join(str(error).split())}") from error
    if (facts["data"], tuple(facts["settings"].items())) != (key.data, key.settings):
        raise UnusableError(f"{path} is of other data")
    if facts["version"] != _version():
        raise UnusableError(f"{path} is of other versions ({facts['version']})")
    _check_unchanged(listed)
    return listed


def _facts(key: Key, listed: Listed) -> Facts:
    found, places = listed.found, places_of(listed.found.splits)
    return Facts(
        version=_version(),
        data=key.data,
        settings=dict(key.settings),
        begun_ns=listed.begun_ns,
        seconds=listed.seconds,
        classes=found.classes,
        where=found.where,
        notes=tuple(found.notes),
        numbered=found.numbered,
        roots=places["roots"],
        ranges=places["ranges"],
    )


def _listed(facts: Facts, arrays: Mapping[str, np.ndarray]) -> Listed:
    """Raises ValueError and others for arrays that do not belong together."""
    files, classes = files_of(arrays, facts["roots"], facts["ranges"]), facts["classes"]
    for one in files.values():
        one.check(len(classes))
    found = Found(classes, files["train"], files["eval"], facts["where"], facts["notes"], facts["numbered"])
    paths_S, stamps_S3 = arrays["stamped"], arrays["stamps"]
    kinds = (paths_S.dtype.kind, stamps_S3.dtype.kind)
    if kinds != ("S", "i") or not len(paths_S) or stamps_S3.shape != (len(paths_S), 3):
        raise ValueError("it does not say what it was read from")
    stamps = dict(zip(map(os.fsdecode, paths_S.tolist()), map(tuple, stamps_S3.tolist()), strict=True))
    return Listed(found, facts["begun_ns"], facts["seconds"], stamps)


def _check_unchanged(listed: Listed) -> None:
    """Raises UnusableError for the first path that has changed, or may have."""
    for path, before in listed.stamps.items():
        if (now := stamp(path)) != before:
            how = "is not there any more" if now == ABSENT else "has changed"
            raise UnusableError(f"{path} {how} since the images were listed on {listed.date}")
        if max(before[:2]) > listed.begun_ns - COARSE_NS:
            raise UnusableError(f"{path} had just changed when the images were listed on {listed.date}")


def _version() -> str:
    """What is taken for an image depends on both."""
    return f"inceptionctl {version('inceptionctl')}, Pillow {pillow_version}"
