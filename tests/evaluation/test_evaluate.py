"""Evaluation against scikit-learn, and over ranks with uneven and empty parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, top_k_accuracy_score
from support.ranks import on_ranks
from torch import nn

from inceptionctl.data.loader import Batch
from inceptionctl.data.order import share
from inceptionctl.errors import DataError
from inceptionctl.evaluation.evaluate import combine, evaluate
from inceptionctl.models.torch.modules import Output
from inceptionctl.training.device import ToDevice
from inceptionctl.training.distributed.context import DistributedContext

TO_CPU = ToDevice(torch.device("cpu"))
UNREADABLE = "not one of the images to evaluate on can be read"
ARRAYS = ("indices_N", "labels_N", "top5_NK", "p_true_N")


class Linear(nn.Module):
    """Classes from the mean of three channels, with dropout that must not act."""

    def __init__(self, classes=12):
        super().__init__()
        self.layer, self.dropout = nn.Linear(3, classes), nn.Dropout(0.9)

    def forward(self, images):
        return Output(self.dropout(self.layer(images.mean(dim=(2, 3)))), {})


def dataset(count, classes):
    torch.manual_seed(0)
    model, images = Linear(classes), torch.randint(0, 256, (count, 3, 4, 4), dtype=torch.uint8)
    return model, images, torch.randint(0, classes, (count,))


def test_evaluation_agrees_with_scikit_learn():
    model, images, labels = dataset(103, 12)
    batches = [Batch(images[i : i + 10], labels[i : i + 10]) for i in range(0, 103, 10)]
    found = evaluate(model.train(), batches, TO_CPU)
    with torch.no_grad():
        p = model.eval()(images.float() / 127.5 - 1).logits.softmax(1).numpy()
    classes = np.arange(12)
    assert found.n_images == 103
    assert found.error(1) == pytest.approx(100 * (1 - top_k_accuracy_score(labels, p, k=1, labels=classes)))
    assert found.error(5) == pytest.approx(100 * (1 - top_k_accuracy_score(labels, p, k=5, labels=classes)))
    assert found.nll == pytest.approx(log_loss(labels, p, labels=classes), rel=1e-5)
    assert found.p_true_N == pytest.approx(p[np.arange(103), labels], rel=1e-5)


def test_evaluation_restores_the_mode():
    model = Linear().train()
    evaluate(model, [Batch(torch.zeros(1, 3, 2, 2, dtype=torch.uint8), torch.zeros(1, dtype=torch.long))], TO_CPU)
    assert model.training


def evaluated(context, count, classes, unreadable):
    """This rank's part of `count` images, of which those in `unreadable` cannot be read, in batches of two."""
    model, images, labels = dataset(count, classes)
    labels[list(unreadable)] = -100
    own = share(count, context.rank, context.world_size)
    parts = [slice(at, min(at + 2, own.stop)) for at in range(own.start, own.stop, 2)]
    return evaluate(model, [Batch(images[part], labels[part]) for part in parts], TO_CPU, own.start)


CASES = [
    (61, 12, range(4, 61, 9)),
    (1, 12, []),  # fewer images than ranks
    (2, 3, []),  # fewer classes than five, and an empty part on three ranks
    (7, 12, range(2)),  # the first of three ranks can read none of its images
]


def combined(context):
    """Of each case; the message where no image can be read."""
    with pytest.raises(DataError) as none:
        combine(evaluated(context, 3, 12, range(3)), context)
    return [combine(evaluated(context, *case), context) for case in CASES], str(none.value)


@pytest.mark.parametrize("world_size", [2, 3])
def test_parts_of_any_size_add_up_to_the_whole(world_size, tmp_path):
    """On every rank: arrays bit for bit, counts exactly, the likelihood to the rounding of batches in float32."""
    for found, message in on_ranks(world_size, tmp_path, combined):
        assert message == UNREADABLE
        for (count, classes, unreadable), ours in zip(CASES, found, strict=True):
            whole = evaluated(DistributedContext(), count, classes, unreadable)
            assert (ours.n_images, ours.unreadable) == (count - len(unreadable), len(unreadable))
            assert ours.metrics() == whole.metrics() | {"nll": pytest.approx(whole.nll, rel=1e-6)}
            for name in ARRAYS:
                one, other = getattr(ours, name), getattr(whole, name)
                assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


def test_no_images_are_an_error():
    with pytest.raises(DataError, match=UNREADABLE):
        combine(evaluated(DistributedContext(), 3, 12, range(3)), DistributedContext())
    with pytest.raises(DataError, match=UNREADABLE):
        combine(evaluate(Linear(), [], TO_CPU), DistributedContext())
