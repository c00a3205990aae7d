"""What is read from run folders and what is concluded from it."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from support.records import START

from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.report.find import find
from inceptionctl.report.results import read
from inceptionctl.report.statistics.change import Difference
from inceptionctl.report.verdicts import verdict
from inceptionctl.runs.damage import read_result
from inceptionctl.runs.evaluations import read_evaluation, read_predictions, write_evaluation
from inceptionctl.runs.io import RecordError, append_record, write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import ExitStatus


def test_figures_of_a_row_are_those_of_its_runs(ladder):
    first = find(read(ladder)).rows[0]
    assert [figures.top1_error for figures in first.row.figures] == [20.0, 21.5, 21.0]
    assert first.top1.mean == pytest.approx(np.mean([20.0, 21.5, 21.0]))
    assert first.top1.sd == pytest.approx(np.std([20.0, 21.5, 21.0], ddof=1))
    assert first.other.mean == pytest.approx(first.top1.mean + 1)


def test_the_final_evaluation_on_all_images_ends_the_curve(ladder):
    curves = read(ladder).rows[0].figures[1].curves
    assert curves.eval_epoch.tolist() == list(range(1, 9))
    assert curves.eval_error[-1] == 21.5


def test_rungs_are_compared_with_the_papers(ladder):
    findings = find(read(ladder))
    assert [rung.paper_change for rung in findings.rungs] == [-0.3, -0.3, -1.2, -0.4]
    assert [rung.verdict for rung in findings.rungs] == ["cannot tell", "same direction", "cannot tell", "cannot tell"]
    assert findings.resolved == 1
    assert findings.rungs[1].difference.change == pytest.approx(100 * (38 - 126) / 600)
    assert findings.overall.paper_change == -2.2
    assert findings.overall.verdict == "same direction"
    assert findings.overall.holm_p is None


def test_holm_never_lowers_a_p(ladder):
    rungs = find(read(ladder)).rungs
    assert all(rung.welch_p <= rung.holm_p <= 1 for rung in rungs)
    assert min(rung.holm_p for rung in rungs) == pytest.approx(4 * min(rung.welch_p for rung in rungs))


def test_a_row_uses_the_cells_that_are_done(outputs):
    outputs.done("Inception-v2", 40, 42).failed("Inception-v2", 2).missing("RMSProp", 0)
    findings = find(read(outputs.close()))
    assert findings.rows[0].top1.n == 2
    assert findings.rows[1].measured is None
    assert (findings.rungs[0].difference, findings.rungs[0].verdict, findings.rungs[0].holm_p) == (None, None, None)


def test_one_bad_seed_forbids_a_verdict_on_both_sides(outputs):
    outputs.done("Inception-v2", 40, 40).done("RMSProp", 39, 160).done("Label smoothing", 20, 21)
    findings = find(read(outputs.done("Factorized 7x7", 5, 6).close()))
    assert [one.measured.converged for one in findings.rows[:4]] == [True, False, True, True]
    assert [rung.verdict for rung in findings.rungs] == ["not converged", "not converged", "same direction", None]
    assert [rung.difference is None for rung in findings.rungs] == [True, True, False, True]


def test_a_cell_has_converged_if_it_beats_guessing_by_its_sources_alone(outputs):
    """40 sources, as if each were one image: 28 wrong of 40 are fewer than guessing's 36 at p < 0.001, 29 are not. Of
    200 independent images, 141 wrong would be far below guessing's 180."""
    findings = find(read(outputs.done("Inception-v2", 140).done("RMSProp", 141).close()))
    assert [one.measured.converged for one in findings.rows[:2]] == [True, False]


def test_a_cell_whose_loss_did_not_fall_has_not_converged(outputs):
    folder, metrics = outputs.done("Inception-v2", 40, 41).close(), outputs.run("Inception-v2", 1).metrics
    metrics.write_text(re.sub(r'"loss": [-\d.e]+', '"loss": 2.3', metrics.read_text()))
    assert find(read(folder)).rows[0].measured.converged is False


def test_an_ensemble_has_no_loss_that_could_fall(outputs):
    table = read(outputs.done("Inception-v2", 40, 41).close())
    row = table.rows[0]
    none = replace(row.figures[0].curves, **{name: np.array([]) for name in vars(row.figures[0].curves)})
    cells = tuple(replace(cell, figures=replace(cell.figures, curves=none)) for cell in row.cells)
    measured = find(replace(table, rows=(replace(row, cells=cells),))).rows[0].measured
    assert (measured.converged, measured.plateau) == (True, True)


def test_one_seed_gives_no_verdict(outputs):
    findings = find(read(outputs.done("Inception-v2", 80).done("RMSProp", 2).close()))
    assert findings.rungs[0].difference.high < 0
    assert findings.rungs[0].verdict == "cannot tell"
    assert (findings.detectable, findings.seeds) == (None, 1)


def difference(low, high):
    se, change = (high - low) / 4, (low + high) / 2
    parts = {"seed_part": se**2, "image_part": 0.0, "one_seed": False}
    return Difference(change=change, low=low, high=high, se=se, df=60.0, p=None, confidence=0.95, **parts)


@pytest.mark.parametrize(
    ("low", "high", "paper", "word"),
    [
        (-2.0, -0.5, -0.3, "same direction"),
        (0.5, 2.0, -0.3, "opposite direction"),
        (0.5, 2.0, 0.3, "same direction"),
        (-2.0, 0.5, -0.3, "cannot tell"),
        (-2.0, 0.0, -0.3, "cannot tell"),
        (-2.0, -0.5, None, "lower"),
        (0.5, 2.0, 0.0, "higher"),
        (-0.5, 2.0, None, "cannot tell"),
    ],
)
def test_verdicts(low, high, paper, word):
    assert verdict(difference(low, high), paper) == word


