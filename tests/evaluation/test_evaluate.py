"""Evaluation against scikit-learn, over ranks with uneven and empty shares, in batches of any size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, top_k_accuracy_score
from support.ranks import on_ranks
from torch import nn

from inceptionctl.data.order import share
from inceptionctl.data.view_batches import ViewBatch
from inceptionctl.errors import DataError, InceptionctlError
from inceptionctl.evaluation.evaluate import Method, Network, combine, evaluate
from inceptionctl.evaluation.outcome import ARRAYS
from inceptionctl.models.torch.classifier import Output
from inceptionctl.training.device import ToDevice
from inceptionctl.training.distributed.context import DistributedContext

TO_CPU = ToDevice(torch.device("cpu"))
UNREADABLE = "not one of the images to evaluate on can be read"


class Linear(nn.Module):
    """Classes from the mean of three channels and of the left half, with dropout that must not act."""

    def __init__(self, classes=12):
        super().__init__()
        self.layer, self.dropout = nn.Linear(6, classes), nn.Dropout(0.9)
        self.sizes = []

    def forward(self, images):
        self.sizes.append(len(images))
        left = images[..., : images.shape[-1] // 2]
        return Output(self.dropout(self.layer(torch.cat([images.mean(dim=(2, 3)), left.mean(dim=(2, 3))], 1))), {})


def dataset(count, classes, views=1, labels=1):
    """(network, uint8 views, labels)."""
    torch.manual_seed(0)
    model = Linear(classes)
    images = torch.randint(0, 256, (count, views, 3, 4, 4), dtype=torch.uint8)
    return model, images, torch.randint(0, classes, (count, labels)).numpy()


def batches_of(images, method, left_out=(), wrong=(), own=lambda batches: batches):
    """Of the images of `own` batches; those in `left_out` and `wrong` cannot be read."""
    for batch in own(method.batches):
        indices = torch.arange(batch.start, batch.stop)
        counted = torch.tensor([index not in left_out for index in batch])
        read = counted & torch.tensor([index not in wrong for index in batch])
        yield ViewBatch((images[batch.start : batch.stop],), indices, read, counted)


def evaluated(model, images, labels, batch_size=10, left_out=(), wrong=(), **method):
    how = Method(labels_NL=labels, n_classes=model.layer.out_features, batch_size=batch_size, **method)
    return evaluate([Network(model, TO_CPU)], batches_of(images, how, left_out, wrong), how)


def probabilities(model, images):
    """In float64, of single views."""
    with torch.no_grad():
        model = model.double().eval()
        found = model(images[:, 0].double() / 127.5 - 1).logits.softmax(1).numpy()
        model.float()
    return found


def test_evaluation_agrees_with_scikit_learn():
    model, images, labels = dataset(103, 12)
    found = evaluated(model.train(), images, labels)
    p, classes, label = probabilities(model, images), np.arange(12), labels[:, 0]
    assert found.n_images == 103
    assert found.error(1) == pytest.approx(100 * (1 - top_k_accuracy_score(label, p, k=1, labels=classes)))
    assert found.error(5) == pytest.approx(100 * (1 - top_k_accuracy_score(label, p, k=5, labels=classes)))
    assert found.nll == pytest.approx(log_loss(label, p, labels=classes), rel=1e-6)
    assert found.p_true_N == pytest.approx(p[np.arange(103), label], rel=1e-5)
    assert found.confidence_N == pytest.approx(p.max(axis=1), rel=1e-5)
    assert found.nll_N == pytest.approx(-np.log(p[np.arange(103), label]), rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_restores_the_mode(training):
    model, images, labels = dataset(3, 12)
    model.train(training)
    evaluated(model, images, labels)
    assert model.training == training


@pytest.mark.parametrize("batch_size", [1, 7, 50, 200])
def test_errors_are_the_same_for_any_batch_size(batch_size):
    data = dataset(103, 12, views=3)
    how = {"averaging": "softmax", "mirrored": True, "num_views": 6}
    found, expected = evaluated(*data, batch_size=batch_size, **how), evaluated(*data, batch_size=103 * 6, **how)
    assert (found.top5_NK == expected.top5_NK).all()
    assert found.metrics() == expected.metrics() | {"nll": pytest.approx(expected.nll, rel=1e-6)}


@pytest.mark.parametrize(("batch_size", "sizes"), [(100, [72, 72]), (144, [144]), (1000, [864])])
def test_a_device_takes_no_more_inputs_than_asked_at_a_time(batch_size, sizes):
    model, images, labels = dataset(6, 12, views=72)
    evaluated(model, images, labels, batch_size, averaging="softmax", mirrored=True, num_views=144)
    assert model.sizes[: len(sizes)] == sizes
    assert sum(model.sizes) == 6 * 144


@pytest.mark.parametrize("averaging", ["softmax", "logits", "maximum"])
def test_mirrored_views_are_those_of_mirrored_images(averaging):
    model, images, labels = dataset(20, 12, views=2)
    by_hand = torch.cat([images, images.flip(-1)], dim=1)
    found = evaluated(model, images, labels, averaging=averaging, mirrored=True, num_views=4, probabilities=True)
    expected = evaluated(model, by_hand, labels, averaging=averaging, num_views=4, probabilities=True)
    assert all(getattr(found, name).tobytes() == getattr(expected, name).tobytes() for name in ARRAYS)
    plain = evaluated(model, images, labels, averaging=averaging, num_views=2)
    assert (plain.p_true_N != found.p_true_N).all()


def test_five_classes_have_no_top5_error():
    five, six = evaluated(*dataset(30, 5)).metrics(), evaluated(*dataset(30, 6)).metrics()
    assert five["top5_error"] is None
    assert six["top5_error"] > 0


def test_any_label_of_a_set_is_right():
    model, images, labels = dataset(40, 12, labels=3)
    labels[::2, 1:] = -1
    found = evaluated(model, images, labels)
    p = probabilities(model, images)
    for i, row in enumerate(labels):
        right = sorted({k for k in row if k >= 0})
        if len(right) == np.count_nonzero(row >= 0):  # the set of this image has no class twice
            assert found.correct_N[i] == (p[i].argmax() in right)
            assert found.p_true_N[i] == pytest.approx(p[i, right].sum(), rel=1e-5)
            assert found.nll_N[i] == pytest.approx(-np.log(p[i, right].sum()), rel=1e-5)


def test_unreadable_images_are_left_out_or_wrong():
    model, images, labels = dataset(31, 12)
    whole, lost = evaluated(model, images, labels), [3, 7, 30]
    keep = ~np.isin(np.arange(31), lost)
    without = evaluated(model, images, labels, left_out=lost)
    assert (without.n_images, without.unreadable, without.left_out_M.tolist()) == (28, 3, lost)
    assert without.error(1) == 100 * (28 - whole.correct_N[keep].sum()) / 28
    assert without.nll == whole.nll_N[keep].mean()

    wrong = evaluated(model, images, labels, wrong=lost, probabilities=True)
    assert (wrong.n_images, wrong.unreadable, wrong.left_out_M.tolist()) == (31, 3, [])
    assert wrong.error(1) == 100 * (31 - whole.correct_N[keep].sum()) / 31
    assert wrong.error(5) >= 100 * 3 / 31
    assert wrong.nll == without.nll
    assert (wrong.top5_NK[lost] == -1).all()
    assert not wrong.p_true_N[lost].any()
    assert not wrong.p_NK[lost].any()


def test_an_output_that_is_not_finite_is_an_error():
    model, images, labels = dataset(3, 12)
    with torch.no_grad():
        model.layer.bias[4] = torch.nan
    with pytest.raises(InceptionctlError, match="NaN or infinite"):
        evaluated(model, images, labels)


CASES = [
    (61, 12, range(4, 61, 9)),
    (1, 12, []),  # fewer images than ranks
    (2, 3, []),  # fewer classes than five, and ranks with nothing
    (7, 12, range(2)),  # the first of three ranks can read none of its images
]


def part_of(context, count, classes, unreadable):
    """This rank's part of `count` images, of which those in `unreadable` cannot be read, in batches of two."""
    model, images, labels = dataset(count, classes)
    how = Method(labels_NL=labels, n_classes=classes, batch_size=2)
    own = batches_of(images, how, unreadable, own=lambda all_: share(all_, context.rank, context.world_size))
    return evaluate([Network(model, TO_CPU)], own, how)


