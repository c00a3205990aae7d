"""Order and renderings are pure functions of (seed, epoch, index)."""

from __future__ import annotations

from functools import cache
from itertools import chain

import numpy as np
import pytest
import torch
from PIL import Image

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.images import Views
from inceptionctl.data.loader import Loader
from inceptionctl.data.order import epoch_order, evaluation_batches, generator, shard, share, training_batches
from inceptionctl.data.sources import digits as plain_digits
from inceptionctl.data.sources import digits_jitter
from inceptionctl.data.sources.digits import SPLIT_SEED
from inceptionctl.data.sources.digits_jitter import Jitter, JitteredDigits
from inceptionctl.data.transforms import CentreCrop

SPLIT_HEAD, SPLIT_SUM = [21, 24, 28, 34, 35, 37, 39, 42], 337944
JITTER = Jitter(size=[0.3, 0.7], rotate=20.0, contrast=[0.4, 1.0], noise=0.15)


def jittered(seed, jitter=JITTER, renderings=2, eval_split="test", pixels=40):
    """(training, evaluation) images."""
    settings = digits_jitter.Settings(
        name="digits_jitter", eval_split=eval_split, workers=0, renderings=renderings, jitter=jitter
    )
    return opened(settings, pixels, seed)


def plain(pixels):
    return opened(plain_digits.Settings(name="digits", eval_split="test", workers=0), pixels, seed=0)


def opened(settings, pixels, seed):
    index = settings.index(dev=False)
    splits = settings.open(index, Views(pixels, None, CentreCrop(pixels, 1.0)), seed)
    assert (len(splits.train), len(splits.eval)) == (index.n_train, index.n_eval)
    return splits.train, splits.eval


@pytest.fixture(scope="module")
def digits():
    return jittered(seed=3)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_random_numbers_are_philox_s_by_key_and_counter(seed):
    reference = np.random.Generator(np.random.Philox(key=[seed, 3], counter=[0, 0, 1, 70]))
    found = generator(seed, 3, 70)
    assert np.array_equal(found.random(9), reference.random(9))
    assert np.array_equal(found.permutation(1000), reference.permutation(1000))


def test_an_epoch_shows_each_image_once_and_the_next_in_another_order():
    first, second = epoch_order(1000, 0, 0), epoch_order(1000, 0, 1)
    assert sorted(first) == list(range(1000))
    assert (first != second).any()
    assert (epoch_order(1000, 1, 0) != first).any()
    assert (epoch_order(1000, 0, 0) == first).all()


def test_batches_from_any_step_are_those_of_the_whole_run():
    whole = list(training_batches(100, 8, seed=5, first=0, last=30))
    assert list(training_batches(100, 8, seed=5, first=17, last=30)) == whole[17:]
    one_epoch = list(chain.from_iterable(whole[:12]))
    assert len(set(one_epoch)) == 96
    assert {epoch for epoch, _ in one_epoch} == {0}


def test_evaluation_shows_every_image_exactly_once():
    batches = evaluation_batches(103, 10)
    assert list(chain.from_iterable(batches)) == list(range(103))
    assert list(map(len, batches)) == [10] * 10 + [3]


LAYOUTS = [(1, 1), (2, 1), (1, 3), (4, 1), (2, 3), (3, 4)]


