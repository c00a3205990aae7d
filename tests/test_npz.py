"""NPZ files that are mapped: numpy and zipfile read them too; nothing is copied, and damage is noticed."""

from __future__ import annotations

import zipfile
from mmap import mmap

import numpy as np
import pytest

from inceptionctl.npz import LEAST_MAPPED, map_npz, save_npz

ARRAYS = {
    "facts": np.array('{"classes": ["größer"]}'),
    "paths": np.array([b"ant/0.jpg", b"a much longer name/1.jpg"] * 30_000),
    "labels": np.arange(60_000) % 7,
    "sides": np.ones((60_000, 2), np.int64),
    "crc32": np.arange(5, dtype=np.uint32),
    "none": np.empty((0, 3)),
}


@pytest.fixture
def path(tmp_path):
    with (tmp_path / "x.npz").open("wb") as file:
        save_npz(file, ARRAYS)
    assert (tmp_path / "x.npz").stat().st_size > LEAST_MAPPED
    return tmp_path / "x.npz"


def mapped(path):
    with path.open("rb") as file:
        return map_npz(file)


def same(found):
    return found.keys() == ARRAYS.keys() and all(
        (found[name].dtype, found[name].shape) == (array.dtype, array.shape) and np.array_equal(found[name], array)
        for name, array in ARRAYS.items()
    )


def test_arrays_are_those_that_numpy_reads_in_the_file_itself(path):
    found = mapped(path)
    with np.load(path, allow_pickle=False) as by_numpy:
        assert same({**by_numpy})
    assert zipfile.ZipFile(path).testzip() is None
    assert same(found)
    for array in found.values():
        view = array
        while isinstance(view, np.ndarray):
            view = view.base
        assert isinstance(view.obj, mmap)
        assert array.flags.aligned
        assert not array.flags.writeable


def test_a_compressed_file_is_read(tmp_path):
    with (tmp_path / "x.npz").open("wb") as file:
        np.savez_compressed(file, **ARRAYS, more=np.random.default_rng(0).bytes(LEAST_MAPPED))
    assert (tmp_path / "x.npz").stat().st_size > LEAST_MAPPED
    found = mapped(tmp_path / "x.npz")
    found.pop("more")
    assert same(found)


def changed(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    "damaged",
    [
        lambda data: changed(data, data.index(b"ant/0.jpg") + 3),
        lambda data: changed(data, len(data) // 2),
        lambda data: data[: len(data) // 2],
        lambda data: data[:-5],
        lambda data: data[5000:],
        lambda data: b"\0" * len(data),
    ],
    ids=["a path", "the middle", "half", "the end", "the beginning", "zeros"],
)
def test_damage_is_noticed(damaged, path):
    path.write_bytes(damaged(path.read_bytes()))
    with pytest.raises(ValueError, match=r"\w"):
        mapped(path)


def test_objects_are_not_unpickled(tmp_path):
    with (tmp_path / "x.npz").open("wb") as file:
        np.savez(file, objects=np.array([{}, None]), more=np.zeros(LEAST_MAPPED))
    with pytest.raises(ValueError, match="they are pickles"):
        mapped(tmp_path / "x.npz")
    with (tmp_path / "y.npz").open("wb") as file, pytest.raises(ValueError, match="Object arrays cannot be saved"):
        save_npz(file, {"objects": np.array([{}, None])})
