"""Evaluation counts, divergence, and the clock."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, top_k_accuracy_score
from torch import nn

from inceptionctl.data.loader import Batch
from inceptionctl.errors import RequestError
from inceptionctl.evaluation.evaluate import evaluate
from inceptionctl.models.torch.modules import Output
from inceptionctl.training.clock import Clock
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.meters import Diverged, Journal
from inceptionctl.training.step import Outcome


class Linear(nn.Module):
    """Twelve classes from the mean of three channels, with dropout that must not act."""

    def __init__(self):
        super().__init__()
        self.layer, self.dropout = nn.Linear(3, 12), nn.Dropout(0.9)

    def forward(self, images):
        return Output(self.dropout(self.layer(images.mean(dim=(2, 3)))), {})


def test_evaluation_agrees_with_scikit_learn():
    torch.manual_seed(0)
    model, images = Linear(), torch.randint(0, 256, (103, 3, 4, 4), dtype=torch.uint8)
    labels = torch.randint(0, 12, (103,))
    batches = [Batch(images[i : i + 10], labels[i : i + 10]) for i in range(0, 103, 10)]
    found = evaluate(model.train(), batches, torch.device("cpu"), torch.contiguous_format)
    with torch.no_grad():
        p = model.eval()(images.float() / 127.5 - 1).logits.softmax(1).numpy()
    classes = np.arange(12)
    assert found.n_images == 103
    assert found.error(1) == pytest.approx(100 * (1 - top_k_accuracy_score(labels, p, k=1, labels=classes)))
    assert found.error(5) == pytest.approx(100 * (1 - top_k_accuracy_score(labels, p, k=5, labels=classes)))
    assert found.loss == pytest.approx(log_loss(labels, p, labels=classes), rel=1e-5)
    assert found.p_true_N == pytest.approx(p[np.arange(103), labels], rel=1e-5)


def test_evaluation_puts_the_mode_back():
    model = Linear().train()
    evaluate(model, [Batch(torch.zeros(1, 3, 2, 2, dtype=torch.uint8), torch.zeros(1, dtype=torch.long))],
             torch.device("cpu"), torch.contiguous_format)  # fmt: skip
    assert model.training


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_divergence_stops_the_run_with_advice(bad):
    journal = Journal(DistributedContext(), scaled=False)
    journal.pending = [Outcome(torch.tensor(1.0), 1.0), Outcome(torch.tensor(bad), 1.0), Outcome(1.0, 1.0)]
    with pytest.raises(Diverged, match=r"diverged at step 12.*(?s:.*)lower schedule\.lr"):
        journal.row(13)


def test_the_clock_counts_whole_batches():
    clock = Clock.over(images=1437, batch=32, epochs=8)
    assert (clock.steps_per_epoch, clock.steps) == (44, 352)
    clock.step = 44
    assert (clock.epoch, clock.ends_epoch, clock.every(10), clock.done) == (1.0, True, False, False)
    clock.step = 352
    assert (clock.every(10), clock.done) == (True, True)


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(RequestError, match=r"train.batch_size = 64 is more than the 50"):
        Clock.over(50, 64, 1)
