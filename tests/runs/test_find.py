"""Run folders by identity, and new ones."""

from __future__ import annotations

import os

import pytest
from support.records import RESULT

from inceptionctl.errors import RequestError
from inceptionctl.runs.find import RunIndex, attempts, create
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import RunDir


@pytest.fixture
def outputs(tmp_path):
    for name in ("a/x-0", "a/x-10", "a/y-0", "b/x-2", "a/x-log", "a/z"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a" / "y-1").touch()
    return tmp_path


def names(runs):
    return [run.path.parent.name + "/" + run.path.name for run in runs]


def test_attempts_are_found_under_every_name_oldest_first(outputs):
    assert names(attempts(outputs, "x")) == ["a/x-0", "b/x-2", "a/x-10"]
    assert names(attempts(outputs, "y")) == ["a/y-0"]
    assert attempts(outputs, "w") == attempts(outputs / "none", "x") == []


def test_the_newest_finished_run_counts_then_the_newest_attempt(outputs):
    assert names([RunIndex.of(outputs).newest("x")]) == ["a/x-10"]
    write_record(RunDir(outputs / "b" / "x-2").result, RESULT)
    assert names([RunIndex.of(outputs).newest("x")]) == ["b/x-2"]
    assert RunIndex.of(outputs).newest("w") is None


def test_an_index_lists_each_folder_once_and_looks_at_no_file(outputs, monkeypatch):
    for n in range(1000):
        (outputs / "a" / f"{n:012x}-0").mkdir()
    listed, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(str(path)) or scandir(path))
    monkeypatch.setattr(os, "stat", None)
    index = RunIndex.of(outputs)
    monkeypatch.undo()
    assert sorted(listed) == [str(outputs), str(outputs / "a"), str(outputs / "b")]
    assert all(index.newest(f"{n:012x}") for n in range(1000))


def test_a_new_attempt_takes_the_first_free_number(outputs):
    assert create(outputs, "a", "x").path.name == "x-1"
    assert create(outputs, "c", "x").path == outputs / "c" / "x-0"


def test_a_folder_that_cannot_be_made_says_so(outputs):
    (outputs / "file").touch()
    with pytest.raises(RequestError, match=r"cannot make the run folder .*\n  choose another place: outputs=DIR"):
        create(outputs / "file", "a", "x")


def test_a_table_finds_runs_in_further_folders_those_of_its_own_count_as_newer(outputs, tmp_path):
    table, other = outputs / "b", tmp_path / "elsewhere"
    for name in ("outputs/one/x-7", "outputs/one/v-0", "runs/w-0", "mine"):
        (other / name).mkdir(parents=True)
    write_record(RunDir(other / "mine").result, RESULT)
    (other / "mine" / "config.yaml").touch()
    places = [os.path.relpath(other / name, table) for name in ("outputs", "runs", "mine")]
    index = RunIndex.of_table(table, places)
    assert names(index.newest_first("x")) == ["b/x-2", "a/x-10", "b/x-2", "a/x-0", "one/x-7"]
    assert [names(index.newest_first(one)) for one in ("v", "w")] == [["one/v-0"], ["runs/w-0"]]
    assert names(index.newest_first(RESULT.identity)) == ["elsewhere/mine"], "by what its result says"
