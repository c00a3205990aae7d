"""Runs and their evaluations: what `train protocol=...` changes; eval says what training said, of any weights."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
import torch
from safetensors.torch import load_file
from support.evaluations import evaluated, evaluation_of, member, outcome
from support.image_folders import fill
from test_trainer import folder
from test_trainer import run as train

from inceptionctl.config.identity import identity
from inceptionctl.data.normalise import NORMALISATIONS
from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.evaluation.evaluate import Network
from inceptionctl.evaluation.predictor import Predictor
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.damage import read_result
from inceptionctl.runs.evaluations import read_evaluation, read_predictions
from inceptionctl.runs.io import write_record
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.records.evaluation import EvaluationSummary
from inceptionctl.runs.records.metrics import EvalRow
from inceptionctl.training.device import ToDevice
from inceptionctl.worker.evaluation import assemble
from inceptionctl.worker.evaluator import Evaluator
from inceptionctl.worker.lock import acquire
from inceptionctl.worker.networks import network_of_run
from inceptionctl.worker.outcome import add_summary


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    fill(root / "train")
    fill(root / "val", count=3)
    return ["data=imagefolder", f"data.root={root}", "data.workers=0", "augment=none", "train.batch_size=4"]


def weights_of(made):
    return load_file(max(made.checkpoints.glob("step-*")) / "model.safetensors")


def assert_evaluates_as_trained(made, path, weights, protocol="whole"):
    """Bit for bit, figures and arrays."""
    written = made.evaluation("test", protocol, weights)
    record = read_evaluation(written)
    before = vars(read_predictions(written, record))
    found = evaluated(evaluation_of(path, member(made, weights)))
    assert replace(read_evaluation(found.outcome), members=[]) == replace(record, members=[])
    after = vars(outcome(found))
    assert [name for name in before if (b := before[name]) is not None and b.tobytes() != after[name].tobytes()] == []


def test_a_protocol_changes_how_a_run_is_evaluated_at_its_end_and_nothing_else(images, tmp_path):
    words = [*images, "train.epochs=2", "train.monitor=5"]
    plain, made = (
        train(tmp_path / "plain", *words, "protocol=single"),
        train(tmp_path / "crops", *words, "protocol=crops10"),
    )
    assert identity(read_config(plain)) == identity(read_config(made))
    ours, theirs = weights_of(plain), weights_of(made)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    rows, others = ([row for row in read_metrics(run.metrics) if isinstance(row, EvalRow)] for run in (plain, made))
    assert [row.purpose for row in rows] == ["monitor", "final", "final"]
    assert (rows[0], rows[0].n_images) == (others[0], 5)
    assert rows[1].nll != others[1].nll
    record = read_evaluation(made.evaluation("test", "crops10", "ema"))
    assert (record.protocol.crops, record.protocol.averaging, record.n_images) == (10, "softmax", 9)
    assert_evaluates_as_trained(made, tmp_path / "eval", "ema", "crops10")


def test_the_best_checkpoint_is_evaluated_as_training_did(tmp_path, monkeypatch):
    """Here that of the first epoch of two."""
    errors = count(10.0)
    monkeypatch.setattr(Evaluator, "select", lambda _: next(errors))
    made = train(tmp_path / "run", "train.keep_best=true", "train.epochs=2", "train.keep_checkpoints=1")
    assert read_result(made).best.step == 35
    for weights in ("best-ema", "best-raw", "ema"):
        assert_evaluates_as_trained(made, tmp_path / weights, weights)


def test_statistics_that_training_recomputed_are_recomputed(tmp_path):
    """No checkpoint has them."""
    made = train(tmp_path / "run", "train.ema.buffers=recomputed", "train.epochs=0.5")
    assert_evaluates_as_trained(made, tmp_path / "eval", "ema")
    assert_evaluates_as_trained(made, tmp_path / "raw", "raw")


def test_predict_says_what_an_evaluation_says(images, tmp_path):
    """Under the run's own protocol, ten crops of each image."""
    made = train(tmp_path / "run", *images, "protocol=crops10")
    found = outcome(evaluated(evaluation_of(tmp_path / "eval", member(made), probabilities=True)))
    config = read_config(made)
    model, _ = network_of_run(made, config, "ema")
    to_cpu = ToDevice(torch.device("cpu"), torch.channels_last, NORMALISATIONS[config.arch.input])
    transform = config.protocol.transform(config.arch.pixels)
    root = next(word for word in images if word.startswith("data.root=")).removeprefix("data.root=")
    files = sorted(tmp_path.joinpath(root, "val").glob("*/*.png"))
    predicted = list(Predictor(Network(model, to_cpu), transform, config.protocol).predict(files, pytest.fail))
    for i, one in enumerate(predicted):
        assert one.p_K == pytest.approx(found.p_NK[i].astype(float), abs=1e-3)
        assert one.p_K[found.label_N[i]] == pytest.approx(found.p_true_N[i], rel=1e-5)
        assert one.top(5) == found.top5_NK[i].tolist()
    assert len(predicted) == 9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_images": 12}, "is of 12 images, and its index has 15"),
        ({"classes": ["ant", "bee"]}, "an image has the label 2, and there are 2 classes"),
        ({"classes": ["ant", "bee", "cat", "dog"]}, "tells 3 classes apart, not 4"),
    ],
)
def test_a_request_that_contradicts_its_files_is_refused(changes, message, photos, tmp_path):
    with pytest.raises(InceptionctlError, match=message):
        assemble(evaluation_of(tmp_path / "eval", member(photos), **changes))


