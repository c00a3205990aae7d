"""An evaluation as a job of its own: the bits that training wrote, for any number of ranks, after any interruption."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from support.evaluations import evaluated, evaluation_of, member, outcome
from support.runs import predictions
from test_trainer import run as train

from inceptionctl.runs.evaluations import read_evaluation
from inceptionctl.runs.metrics import read_metrics


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A finished run on digits, on one thread."""
    before = torch.get_num_threads()
    made = train(tmp_path_factory.mktemp("digits") / "run", "launch.threads=1")
    torch.set_num_threads(before)
    return made


def bits(found):
    return {name: None if array is None else array.tobytes() for name, array in vars(found).items()}


@pytest.mark.parametrize("weights", ["ema", "raw"])
def test_a_run_has_the_bits_that_training_wrote(weights, digits, tmp_path):
    written = predictions(digits.path, weights), read_evaluation(digits.evaluation("test", "single", weights))
    made = evaluated(evaluation_of(tmp_path / "eval", member(digits, weights)))
    record = read_evaluation(made.outcome)
    assert bits(outcome(made)) == bits(written[0])
    assert replace(record, members=[]) == replace(written[1], members=[])
    assert bits(predictions(digits.path, weights)) == bits(written[0])
    assert not made.parts.exists()
    last = read_metrics(made.metrics)[-1]
    assert (last.step, last.top1_error) == (360, record.top1_error)
