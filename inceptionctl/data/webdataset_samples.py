"""Reads the samples of tar shards as the webdataset library defines them: files one after the other that share a key.

The key of a file is its name up to the first dot of its base name, the field the rest, in lower case. A sample has an
image, in a field such as jpg, and a class number: the text of `cls`, or "label" of the object in `json`.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from inceptionctl.data.listing import as_text
from inceptionctl.data.shards import Shards
from inceptionctl.data.tar_files import Member, Tar, open_tar
from inceptionctl.data.tar_images import CONTROL, CONTROL_IN_NAME, TarImages, is_image_suffix
from inceptionctl.errors import RequestError, shortened

NAME = re.compile(rb"((?:.*/)?[^./]+)\.([^/]+)", re.DOTALL)
META = re.compile(rb"(?:.*/)?__[^/]*__", re.DOTALL)  # of webdataset itself
MAX_CLS, MAX_JSON = 64, 1 << 20  # bytes
MAX_LABEL = 10**6  # more classes than any set of images has
MAX_FIELDS = 100  # of different names, that are listed as not used
FORM = 'a label is a class number, from 0 on: the text of .cls, or "label" of .json'


@dataclass(frozen=True, eq=False)
class Samples:
    """`left_out`: files that belong to no sample, and samples without an image or a label; `unused`: other fields."""

    images: TarImages
    left_out: Counter[str] = field(default_factory=Counter)
    unused: set[str] = field(default_factory=set)


def read_samples(shards: Shards) -> Samples:
    """The images of all shards, in their order. Raises RequestError for a shard that is damaged, and for a label that
    is no class number."""
    found = Samples(TarImages(shards.root, shards.paths))
    for index, path in enumerate(shards.paths):
        with open_tar(shards.root / path) as tar:
            for key, members in groupby(_named(tar, found.left_out), key=lambda one: one[0]):
                _add(key, {name: member for _, name, member in members}, tar, index, found)
    return found


def _named(tar: Tar, left_out: Counter[str]) -> Iterator[tuple[bytes, bytes, Member]]:
    """(key, field, file) of each file. Raises RequestError for a field that a sample has twice."""
    key, seen = b"", set[bytes]()
    for member in tar.members(left_out):
        if META.fullmatch(member.name):
            continue
        if CONTROL.search(member.name):
            left_out[CONTROL_IN_NAME] += 1
        elif not (found := NAME.fullmatch(member.name)):
            left_out["file without a key and a suffix"] += 1
        else:
            key, seen = (key, seen) if found[1] == key else (found[1], set())
            name = found[2].lower()
            if name in seen:
                raise RequestError(f"{tar.name}: sample {_shown(key)} has two files .{_shown(name)}")
            seen.add(name)
            yield key, name, member


def _add(key: bytes, fields: dict[bytes, Member], tar: Tar, index: int, found: Samples) -> None:
    named = [name for name in fields if is_image_suffix(name)]
    if len(named) > 1:
        both = " and ".join(f".{_shown(name)}" for name in named[:2])
        raise RequestError(f"{tar.name}: sample {_shown(key)} has two images, {both}")
    label = _label(key, fields, tar)
    _note_unused({*fields} - {*named, b"cls"}, label, fields, found.unused)
    if not named:
        found.left_out["sample without an image"] += 1
    elif label is None:
        found.left_out["sample without a label"] += 1
    elif not fields[named[0]].size:
        found.left_out["sample with an image of 0 bytes"] += 1
    else:
        found.images.add(fields[named[0]].name, label, index, fields[named[0]])


def _note_unused(others: set[bytes], label: int | None, fields: dict[bytes, Member], unused: set[str]) -> None:
    if label is not None and b"cls" not in fields:
        others.discard(b"json")
    for name in others if len(unused) < MAX_FIELDS else ():
        unused.add("." + shortened(_shown(name), 20))


def _label(key: bytes, fields: dict[bytes, Member], tar: Tar) -> int | None:
    """Of .cls, or of .json where there is no .cls; None where neither states one."""
    for name, limit in ((b"cls", MAX_CLS), (b"json", MAX_JSON)):
        if name in fields:
            member, where = fields[name], f"{tar.name}: {_shown(key)}.{name.decode()}"
            if member.size > limit:
                raise RequestError(f"{where} has {member.size:,} bytes, and {limit:,} are the most\n  {FORM}")
            data = tar.read(member.offset, member.size)
            return _class_number(data.strip(), where) if name == b"cls" else _label_of_json(data, where)
    return None


def _class_number(text: bytes, where: str) -> int:
    if re.fullmatch(rb"[0-9]{1,7}", text) and int(text) < MAX_LABEL:
        return int(text)
    raise RequestError(f"{where}: {shortened(as_text(os.fsdecode(text)), 40)!r} is no class number\n  {FORM}")


def _label_of_json(data: bytes, where: str) -> int | None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{where} is no JSON: {shortened(str(error))}") from error
    label = value.get("label") if isinstance(value, dict) else None
    return label if label is None else _class_number(json.dumps(label).encode(), f'{where}, "label"')


def _shown(name: bytes) -> str:
    return shortened(as_text(os.fsdecode(name)))
