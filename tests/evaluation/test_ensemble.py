"""Ensembles against averages by hand: the whole, each member alone, all but each."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, top_k_accuracy_score
from test_evaluate import TO_CPU, Linear, dataset, evaluated, probabilities

from inceptionctl.data.view_batches import ViewBatch
from inceptionctl.evaluation.ensemble import subsets
from inceptionctl.evaluation.evaluate import Method, Network, evaluate
from inceptionctl.evaluation.outcome import ARRAYS


def together(models, images, labels, inputs=None, **method):
    """`inputs`: which of the arrays `images` each model takes."""
    inputs = inputs or [0] * len(models)
    how = Method(labels_NL=labels, n_classes=12, batch_size=10, **method)
    batches = (
        ViewBatch(
            tuple(one[batch.start : batch.stop] for one in images),
            torch.arange(batch.start, batch.stop),
            *[torch.ones(len(batch), dtype=torch.bool)] * 2,
        )
        for batch in how.batches
    )
    networks = [Network(model, TO_CPU, (input,)) for model, input in zip(models, inputs, strict=True)]
    return evaluate(networks, batches, how)


@pytest.fixture
def three():
    """(models, p_MNK in float64, images, labels)."""
    _, images, labels = dataset(61, 12)
    models = []
    for seed in range(3):
        torch.manual_seed(seed + 1)
        models.append(Linear(12))
    return models, np.stack([probabilities(model, images) for model in models]), images, labels


def errors(p, labels):
    top1, top5 = (top_k_accuracy_score(labels[:, 0], p, k=k, labels=np.arange(12)) for k in (1, 5))
    return 100 * (1 - top1), 100 * (1 - top5), log_loss(labels[:, 0], p, labels=np.arange(12))


def test_the_whole_and_its_subsets_are_means_of_probabilities(three):
    models, p_MNK, images, labels = three
    found = together(models, [images], labels, probabilities=True)
    assert subsets(3) == [(0,), (1,), (2,), (1, 2), (0, 2), (0, 1)]
    for figures, members in zip([found.figures, *found.subsets], [(0, 1, 2), *subsets(3)], strict=True):
        expected = errors(p_MNK[list(members)].mean(axis=0), labels)
        assert (figures.top1_error, figures.top5_error, figures.nll) == pytest.approx(expected, rel=1e-5)
    assert found.p_NK.astype(float) == pytest.approx(p_MNK.mean(axis=0), rel=1e-3, abs=1e-7)


def test_two_networks_have_no_subsets_but_themselves(three):
    models, _, images, labels = three
    found = together(models[:2], [images], labels)
    assert subsets(2) == [(0,), (1,)]
    alone = [evaluated(model, images, labels).figures for model in models[:2]]
    assert found.subsets == alone


def test_an_ensemble_of_one_is_the_network_itself(three):
    (model, *_), _, images, labels = three
    one, other = together([model], [images], labels), evaluated(model, images, labels)
    assert subsets(1) == one.subsets == []
    assert all(getattr(one, name) is None or (getattr(one, name) == getattr(other, name)).all() for name in ARRAYS)


def test_members_take_inputs_of_other_sizes_and_count_views(three):
    models, *_ = three
    _, small, labels = dataset(61, 12, views=2)
    _, large, _ = dataset(61, 12, views=2)
    large = large.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2)
    how = {"averaging": "softmax", "mirrored": True, "num_views": 4, "probabilities": True}
    found = together(models[:2], [small, large], labels, inputs=[1, 0], **how)
    by_hand = [
        evaluated(model, images, labels, **how).p_NK for model, images in zip(models, (large, small), strict=False)
    ]
    assert found.p_NK.astype(float) == pytest.approx(np.mean([p.astype(float) for p in by_hand], axis=0), abs=1e-3)