def test_plateau_of_a_row_needs_all_its_cells(outputs):
    findings = find(read(outputs.done("Inception-v2", 40, 41).done("RMSProp", 40, 41, on_plateau=False).close()))
    assert [one.plateau for _, one in findings.measured] == [True, False]


def test_no_manifest_says_what_to_do(tmp_path):
    with pytest.raises(RequestError, match="run `inceptionctl ablate` first"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("evaluations/test.single.ema.json", b"{"),
        ("evaluations/test.single.ema.json", b"{}"),
        ("evaluations/test.single.raw.json", b"{}"),
        ("metrics.jsonl", b"{nonsense}\n"),
        ("evaluations/test.single.ema.npz", b""),
        ("evaluations/test.single.ema.npz", b"PK\x03\x04 cut"),
        ("result.json", b"{}"),
    ],
)
def test_a_damaged_file_is_named_and_the_other_cells_count(outputs, name, content):
    folder = outputs.done("Inception-v2", 40, 42).close()
    path = outputs.run("Inception-v2", 0).path / name
    path.write_bytes(content)
    damaged, sound = (cell for _, cell in read(folder).cells)
    assert (damaged.status, str(path) in damaged.reason) == ("damaged", True)
    assert sound.figures.top1_error == 21.0


def test_a_damaged_manifest_is_named(outputs):
    folder = outputs.done("Inception-v2", 40).close()
    (folder / "table.json").write_text('{"table": "inception_v3"}')
    with pytest.raises(RecordError, match=re.escape("table.json is incomplete")):
        read(folder)


def reason(folder):
    """Why the only cell is damaged."""
    ((_, cell),) = read(folder).cells
    assert cell.status == "damaged"
    return cell.reason


def evaluation(outputs, seed=0):
    """The path of an evaluation and its record."""
    path = outputs.run("Inception-v2", seed).evaluation("test", "single", "ema")
    return path, read_evaluation(path)


def test_removed_predictions_are_named(outputs):
    folder = outputs.done("Inception-v2", 40).close()
    path = evaluation(outputs)[0].with_suffix(".npz")
    path.unlink()
    assert reason(folder) == f"{path} is missing: its .json is there"


def test_predictions_that_contradict_the_figures_are_refused(outputs):
    folder = outputs.done("Inception-v2", 40).close()
    path, record = evaluation(outputs)
    write_record(path, replace(record, top1_error=19.5))
    assert reason(folder) == f"{path} is of another evaluation than result.json lists"
    with pytest.raises(RecordError, match=r"top-1 error of 20 %, but its \.json says 19\.5 %"):
        read_predictions(path, replace(record, top1_error=19.5))


def by_crops(run):
    """Makes it a run that was evaluated by another protocol alone."""
    result = read_result(run)
    other = [
        replace(one, file=one.file.replace("single", "crops144"), protocol="crops144") for one in result.evaluations
    ]
    for before, now in zip(result.evaluations, other, strict=True):
        (run.path / before.file).rename(run.path / now.file)
    write_record(run.result, replace(result, evaluations=other))


def test_protocols_are_never_mixed(outputs):
    """A run that was evaluated by another protocol alone is not part of the table."""
    folder = outputs.done("Inception-v2", 40, 41).close()
    by_crops(outputs.run("Inception-v2", 0))
    assert [cell.status for _, cell in read(folder).cells] == ["not evaluated", "done"]


def test_the_newest_run_that_was_evaluated_by_the_protocol_counts(outputs):
    folder = outputs.done("Inception-v2", 40).close()
    newer = outputs.run("Inception-v2", 0).path.with_name(f"{outputs.identity('Inception-v2', 0)}-1")
    by_crops(RunDir(shutil.copytree(outputs.run("Inception-v2", 0).path, newer)))
    (cell,) = (cell for _, cell in read(folder).cells)
    assert (cell.status, cell.run) == ("done", RunDir(newer.with_name(newer.name[:-1] + "0")))


def test_other_test_images_are_refused(outputs):
    folder = outputs.done("Inception-v2", 40, 41).close()
    path, record = evaluation(outputs, seed=1)
    predictions = read_predictions(path, record)
    write_evaluation(outputs.run("Inception-v2", 1), record, replace(predictions, group_N=predictions.group_N[::-1]))
    with pytest.raises(InceptionctlError, match="evaluated on other images"):
        read(folder)


def test_a_run_is_found_by_its_identity_under_another_name(outputs):
    folder = outputs.done("Inception-v2", 40).close()
    run = outputs.run("Inception-v2", 0).path
    (outputs.root / "train").mkdir()
    run.rename(outputs.root / "train" / run.name)
    assert [one.top1_error for one in read(folder).rows[0].figures] == [20.0]


@pytest.mark.parametrize(
    ("code", "started", "status"),
    [(1, True, "failed"), (130, True, "missing"), (None, True, "failed"), (None, False, "missing")],
)
def test_a_cell_has_failed_by_an_error_or_because_it_was_killed(outputs, code, started, status):
    folder, run = outputs.missing("Inception-v2", 0).close(), outputs.run("Inception-v2", 0)
    run.path.mkdir()
    if started:
        append_record(run.starts, START)
    if code is not None:
        write_record(run.exit, ExitStatus(code=code, message=""))
    assert [cell.status for _, cell in read(folder).cells] == [status]
