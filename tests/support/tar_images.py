"""Tars of small images, written by Python's tarfile: ImageNet's as they are downloaded, and shards of webdataset."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from support.image_folders import smooth

WNIDS = ("n01440764", "n01443537", "n01484850")


def jpeg(seed: int) -> bytes:
    file = io.BytesIO()
    smooth(seed).save(file, "JPEG")
    return file.getvalue()


def write_tar(path: Path, files: Mapping[str, bytes] | Iterable[tuple[str, bytes]], mode: str = "w") -> Path:
    """`files`: content by name, or pairs where a name may come twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items() if isinstance(files, Mapping) else files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def training_images(wnids: tuple[str, ...] = WNIDS, count: int = 12) -> dict[str, dict[str, bytes]]:
    """By class and name. The numbers of ImageNet's images have no fixed width, so that names sort as text."""
    return {
        wnid: {f"{wnid}_{7 * i + 1}.JPEG": jpeg(1000 * label + i) for i in range(count)}
        for label, wnid in enumerate(wnids)
    }


def write_folders(folder: Path, images: Mapping[str, Mapping[str, bytes]]) -> Path:
    for name, files in images.items():
        (folder / name).mkdir(parents=True)
        for file, content in files.items():
            (folder / name / file).write_bytes(content)
    return folder


def write_class_tars(folder: Path, images: Mapping[str, Mapping[str, bytes]]) -> Path:
    for name, files in images.items():
        write_tar(folder / f"{name}.tar", files)
    return folder


def write_tar_of_tars(path: Path, images: Mapping[str, Mapping[str, bytes]], parts: Path) -> Path:
    write_class_tars(parts, images)
    return write_tar(path, {f"{name}.tar": (parts / f"{name}.tar").read_bytes() for name in images})


def sample(key: str, seed: int, label: int, *, as_json: bool = False) -> dict[str, bytes]:
    stated = {f"{key}.json": json.dumps({"label": label}).encode()} if as_json else {f"{key}.cls": b"%d" % label}
    return {f"{key}.jpg": jpeg(seed)} | stated


def write_shards(folder: Path, split: str, num_shards: int, size: int, num_classes: int = 3) -> Path:
    """`size` samples a shard, of all classes in turn."""
    for shard in range(num_shards):
        files = dict[str, bytes]()
        for i in range(shard * size, (shard + 1) * size):
            files |= sample(f"{split}{i:06d}", 100 * len(split) + i, i % num_classes)
        write_tar(folder / f"{split}-{shard:06d}.tar", files)
    return folder
