"""A comparison of any runs: which belong together, what differs, and that nothing is mixed."""

from __future__ import annotations

import csv
import io
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.finished_runs import Images, config_of, finished_run
from support.records import EVALUATION
from support.runs import launched

from inceptionctl.commands import report, train
from inceptionctl.errors import RequestError
from inceptionctl.report.comparison.tables import compare
from inceptionctl.report.find import find
from inceptionctl.report.results import read
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import MANIFEST, RunDir


@pytest.fixture
def outputs(tmp_path, monkeypatch):
    """Three seeds by momentum and three by RMSProp, which is clearly better."""
    monkeypatch.chdir(tmp_path)
    for seed, (wrong, less) in enumerate([(40, 12), (43, 13), (42, 13)]):
        finished_run(tmp_path / "outputs", wrong=wrong, seed=seed)
        finished_run(tmp_path / "outputs", "optim=rmsprop", "schedule.lr=0.1", wrong=less, seed=seed)
    return tmp_path / "outputs"


def compared(*paths, outputs):
    (found,) = compare(paths, outputs)
    return found


def test_runs_that_differ_only_in_their_seed_are_one_row(outputs):
    found = compared(outputs / "train", outputs=outputs)
    assert [row.label for row in found.manifest.rows] == ["inception_v2", "optim=rmsprop schedule.lr=0.1"]
    assert [[cell.seed for cell in row.cells] for row in found.manifest.rows] == [[0, 1, 2], [0, 1, 2]]
    assert "optim (momentum, rmsprop)" in found.manifest.caption
    assert "schedule.lr (0.3, 0.1)" in found.manifest.caption


def test_the_other_rows_are_compared_with_the_first_by_the_statistics_of_tables(outputs):
    findings = find(read(compared(outputs / "train", outputs=outputs).folder))
    (rung,) = findings.rungs
    assert (rung.before.label, rung.verdict) == ("inception_v2", "lower")
    assert rung.difference.change == pytest.approx(100 * (38 - 125) / 3 / 200)
    assert findings.seed_variance.df == 4, "pooled over both rows"


def test_a_word_that_all_runs_have_names_none_of_them(tmp_path):
    for words in (["train.epochs=4"], ["train.epochs=4", "loss=label_smoothing"]):
        finished_run(tmp_path, *words, wrong=20)
    assert [row.label for row in compared(tmp_path / "train", outputs=tmp_path).manifest.rows] == [
        "inception_v2",
        "loss=label_smoothing",
    ]


def test_runs_of_the_same_words_are_named_by_their_settings(tmp_path):
    runs = [finished_run(tmp_path, f"train.epochs={epochs}", wrong=20) for epochs in (4, 6)]
    for run in runs:
        run.label.unlink()
    found = compared(*(run.path for run in runs), outputs=tmp_path)
    assert [row.label.split()[0] for row in found.manifest.rows] == ["epochs=4", "epochs=6"]


def test_a_run_that_is_named_is_found_wherever_it_is(outputs, tmp_path):
    runs = sorted((outputs / "train").iterdir())
    moved = tmp_path / "elsewhere" / "mine"
    shutil.copytree(runs[0], moved)
    found = compared(moved, runs[1], outputs=outputs)
    table = read(found.folder)
    assert [cell.status for _, cell in table.cells] == ["done", "done"]
    assert any(cell.run.path.samefile(moved) for _, cell in table.cells)


def test_images_and_protocols_are_never_mixed(outputs, capsys):
    finished_run(outputs, "train.epochs=4", wrong=10, images=Images(digest="0123"))
    finished_run(outputs, "train.epochs=5", wrong=10, protocol="crops144")
    found = compare([outputs / "train"], outputs)
    assert [sum(len(row.cells) for row in one.manifest.rows) for one in found] == [6, 1, 1]
    assert len({one.folder for one in found}) == 3
    assert "evaluated in 3 ways, a table each, which are never mixed" in capsys.readouterr().err


def test_of_two_attempts_the_newest_counts_and_unfinished_runs_are_said(outputs, capsys):
    first = min((outputs / "train").iterdir())
    shutil.copytree(first, first.with_name(f"{first.name.partition('-')[0]}-1"))
    (RunDir(first).result).unlink()
    found = compared(outputs / "train", outputs=outputs)
    assert sum(len(row.cells) for row in found.manifest.rows) == 6
    assert "1 run not finished" in capsys.readouterr().err


def test_a_damaged_run_is_named_and_left_out(outputs, capsys):
    first = RunDir(min((outputs / "train").iterdir()))
    first.result.write_text("{")
    assert sum(len(row.cells) for row in compared(outputs / "train", outputs=outputs).manifest.rows) == 5
    assert f"{first.result} is damaged" in capsys.readouterr().err


def test_a_comparison_never_replaces_a_table(outputs):
    folder = outputs / "comparisons" / "train"
    manifest = compared(outputs / "train", outputs=outputs).manifest
    write_record(folder / MANIFEST, replace(manifest, table="inception_v3"))
    with pytest.raises(RequestError, match="holds a table"):
        compare([outputs / "train"], outputs)


@pytest.mark.parametrize("place", ["nothing", "empty"])
def test_a_folder_without_runs_is_a_wrong_request(place, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match="name run folders, or folders that hold them"):
        compare([tmp_path / place], tmp_path)


def test_a_sweep_ends_with_a_table_of_its_runs(outputs, monkeypatch, capsys):
    runs = [RunDir(path) for path in sorted((outputs / "train").iterdir())]
    plan = SimpleNamespace(config=replace(config_of(), outputs=str(outputs)))
    left, shown = iter(runs), list[Path]()
    monkeypatch.setattr(train, "finished", lambda plan: next(left))
    monkeypatch.setattr(train, "protocol", lambda plan: EVALUATION.protocol)
    monkeypatch.setattr(report, "show", shown.append)
    train._finish([plan] * len(runs))
    assert [path.parent for path in shown] == [outputs / "comparisons"]
    assert sum(len(row.cells) for row in read(shown[0]).manifest.rows) == 6


def test_report_prints_runs_as_a_table(outputs):
    code, said = launched("report", outputs / "train", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(said)))
    assert (code, [row["label"] for row in rows]) == (0, ["inception_v2", "optim=rmsprop schedule.lr=0.1"])
    assert (outputs / "comparisons" / "train" / "curves.svg").exists()


def test_no_command_is_said_to_continue_runs_that_others_started(outputs, no_figures):
    code, said = launched("report", outputs / "train")
    assert (code, "continue" in said, "report: outputs/comparisons/train/report.html" in said) == (0, False, True)
    for name in ("report.md", "report.html"):
        text = (outputs / "comparisons" / "train" / name).read_text()
        assert "continues" not in text
        assert "inceptionctl report" in text


def test_a_comparison_cannot_be_watched(outputs):
    code, said = launched("report", *(outputs / "train").iterdir(), "--watch")
    assert (code, "--watch is for one table" in said) == (2, True)
