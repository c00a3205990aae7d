"""What holds of every data set: one that is added is tested by a line in `support.data_sets`."""

from __future__ import annotations

import os

import numpy as np
import pytest
from support.data_sets import DATA_SETS, data_set

from inceptionctl.data.images import IGNORED, DataSource, Unreadable, Views
from inceptionctl.data.index import Index
from inceptionctl.data.loader import Loader
from inceptionctl.data.order import evaluation_batches
from inceptionctl.data.registry import SOURCES
from inceptionctl.data.transforms import CentreCrop, CropFlip
from inceptionctl.errors import DataError, RequestError
from inceptionctl.runs.index_file import read_index, write_index
from inceptionctl.runs.paths import RunDir

SIDE = 16
FLIP = CropFlip(name="crop_flip", padding=0.125, flip=0.5)
VIEWS = Views(SIDE, FLIP.transform(SIDE), CentreCrop(SIDE, 1.0))
NAMES = sorted(SOURCES)
OF_FILES = [name for name in NAMES if not SOURCES[name].drawn]
OF_TRAINING_FILES = [name for name in OF_FILES if SOURCES[name].trains]


def splits_of(source, index, seed=3):
    return source.open(index, VIEWS, seed)


def all_images(images, epoch=0):
    return [images.image(epoch, i) for i in range(min(len(images), 40))]


