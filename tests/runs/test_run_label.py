"""The label of a run folder."""

from __future__ import annotations

from dataclasses import replace

from support.records import EVALUATION

from inceptionctl.runs.io import write_record
from inceptionctl.runs.label import label_of, write_label
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRequest, MemberRecord


def test_a_run_is_called_what_was_typed_and_otherwise_by_its_network(tmp_path):
    run = RunDir(tmp_path)
    assert label_of(run) == tmp_path.name, "nothing in the folder tells"
    run.config.write_text("name: train\narch:\n  name: inception_v2\n  pixels: 79\n")
    write_label(run, "")
    assert label_of(run) == "inception_v2"
    write_label(run, "optim=rmsprop")
    assert label_of(run) == "optim=rmsprop"


def test_a_damaged_label_hides_no_run(tmp_path):
    run = RunDir(tmp_path)
    run.config.write_text("arch:\n  name: inception_v2\n")
    run.label.write_text('{"schema": 1, "lab')
    assert label_of(run) == "inception_v2"


def test_an_evaluation_is_called_by_its_networks_and_its_protocol(tmp_path):
    run = RunDir(tmp_path)
    member = MemberRecord(label="inception_v3 (timm)", arch="inception_v3", weights="timm", pixels=299)
    request = EvaluationRequest(
        identity="0123456789ab", members=[member], image_set=EVALUATION.image_set, protocol=EVALUATION.protocol,
        classes=["a"], n_images=8, on_unreadable="error", batch_size=8, probabilities=False,
    )  # fmt: skip
    write_record(run.request, request)
    assert label_of(run) == "inception_v3 (timm), single"
    write_record(run.request, replace(request, members=[member, member]))
    assert label_of(run) == "ensemble of 2, single"
