"""Ensembles of runs: members of different architecture and input size, images that are decoded once, probabilities that
are stored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.evaluations import evaluated, evaluation_of, member, outcome

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data import file_images
from inceptionctl.data.decoded import pixel_file
from inceptionctl.errors import InceptionctlError
from inceptionctl.planning.plan import frozen_plan
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.evaluations import read_evaluation, read_predictions, write_at
from inceptionctl.runs.index_file import read_index
from inceptionctl.runs.io import read_record
from inceptionctl.runs.records.process import Environment
from inceptionctl.worker.evaluation import assemble
from inceptionctl.worker.members import Member


def protocol(name):
    settings = parse(compose("train", [f"protocol={name}"])).protocol
    return lambda config: replace(config, protocol=settings)


def test_each_image_is_decoded_once_for_all_views_and_members(photos, others, tmp_path, monkeypatch):
    """144 crops for each of two networks of different input size."""
    seen = []

    def count_calls(module, name):
        read = getattr(module, name)
        counted = lambda files, index: seen.append(files.path(index).name) or read(files, index)  # noqa: E731
        monkeypatch.setattr(module, name, counted)

    count_calls(file_images, "read_image")
    count_calls(pixel_file, "read_pixels")
    config = read_config(photos)
    files = frozen_plan(config, read_index(photos, config.resolved.data_fingerprint)).data
    index = files.evaluated_on(files.files["eval"].subset(np.array([0, 1, 7])))
    both = [member(photos), member(others)]
    assert [one.pixels for one in both] == [79, 96]
    made = evaluated(evaluation_of(tmp_path / "eval", *both, index=index, changed=protocol("crops144")))
    assert seen == ["00.png", "01.png", "02.png"]
    record = read_evaluation(made.outcome)
    assert (record.n_images, record.weights, record.protocol.crops) == (3, "2 networks", 144)


@pytest.fixture(scope="module")
def stored(photos, others, tmp_path_factory):
    """The probabilities of both runs under twelve crops, as they are stored in the runs."""
    where = tmp_path_factory.mktemp("stored")
    made = [
        evaluated(evaluation_of(where / run.path.name, member(run), changed=protocol("crops12"), probabilities=True))
        for run in (photos, others)
    ]
    return [outcome(one) for one in made], [read_evaluation(one.outcome) for one in made]


def of_both(path, photos, others, **request):
    return evaluation_of(path, member(photos), member(others), changed=protocol("crops12"), **request)


def test_an_ensemble_averages_what_its_members_say(photos, others, stored, tmp_path):
    (one, other), records = stored
    made = evaluated(of_both(tmp_path / "eval", photos, others))
    record, found = read_evaluation(made.outcome), outcome(made)
    mean = (one.p_NK.astype(float) + other.p_NK.astype(float)) / 2
    assert found.p_true_N == pytest.approx(mean[np.arange(15), one.label_N], abs=1e-3)
    assert [single.label for single in record.alone] == ["inception_v2 run", "googlenet others"]
    for single, own in zip(record.alone, records, strict=True):
        assert (single.top1_error, single.top5_error, single.nll) == (own.top1_error, None, own.nll)
    assert record.without == []
    assert found.p_NK is None


def test_probabilities_that_are_stored_need_no_network(photos, others, stored, tmp_path, monkeypatch):
    by_networks = evaluated(of_both(tmp_path / "networks", photos, others))

    def load(*_):
        raise AssertionError("a network is loaded")

    monkeypatch.setattr(Member, "load", load)
    made = evaluated(of_both(tmp_path / "stored", photos, others, probabilities=True))
    found, expected = read_evaluation(made.outcome), read_evaluation(by_networks.outcome)
    assert found.device == read_record(made.env, Environment).device == "stored probabilities"
    assert (found.n_images, found.top1_error) == (expected.n_images, expected.top1_error)
    assert found.nll == pytest.approx(expected.nll, rel=1e-3)
    assert [one.nll for one in found.alone] == pytest.approx([one.nll for one in expected.alone], rel=1e-3)
    assert outcome(made).p_NK.shape == (15, 3)


def test_stored_probabilities_of_other_images_are_refused(photos, others, stored, tmp_path):
    path = others.evaluation("test", "crops12", "ema")
    record = read_evaluation(path)
    found = read_predictions(path, record)
    write_at(path, record, replace(found, group_N=found.group_N[::-1].copy()))
    made = of_both(tmp_path / "eval", photos, others, probabilities=True)
    with pytest.raises(InceptionctlError, match=r"crops12.ema.json cannot be averaged: they differ in the sources"):
        assemble(made)
    write_at(path, record, found)


def test_without_stored_probabilities_the_networks_are_asked(photos, others, tmp_path):
    made = evaluated(
        evaluation_of(tmp_path / "eval", member(photos), member(others), changed=protocol("flip"), probabilities=True)
    )
    assert read_evaluation(made.outcome).device == "cpu"
    assert outcome(made).p_NK.shape == (15, 3)