@pytest.mark.parametrize(("world", "accumulate"), LAYOUTS)
def test_ranks_and_accumulated_batches_are_the_global_batch_in_order(world, accumulate):
    (keys,) = training_batches(100, 24, seed=5, first=3, last=4)
    parts = [shard(keys, rank, world, accumulate) for rank in range(world)]
    assert {len(part) for part in parts} == {accumulate}
    assert {len(run) for part in parts for run in part} == {24 // (world * accumulate)}
    assert [key for part in parts for run in part for key in run] == keys


def test_a_batch_that_cannot_be_divided_evenly_is_refused():
    with pytest.raises(ValueError, match="24 cannot be divided into 5 x 1"):
        shard([(0, index) for index in range(24)], 0, 5, 1)


@pytest.mark.parametrize(("images", "world"), [(103, 1), (103, 4), (3, 4), (0, 2)])
def test_every_batch_is_evaluated_on_one_rank(images, world):
    batches = evaluation_batches(images, 2)
    shares = [share(batches, rank, world) for rank in range(world)]
    assert list(chain(*shares)) == batches
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("workers", [0, 2])
def test_images_do_not_depend_on_workers_or_on_where_a_run_starts(workers, digits):
    train, _ = digits
    whole = list(Loader().training(train, 8, seed=1, steps=range(6)))
    again = list(Loader(workers).training(train, 8, seed=1, steps=range(4, 6)))
    for one, other in zip(whole[4:], again, strict=True):
        assert torch.equal(one.images_NCHW, other.images_NCHW)
        assert torch.equal(one.labels_N, other.labels_N)


def test_a_rendering_is_a_function_of_seed_epoch_and_index(digits):
    train, eval = digits
    assert (train.image(2, 7) == train.image(2, 7)).all()
    assert (train.image(2, 7) != train.image(3, 7)).any()
    other_seed, same_eval = jittered(seed=4)
    assert (other_seed.image(2, 7) != train.image(2, 7)).any()
    assert (same_eval.image(0, 7) == eval.image(0, 7)).all()  # the test set is the same for every seed


def test_a_rendering_stays_inside_the_image():
    quiet = Jitter(size=[0.7, 0.7], rotate=20.0, contrast=[1.0, 1.0], noise=0.0)
    train, _ = jittered(0, quiet, pixels=79)
    ink = [int(train.image(epoch, 0).astype(int).sum()) for epoch in range(40)]
    assert min(ink) > 0.97 * max(ink)  # nothing is cut off at any place and angle


def test_evaluation_digits_are_never_trained_on(digits):
    train, eval = digits
    assert (len(train), len(eval)) == (1437, 720)
    assert not set(train.groups_N) & set(eval.groups_N)
    assert (eval.groups_N[:360] == eval.groups_N[360:]).all()  # two renderings of each
    assert (eval.labels_N[:360] == eval.labels_N[360:]).all()


def test_the_dev_split_lies_in_the_training_digits(digits):
    train, _ = digits
    dev_train, dev = jittered(0, renderings=1, eval_split="dev")
    assert set(dev_train.groups_N) | set(dev.groups_N) == set(train.groups_N)
    assert (len(dev_train), len(dev)) == (1150, 287)
    shares = np.bincount(dev.labels_N) / np.bincount(train.labels_N)
    assert shares.max() - shares.min() < 0.02


def test_the_split_is_the_one_that_every_figure_was_measured_on():
    """A library that splits otherwise would silently change every result."""
    _, eval = plain(8)
    assert list(eval.groups_N[:8]) == SPLIT_HEAD
    assert int(eval.groups_N.sum()) == SPLIT_SUM


def test_plain_digits_are_scikit_learn_s():
    from sklearn.datasets import load_digits

    train, _ = plain(8 + 2)
    raw = load_digits()
    index = int(train.groups_N[0])
    inner = train.image(0, 0)[1:-1, 1:-1, 0]
    assert (inner == (raw.images[index] * 255 / 16).astype(np.uint8)).all()


@cache
def protocol(*words):
    return parse(compose("train", words)).protocol


def test_the_whole_image_of_a_digit_is_evaluated_as_it_is_drawn():
    """By the protocol of scale=digits; training is monitored so by any."""
    settings = digits_jitter.Settings(name="digits_jitter", eval_split="test", workers=0, renderings=2, jitter=JITTER)
    whole, cut = (Views(79, None, protocol(word).transform(79)) for word in ("scale=digits", "protocol=single"))
    index = settings.index(dev=False)
    splits, others = settings.open(index, whole, 0), settings.open(index, cut, 0)
    scans = plain_digits.read_scans("test")[1]
    drawn = JitteredDigits(scans, 79, JITTER, SPLIT_SEED, 2)
    for index in (0, 7, 500):
        assert (splits.eval.image(0, index) == drawn.image(0, index)).all()
        assert (others.monitor.image(0, index) == drawn.image(0, index)).all()
        assert (others.eval.image(0, index) != drawn.image(0, index)).any()


@pytest.mark.parametrize("name", ["crops12", "crops144", "torchvision", "slim"])
def test_a_protocol_cuts_the_views_of_a_digit_from_the_drawn_image(name):
    """As of a file with the same pixels."""
    cut = protocol(f"protocol={name}").transform(79)
    settings = plain_digits.Settings(name="digits", eval_split="test", workers=0)
    found = settings.open(settings.index(dev=False), Views(79, None, cut), 0).eval.image(0, 3)
    _, drawn = plain(79)
    assert (found == cut(Image.fromarray(drawn.image(0, 3)), np.random.default_rng(0))).all()


def test_the_loader_gives_whole_batches_of_bytes(digits):
    train, _ = digits
    batch = next(Loader().training(train, 8, 0, range(1)))
    assert batch.images_NCHW.shape == (8, 3, 40, 40)
    assert batch.images_NCHW.dtype == torch.uint8
