"""Small copies of the data sets that can be downloaded, in the format of the real files; their facts are replaced."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np

from inceptionctl.data.cifar import Cifar
from inceptionctl.data.downloads import Archive
from inceptionctl.data.sources import cifar10, cifar100, fashion_mnist

NAMES = {
    "cifar10": ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    "cifar100": [f"kind_{i}" for i in range(6)],
}
MODULES = {"cifar10": cifar10, "cifar100": cifar100}


def fill_cifar(name: str, root: Path) -> list[str]:
    """Writes 2 images of each class into every batch, and makes the files those that the data set expects."""
    facts, files = MODULES[name].FACTS, {}
    rng = np.random.default_rng(len(NAMES[name]))
    for batch, _ in (*facts.train, *facts.test):
        for_training = 2 if len(facts.train) == 1 else 1
        labels = rng.permutation(np.tile(np.arange(len(NAMES[name])), 2 * for_training)).tolist()
        files[batch] = cifar_batch(facts, labels, rng.integers(0, 256, (len(labels), 3072), dtype=np.uint8))
    names = [name.encode() for name in NAMES[name]]
    files[facts.meta[0]] = python2_pickle(
        {b"num_cases_per_batch": len(labels), facts.names_key: names, b"num_vis": 3072}
    )
    write_cifar(name, root, files)
    return [f"data.root={root}"]


def cifar_batch(facts: Cifar, labels: list[int], pixels: np.ndarray) -> bytes:
    content = {b"batch_label": b"a batch", facts.labels_key: labels, b"data": pixels}
    if facts.labels_key == b"fine_labels":
        content[b"coarse_labels"] = [0] * len(labels)
    return python2_pickle(content | {b"filenames": [b"image_%d.png" % i for i in range(len(labels))]})


def write_cifar(name: str, root: Path, files: Mapping[str, bytes], accept: bool = True) -> Cifar:
    """Writes `files` where the data set has them. `accept`: their checksums become those that are expected."""
    facts = MODULES[name].FACTS
    for file, data in files.items():
        (root / facts.folder).mkdir(parents=True, exist_ok=True)
        (root / facts.folder / file).write_bytes(data)
    if accept:
        md5s = dict([*facts.train, *facts.test, facts.meta]) | {file: md5(data) for file, data in files.items()}
        train, test = (tuple((file, md5s[file]) for file, _ in part) for part in (facts.train, facts.test))
        facts = replace(facts, train=train, test=test, meta=(facts.meta[0], md5s[facts.meta[0]]))
        expect(name, facts)
    return facts


def pack_cifar(name: str, root: Path, to: Path, url: str) -> Archive:
    """The archive of the files below `root`, as `to`, and its facts; the data set expects it."""
    facts = MODULES[name].FACTS
    with tarfile.open(to, "w:gz") as tar:
        tar.add(root / facts.folder, facts.folder)
    archive = replace(facts.archive, md5=md5(to.read_bytes()), size=to.stat().st_size, urls=(url,))
    expect(name, replace(facts, archive=archive))
    return archive


def fill_fashion_mnist(root: Path, urls: tuple[str, ...] = ()) -> list[str]:
    """Writes 4 images of each class to train on and 2 to evaluate on, and makes the files those that are expected.
    `urls`: where the packed files are, by the place before their names."""
    splits, rng = [], np.random.default_rng(0)
    (root / fashion_mnist.FOLDER).mkdir(parents=True, exist_ok=True)
    for (images, labels), each in zip(fashion_mnist.SPLITS, (4, 2), strict=True):
        labels_N = rng.permutation(np.tile(np.arange(10, dtype=np.uint8), each))
        pixels = rng.integers(0, 256, (len(labels_N), 28, 28), dtype=np.uint8)
        splits.append((write_idx(root, images, pixels, urls), write_idx(root, labels, labels_N, urls)))
    expect("fashion_mnist", tuple(splits))
    return [f"data.root={root}"]


def write_idx(root: Path, archive: Archive, values: np.ndarray, urls: tuple[str, ...] = ()) -> Archive:
    """The file of an array, packed and unpacked, and its facts."""
    data = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.tobytes()
    packed = gzip.compress(data, mtime=0)
    (root / archive.name).write_bytes(packed)
    (root / archive.files[1]).write_bytes(data)
    name = Path(archive.name).name
    return replace(archive, md5=md5(packed), size=len(packed), urls=tuple(f"{url}{name}" for url in urls))


def expect(name: str, facts: object) -> None:
    """Replaces the facts of a data set, until the test ends (`tests/data/conftest.py`)."""
    module, attribute = (MODULES[name], "FACTS") if name in MODULES else (fashion_mnist, "SPLITS")
    mock.patch.object(module, attribute, facts).start()


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def python2_pickle(value: object) -> bytes:
    """As cPickle of Python 2 writes bytes, numbers, lists, dictionaries and numpy arrays with protocol 2; Python 3 has
    no call that writes these opcodes."""
    out = io.BytesIO(b"\x80\x02")
    out.seek(2)
    _write(value, out)
    out.write(b".")
    return out.getvalue()


def _write(value: object, out: io.BytesIO) -> None:
    if isinstance(value, dict):
        out.write(b"}(")
        for item in (item for pair in value.items() for item in pair):
            _write(item, out)
        out.write(b"u")
    elif isinstance(value, list):
        out.write(b"](")
        for item in value:
            _write(item, out)
        out.write(b"e")
    elif isinstance(value, bytes):
        out.write(b"U" + bytes([len(value)]) if len(value) < 256 else b"T" + len(value).to_bytes(4, "little"))
        out.write(value)
    elif isinstance(value, int):
        out.write(b"K" + bytes([value]) if value < 256 else b"M" + value.to_bytes(2, "little"))
    else:
        _write_array(value, out)


def _write_array(array: np.ndarray, out: io.BytesIO) -> None:
    out.write(b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R")
    out.write(b"(K\x01M" + array.shape[0].to_bytes(2, "little") + b"M" + array.shape[1].to_bytes(2, "little") + b"\x86")
    out.write(b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89")
    _write(array.tobytes(), out)
    out.write(b"tb")