def combined(context):
    """Of each case; the message where no image can be read."""
    with pytest.raises(DataError) as none:
        combine(part_of(context, 3, 12, range(3)), context)
    return [combine(part_of(context, *case), context) for case in CASES], str(none.value)


@pytest.mark.parametrize("world_size", [2, 3])
def test_ranks_have_the_bits_of_one(world_size, tmp_path):
    for found, message in on_ranks(world_size, tmp_path, combined):
        assert message == UNREADABLE
        for (count, classes, unreadable), ours in zip(CASES, found, strict=True):
            whole = part_of(DistributedContext(), count, classes, unreadable)
            assert (ours.n_images, ours.unreadable) == (count - len(unreadable), len(unreadable))
            assert ours.metrics() == whole.metrics()
            for one, other in ((getattr(ours, name), getattr(whole, name)) for name in ARRAYS):
                assert one is other is None or (one.dtype, one.shape, one.tobytes()) == (
                    other.dtype,
                    other.shape,
                    other.tobytes(),
                )


def test_no_images_are_an_error():
    with pytest.raises(DataError, match=UNREADABLE):
        combine(part_of(DistributedContext(), 3, 12, range(3)), DistributedContext())
    nothing = part_of(replace(DistributedContext(), rank=0, world_size=9), 3, 12, [])
    with pytest.raises(DataError, match=UNREADABLE):
        combine(nothing, DistributedContext())
