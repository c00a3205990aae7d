"""The two JSON files of a folder of packed images: plan.json is written first, packed.json last."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from inceptionctl.files import FileError, read_bytes

T = TypeVar("T")
SCHEMA = 1
PLAN, SUMMARY = "plan.json", "packed.json"
SPLITS = ("train", "eval")
STRICT = ConfigDict(strict=True, extra="forbid")
Kind = Literal["jpeg", "raw"]
Number = Annotated[int, Field(ge=0, le=1 << 40)]


@checked_dataclass(frozen=True, config=STRICT)
class Counts:
    """Images of each split."""

    train: Number
    eval: Number


@checked_dataclass(frozen=True, kw_only=True, config=STRICT)
class Source:
    """The data set that images were packed from. `data`: its name in settings; the others as in `Index`."""

    data: str
    title: str
    provenance: str
    classes: tuple[str, ...]
    numbered: bool
    fingerprint: str
    eval_fingerprint: str
    images: Counts


@checked_dataclass(frozen=True, kw_only=True, config=STRICT)
class Packing:
    """How images are stored. `short_side`: in pixels, of larger images once they are scaled; `quality`: of JPEG;
    `shard_images`: images of the source in each shard; `encoder`: what decodes, scales and encodes, with versions."""

    kind: Kind
    short_side: Annotated[int, Field(ge=1, le=1 << 16)]
    quality: Annotated[int, Field(ge=1, le=100)] | None
    shard_images: Annotated[int, Field(ge=1, le=1 << 20)]
    encoder: str

    def __str__(self) -> str:
        stored = f"JPEG of quality {self.quality}" if self.kind == "jpeg" else "raw pixels"
        return f"{stored}, short side at most {self.short_side} pixels"


@checked_dataclass(frozen=True, kw_only=True, config=STRICT)
class Plan:
    schema: Literal[1] = 1
    source: Source
    packing: Packing

    @property
    def digest(self) -> str:
        """Of all that the bytes of the images depend on: shards state it. Where the source lies does not count."""
        found = (self.source.fingerprint, self.source.eval_fingerprint, self.packing)
        return hashlib.sha256(repr(found).encode()).hexdigest()[:16]

    def shards(self, split: str) -> range:
        return range(-(-self.count(split) // self.packing.shard_images))

    def count(self, split: str) -> int:
        """Images of the source."""
        return int(getattr(self.source.images, split))


@checked_dataclass(frozen=True, kw_only=True, config=STRICT)
class Summary:
    """What was packed. `size`: bytes of all images; `unreadable`: images of the source that could not be read and were
    left out, with the reason of each."""

    schema: Literal[1] = 1
    plan: Plan
    images: Counts
    size: Number
    unreadable: tuple[Unreadable, ...]


@checked_dataclass(frozen=True, config=STRICT)
class Unreadable:
    split: Literal["train", "eval"]
    name: str
    reason: str


@dataclass(frozen=True)
class ShardFiles:
    """The two files of a shard: images, and arrays with the name, label, size and checksum of each."""

    split: str
    number: int

    @property
    def images(self) -> str:
        return f"{self.split}-{self.number:05d}.bin"

    @property
    def arrays(self) -> str:
        return f"{self.split}-{self.number:05d}.npz"


def to_json(record: Plan | Summary) -> str:
    return TypeAdapter[Any](type(record)).dump_json(record, indent=1).decode() + "\n"


def read_json(path: Path, kind: type[T]) -> T:
    """Raises MissingFileError, and FileError for a file that is damaged or of another version."""
    data = read_bytes(path)
    try:
        found: T = TypeAdapter(kind).validate_json(data)
    except (ValidationError, RecursionError) as error:
        raise FileError(f"{path} is damaged, or of another version: {_reason(error)}") from error
    return found


def _reason(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"]))
    return f"{field}: {first['msg']}" if field else first["msg"]
