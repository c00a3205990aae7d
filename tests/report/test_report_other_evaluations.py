"""Cells that are evaluated by another protocol than their runs', and cells that are ensembles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.records import EVALUATION

from inceptionctl.errors import InceptionctlError
from inceptionctl.report.find import find
from inceptionctl.report.results import read
from inceptionctl.runs.damage import read_result
from inceptionctl.runs.evaluations import Predictions, write_at, write_evaluation
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import MANIFEST, RunDir
from inceptionctl.runs.records.evaluation import EvaluationRequest, MemberRecord
from inceptionctl.runs.records.process import Environment, ExitStatus
from inceptionctl.runs.records.table import ManifestCell, TableManifest

CLASSES, IMAGES, RENDERINGS = 10, 200, 5  # as in the made-up runs of conftest.py
CROPS = replace(EVALUATION.protocol, name="crops12", crops=12, averaging="softmax", settings={"reading": "squeezed"})
ENSEMBLE = "ee0000000000"  # identity of its evaluation


def wrong_about(count, protocol=CROPS, **changes):
    """A record, with its arrays, of a network that takes the first `count` images for the class after theirs."""
    label = np.arange(IMAGES) % CLASSES
    first = np.where(np.arange(IMAGES) < count, label + 1, label)
    found = Predictions(
        label_N=label,
        group_N=np.arange(IMAGES) // RENDERINGS,
        top5_NK=(first[:, None] + np.arange(5)) % CLASSES,
        p_true_N=np.full(IMAGES, 0.5, np.float32),
    )
    error = 100 * count / IMAGES
    record = replace(EVALUATION, protocol=protocol, n_images=IMAGES, top1_error=error, top5_error=error / 4, **changes)
    return record, found


def by_crops(run, count, protocol=CROPS):
    """Evaluates a made-up run by crops, too."""
    result = read_result(run)
    added = write_evaluation(run, *wrong_about(count, protocol))
    write_record(run.result, replace(result, evaluations=[*result.evaluations, added]))


def ensemble(outputs, label, seeds, count=None):
    """The folder of the evaluation of an ensemble of runs; unfinished without `count`."""
    made = RunDir(outputs.folder / f"{ENSEMBLE}-0")
    made.path.mkdir(parents=True)
    members = [
        MemberRecord(label=f"network {seed}", arch="inception_v3", weights="ema", pixels=79,
                     run=str(outputs.run(label, seed).path), identity=outputs.identity(label, seed))
        for seed in seeds
    ]  # fmt: skip
    asked = EvaluationRequest(
        identity=ENSEMBLE, members=members, image_set=EVALUATION.image_set, protocol=CROPS, classes=["a", "b"],
        n_images=IMAGES, on_unreadable="skip", batch_size=100, probabilities=True,
    )  # fmt: skip
    write_record(made.request, asked)
    if count is not None:
        write_at(made.outcome, *wrong_about(count, weights=f"{len(members)} networks", members=members))
    return made


def with_ensemble(outputs, label, *members, seed=0):
    """Makes the last row of the table a cell of runs of `label`."""
    folder = outputs.close()
    table = read_record(folder / MANIFEST, TableManifest)
    identities = [outputs.identity(label, member) for member in members]
    cells = [ManifestCell(seed=seed, identity=identities[0], members=identities)]
    last = replace(table.rows[-1], cells=cells, models=len(members), protocol="crops12")
    write_record(folder / MANIFEST, replace(table, rows=[*table.rows[:-1], last]))
    return folder


def statuses(folder):
    return {(row.label, cell.seed): cell.status for row, cell in read(folder).cells}


def test_a_row_has_the_figures_of_its_protocol_and_the_curves_of_its_runs(outputs):
    outputs.rows = {"RMSProp": {"protocol": "crops12"}}
    folder = outputs.done("Inception-v2", 40, 42).done("RMSProp", 30, 32).close()
    for seed, count in enumerate((20, 24)):
        by_crops(outputs.run("RMSProp", seed), count)
    first, second, *_ = read(folder).rows
    assert [one.top1_error for one in first.figures] == [20.0, 21.0]
    assert [one.top1_error for one in second.figures] == [10.0, 12.0]
    assert [one.other_error for one in second.figures] == [None, None]
    assert second.figures[0].predictions.correct_N.sum() == IMAGES - 20
    assert second.figures[0].curves.train_epoch.size == first.figures[0].curves.train_epoch.size > 0


def test_cells_share_the_arrays_that_are_the_same_for_all(ladder):
    first, *others = [cell.figures.predictions for _, cell in read(ladder).cells]
    assert all(one.label_N is first.label_N and one.group_N is first.group_N for one in others)
    assert len(first.bits) == IMAGES // 8


def test_a_run_that_was_not_evaluated_as_the_row_asks_is_said_to_be_so(outputs):
    outputs.rows = {"RMSProp": {"protocol": "crops12"}}
    folder = outputs.done("RMSProp", 30, 32).missing("RMSProp", 2).failed("RMSProp", 3).close()
    by_crops(outputs.run("RMSProp", 1), 24)
    found = statuses(folder)
    assert [found["RMSProp", seed] for seed in range(4)] == ["not evaluated", "done", "missing", "failed"]


def test_an_ensemble_is_found_by_its_runs(outputs):
    outputs.done("Inception-v2", 40, 42, 44)
    folder, made = with_ensemble(outputs, "Inception-v2", 0, 1), ensemble(outputs, "Inception-v2", (0, 1), 16)
    table = read(folder)
    (cell,) = table.rows[-1].cells
    assert (cell.status, cell.run.path.name) == ("done", made.path.name)
    assert (cell.figures.top1_error, cell.figures.models, cell.figures.curves.train_epoch.size) == (8.0, 2, 0)
    (row,) = (one for one in find(table).rows if one.row.label == "BN-auxiliary")
    assert row.measured.converged  # by its error alone: it has no loss of its own


def test_an_ensemble_of_other_runs_is_not_it(outputs):
    outputs.done("Inception-v2", 40, 42, 44)
    folder = with_ensemble(outputs, "Inception-v2", 0, 1)
    ensemble(outputs, "Inception-v2", (0, 2), 16)
    assert statuses(folder)["BN-auxiliary", 0] == "not evaluated"


@pytest.mark.parametrize(
    ("begun", "code", "expected"), [(False, None, "not evaluated"), (True, None, "not evaluated"), (True, 1, "failed")]
)
def test_an_ensemble_that_is_not_finished(outputs, begun, code, expected):
    outputs.done("Inception-v2", 40, 42)
    folder = with_ensemble(outputs, "Inception-v2", 0, 1)
    if begun:
        made = ensemble(outputs, "Inception-v2", (0, 1))
        if code is not None:
            write_record(made.exit, ExitStatus(code=code, message="out of memory"))
    assert statuses(folder)["BN-auxiliary", 0] == expected


def test_an_ensemble_whose_runs_are_not_finished_is_missing_or_failed_as_they_are(outputs):
    outputs.done("Inception-v2", 40).missing("Inception-v2", 1).failed("Inception-v2", 2)
    assert statuses(with_ensemble(outputs, "Inception-v2", 0, 1))["BN-auxiliary", 0] == "missing"
    assert statuses(with_ensemble(outputs, "Inception-v2", 0, 2))["BN-auxiliary", 0] == "failed"


def test_a_damaged_ensemble_is_named(outputs):
    outputs.done("Inception-v2", 40, 42)
    folder, made = with_ensemble(outputs, "Inception-v2", 0, 1), ensemble(outputs, "Inception-v2", (0, 1), 16)
    made.outcome.with_suffix(".npz").write_bytes(b"PK\x03\x04 cut")
    (cell,) = read(folder).rows[-1].cells
    assert (cell.status, str(made.outcome.with_suffix(".npz")) in cell.reason) == ("damaged", True)


def test_protocols_are_never_mixed_within_a_row(outputs):
    outputs.rows = {"RMSProp": {"protocol": "crops12"}}
    folder = outputs.done("RMSProp", 30, 32).close()
    by_crops(outputs.run("RMSProp", 0), 20)
    by_crops(outputs.run("RMSProp", 1), 20, replace(CROPS, settings={"reading": "centre_square"}))
    with pytest.raises(InceptionctlError, match=r"was evaluated by another protocol than .*: a row never mixes them"):
        read(folder)


@pytest.mark.parametrize("name", ["decoder", "resizer"])
def test_other_versions_are_not_other_protocols(name, outputs):
    outputs.rows = {"RMSProp": {"protocol": "crops12"}}
    folder = outputs.done("RMSProp", 30, 32).close()
    for seed, version in enumerate(("pillow 11", "pillow 12")):
        by_crops(outputs.run("RMSProp", seed), 20, replace(CROPS, **{name: version}))
    assert len(read(folder).rows[1].figures) == 2


def environment(commit):
    return Environment(versions={"torch": "2.10"}, git_commit=commit, platform="Linux", processor="x", cores=2,
                       device="cpu", threads=1, world_size=1)  # fmt: skip


def test_versions_that_differ_between_cells_and_compiled_beside_eager_are_told(outputs):
    folder = outputs.done("Inception-v2", 40, 42).done("RMSProp", 40).close()
    runs = [outputs.run("Inception-v2", 0), outputs.run("Inception-v2", 1), outputs.run("RMSProp", 0)]
    for run, commit in zip(runs, ("aaaa", "aaaa", "bbbb"), strict=True):
        write_record(run.env, environment(commit))
        compiled = "true" if run == runs[-1] else "false"
        run.config.write_text(f"seed: {run.path.name[-3]}\ntrain:\n  batch_size: 32\n  compile: {compiled}\n")
    table = read(folder)
    assert [(one.what, {value: len(of) for value, of in one.runs.items()}) for one in table.drift] == [
        ("git commit", {"aaaa": 2, "bbbb": 1})
    ]
    assert [row.compiled for row in table.rows[:2]] == [False, True]
    assert table.mixes_compiled
    assert not replace(table, rows=table.rows[:1]).mixes_compiled
