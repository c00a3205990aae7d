"""Probabilities over views and networks against SciPy in float64; ties; labels that are sets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp, softmax

from inceptionctl.evaluation.scores import Scores, of_labels, of_members, of_views, ranked


def logits(n=7, views=4, classes=9, scale=3.0, seed=0):
    return torch.randn(n, views, classes, generator=torch.Generator().manual_seed(seed)) * scale


def by_scipy(values, averaging):
    """Log-probabilities in float64."""
    x = values.double().numpy()
    if averaging == "logits":
        return log_softmax(x.mean(axis=1), axis=1)
    if averaging == "softmax":
        return logsumexp(log_softmax(x, axis=2), axis=1) - np.log(x.shape[1])
    largest = log_softmax(x, axis=2).max(axis=1)
    return largest - logsumexp(largest, axis=1, keepdims=True)


@pytest.mark.parametrize("averaging", ["softmax", "logits", "maximum"])
@pytest.mark.parametrize("scale", [0.1, 3.0, 200.0])
def test_averages_are_scipy_s(averaging, scale):
    """At the largest scale most probabilities are zero in float32, and their logarithms are not."""
    found, expected = of_views(logits(scale=scale), averaging), by_scipy(logits(scale=scale), averaging)
    assert found.log_p_NK.numpy() == pytest.approx(expected, rel=1e-5, abs=1e-5)
    assert found.p_NK.numpy() == pytest.approx(np.exp(expected), rel=1e-4, abs=1e-30)
    assert found.p_NK.sum(dim=1).numpy() == pytest.approx(1, rel=1e-5)


def test_the_mean_of_probabilities_is_what_it_says():
    found = of_views(logits(), "softmax")
    assert found.p_NK.numpy() == pytest.approx(softmax(logits().double().numpy(), axis=2).mean(axis=1), rel=1e-5)


def test_a_single_view_has_the_bits_of_torch_s_softmax():
    values = logits(views=1)
    assert torch.equal(of_views(values, None).p_NK, values[:, 0].softmax(1))
    assert torch.equal(of_views(values, None).log_p_NK, values[:, 0].log_softmax(1))


@pytest.mark.parametrize("averaging", ["softmax", "logits", "maximum"])
def test_views_that_are_equal_are_one(averaging):
    one = logits(views=1)
    found = of_views(one.expand(-1, 12, -1), averaging)
    assert found.log_p_NK.numpy() == pytest.approx(of_views(one, None).log_p_NK.numpy(), rel=1e-5, abs=1e-5)


def test_an_ensemble_is_the_mean_of_probabilities():
    members = [of_views(logits(views=1, scale=50, seed=seed), None) for seed in range(3)]
    in_log = [log_softmax(logits(views=1, scale=50, seed=seed)[:, 0].double().numpy(), axis=1) for seed in range(3)]
    expected = logsumexp(in_log, axis=0) - np.log(3)
    assert of_members(members).log_p_NK.numpy() == pytest.approx(expected, rel=1e-5, abs=1e-5)
    assert of_members(members[:1]) is members[0]


def test_a_likelihood_is_finite_where_the_probability_is_zero():
    scores = of_views(torch.tensor([[[0.0, 500.0], [0.0, 400.0]]]), "softmax")
    found = of_labels(scores, torch.tensor([[0]]))
    assert found.p_true_N.item() == 0
    assert found.nll_N.item() == pytest.approx(400 + np.log(2), rel=1e-6)


def test_ties_go_to_the_lower_index():
    """In every position, with more classes than are kept, and whatever torch's sort would like."""
    tied = torch.zeros(3, 1000)
    tied[1, 7] = tied[1, 900] = 1.0
    tied[2, ::2] = 2.0
    assert ranked(tied, 5).tolist() == [[0, 1, 2, 3, 4], [7, 900, 0, 1, 2], [0, 2, 4, 6, 8]]
    assert ranked(torch.zeros(1, 3), 5).tolist() == [[0, 1, 2]]
    values = torch.randint(0, 4, (50, 30), generator=torch.Generator().manual_seed(0)).float()
    assert ranked(values, 30).tolist() == np.argsort(-values.numpy(), axis=1, kind="stable").tolist()


def test_labels_may_be_sets():
    p = torch.tensor([[0.5, 0.25, 0.25, 0.0], [0.125, 0.125, 0.5, 0.25]])
    found = of_labels(Scores(p, p.log()), torch.tensor([[1, 2, -1], [3, -1, -1]]))
    assert found.p_true_N.tolist() == [0.5, 0.25]
    assert found.nll_N.tolist() == pytest.approx([np.log(2), np.log(4)])