def test_weights_of_another_run_are_refused(photos, tmp_path):
    other = replace(member(photos), identity="fedcba987654")
    with pytest.raises(InceptionctlError, match=r"the checkpoints in .*run are of run \w{12}, not of fedcba987654"):
        assemble(evaluation_of(tmp_path / "eval", other))


SUMMARY = EvaluationSummary(
    file="evaluations/other.flip.ema.json", image_set="other", protocol="flip", weights="ema", n_images=9,
    top1_error=50.0, top5_error=None, nll=1.5,
)  # fmt: skip


def test_a_result_keeps_its_evaluations_when_one_is_added(tmp_path):
    made = train(tmp_path / "run")
    before = read_result(made)
    with acquire(made):
        add_summary(made, SUMMARY)
        add_summary(made, replace(SUMMARY, file="evaluations/third.flip.ema.json"))
        add_summary(made, replace(SUMMARY, top1_error=25.0))
    after = read_result(made)
    assert after.evaluations[: len(before.evaluations)] == before.evaluations
    added = {one.file: one.top1_error for one in after.evaluations[len(before.evaluations) :]}
    assert added == {SUMMARY.file: 25.0, "evaluations/third.flip.ema.json": 50.0}
    assert replace(after, evaluations=before.evaluations) == before


def test_a_damaged_result_is_named_and_left_alone(tmp_path, capsys):
    made = folder(tmp_path / "run")
    made.result.write_text("{}")
    add_summary(made, SUMMARY)
    assert f"{made.result} is incomplete" in capsys.readouterr().err
    assert made.result.read_text() == "{}"


def test_a_run_that_another_process_works_on_is_not_touched(photos, tmp_path, monkeypatch):
    """What is done is kept: the next start only writes the record."""
    from inceptionctl.worker import outcome as writing

    made = evaluation_of(tmp_path / "eval", member(photos))
    monkeypatch.setattr(writing, "LOCK_SECONDS", 0.0)
    with acquire(photos), pytest.raises(RequestError, match=r"another process is working on .*run"):
        assemble(made).work(lambda: False)
    assert not made.finished
    job = assemble(made)
    job.work(lambda: False)
    assert (job.batches_done, made.finished) == (0, True)


def test_a_run_that_cannot_be_written_to_is_evaluated_in_the_other_folder_alone(photos, tmp_path, monkeypatch, capsys):
    from inceptionctl.worker import outcome as writing

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    made, before = evaluation_of(tmp_path / "eval", member(photos)), read_result(photos)
    monkeypatch.setattr(writing, "acquire", denied)
    evaluated(made)
    said = f"{photos.path} cannot be written to: Permission denied; the evaluation is in {made.path} alone"
    assert said in capsys.readouterr().err
    assert (read_result(photos), read_evaluation(made.outcome).n_images) == (before, 15)


def test_a_run_that_is_gone_is_named(photos, tmp_path):
    made = evaluation_of(tmp_path / "eval", member(photos))
    gone = replace(member(photos), run=str(tmp_path / "gone"))
    write_record(made.request, replace(assemble(made).outcome.request, members=[gone]))
    with pytest.raises(RequestError, match="gone is not a run folder"):
        assemble(made)