def same(one, other):
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def test_every_data_set_is_tested():
    assert DATA_SETS.keys() == SOURCES.keys()
    assert all(issubclass(source, DataSource) and source.title for source in SOURCES.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_index_says_what_is_opened(name, tmp_path):
    source = data_set(name, tmp_path)
    index = source.index(dev=False)
    splits = splits_of(source, index)
    assert (len(splits.train), len(splits.eval)) == (index.n_train, index.n_eval)
    assert (index.n_train > 0) == source.trains
    assert len(index.classes) == len(set(index.classes)) >= 2
    for images in (splits.train, splits.eval):
        assert len(images.labels_N) == len(images.groups_N) == len(images)
        assert set(images.labels_N.tolist()) <= set(range(len(index.classes)))
    assert f"{index.n_eval:,}" in index.provenance or source.drawn
    assert "\n" not in index.provenance


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_a_function_of_seed_epoch_and_index(name, tmp_path):
    source = data_set(name, tmp_path)
    index = source.index(dev=False)
    first, again, other = (splits_of(source, index, seed) for seed in (3, 3, 4))
    assert {image.dtype for image in all_images(first.eval)} == {np.dtype(np.uint8)}
    assert {image.shape for image in all_images(first.eval)} == {(SIDE, SIDE, 3)}
    assert same(all_images(first.eval), all_images(other.eval))
    if source.trains:
        assert same(all_images(first.train), all_images(again.train))
        assert name == "digits" or not same(all_images(first.train), all_images(other.train))
        assert name == "digits" or not same(all_images(first.train), all_images(first.train, epoch=1))


@pytest.mark.parametrize("name", NAMES)
def test_workers_change_nothing(name, tmp_path):
    source = data_set(name, tmp_path)
    splits = splits_of(source, source.index(dev=False))
    size = min(len(splits.train), 6)

    def read(workers):
        loader = Loader(workers)
        evaluated = loader.evaluation(splits.eval, evaluation_batches(min(len(splits.eval), 12), 4))
        trained = loader.training(splits.train, size, 0, range(4)) if size else ()
        return [batch.views[0].numpy() for batch in evaluated], [batch.images_NCHW.numpy() for batch in trained]

    assert all(map(same, read(0), read(2)))


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_index_opens_the_same_images_and_lists_nothing(name, tmp_path, monkeypatch):
    source, run = data_set(name, tmp_path), RunDir(tmp_path / "run")
    index = source.index(dev=False)
    run.path.mkdir()
    write_index(run, index)
    before = splits_of(source, index)
    stored = read_index(run, index.fingerprint)
    for function in ("scandir", "listdir", "walk"):
        monkeypatch.setattr(os, function, None)
    after = splits_of(source, stored)
    assert same(all_images(before.train), all_images(after.train))
    assert same(all_images(before.eval), all_images(after.eval))
    assert np.array_equal(before.eval.labels_N, after.eval.labels_N)


def names_of(index, split):
    files = index.files[split]
    return {files.name(i) for i in range(len(files))}


@pytest.mark.parametrize("name", OF_TRAINING_FILES)
def test_a_dev_split_is_taken_from_the_training_images(name, tmp_path):
    source = data_set(name, tmp_path)
    plain, chosen = source.index(dev=False), source.index(dev=True)
    assert names_of(chosen, "train") | names_of(chosen, "dev") == names_of(plain, "train")
    assert not names_of(chosen, "train") & names_of(chosen, "dev")
    assert names_of(chosen, "eval") == names_of(plain, "eval")
    assert chosen.fingerprint != plain.fingerprint
    assert chosen.eval_fingerprint == plain.eval_fingerprint


@pytest.mark.parametrize("name", OF_TRAINING_FILES)
def test_a_fraction_of_each_class_is_trained_on(name, tmp_path):
    source = data_set(name, tmp_path, "data.train_fraction=0.5")
    index = source.index(dev=False)
    counts_K = index.files["train"].counts(index.classes)
    assert f"data.train_fraction: 50% of the {2 * counts_K.sum():,} training images" in index.provenance


@pytest.mark.parametrize("name", OF_TRAINING_FILES)
def test_images_in_memory_are_those_of_the_files(name, tmp_path):
    read, held = (data_set(name, tmp_path, f"data.cache={value}") for value in ("none", "memory"))
    index = read.index(dev=False)
    splits = splits_of(held, index)
    assert splits.train.cached.image(0).flags.writeable
    assert same(all_images(splits_of(read, index).train), all_images(splits.train))
    assert same(all_images(splits_of(read, index).eval), all_images(splits.eval))


@pytest.mark.parametrize("name", OF_TRAINING_FILES)
def test_by_itself_nothing_is_held_that_needs_no_decoding(name, tmp_path):
    source = data_set(name, tmp_path)
    splits = splits_of(source, index := source.index(dev=False))
    needs_none = all(files.ranges and files.ranges.pixel_shape(0) for files in index.files.values())
    assert source.cache == "auto"
    assert (splits.train.cached is None, splits.eval.cached is None) == (needs_none, needs_none)
    assert needs_none == ("they lie there as pixels" in source.cache_note(index))


@pytest.mark.parametrize("name", OF_FILES)
def test_a_file_that_is_gone_is_named_or_counted(name, tmp_path):
    source = data_set(name, tmp_path)
    index = source.index(dev=False)
    files = index.files["eval"]
    before = all_images(splits_of(source, index).eval)
    files.path(1).rename(tmp_path / "away")
    if files.ranges and len(files.ranges.files) == 1:  # nothing is left
        with pytest.raises(RequestError, match="does not hold the images that this run was planned with"):
            splits_of(source, index)
        return
    with pytest.raises(
        DataError, match=r"cannot be read: No such file or directory; remove it, or set data\.on_corrupt"
    ) as e:
        splits_of(source, index).eval.image(0, 1)
    assert files.name(1) in str(e.value)
    skipping = splits_of(data_set(name, tmp_path / "other", "data.on_corrupt=skip"), index).eval
    with pytest.raises(Unreadable) as found:
        skipping.image(0, 1)
    assert (found.value.label, found.value.image.shape) == (IGNORED, (SIDE, SIDE, 3))
    others = [i for i in range(len(files)) if files.path(i) != files.path(1)]
    assert same([skipping.image(0, i) for i in others[:40]], [before[i] for i in others[:40]])


@pytest.mark.parametrize("name", NAMES)
def test_arrays_of_an_index_make_it_again(name, tmp_path):
    index = data_set(name, tmp_path).index(dev=False)
    again = Index.from_arrays(index.to_arrays())
    assert again.provenance == index.provenance
    assert {split: files.digest(again.classes) for split, files in again.files.items()} == {
        split: files.digest(index.classes) for split, files in index.files.items()
    }
