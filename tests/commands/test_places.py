"""Tables and runs by whatever path they are named, moved, copied, and under a name that another table has."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest
from support.command_line import TINY, latest
from support.records import manifest, manifest_row
from test_damaged_files import call, made_up

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.planning.plan import plan
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import MANIFEST, RunDir
from inceptionctl.runs.records.table import ManifestCell, TableManifest
from inceptionctl.scheduling import table_run
from inceptionctl.scheduling.table_folder import with_cells_of


@pytest.fixture(scope="module")
def one():
    return plan(parse(compose("train", TINY)))


@pytest.fixture
def table(one, tmp_path, monkeypatch, no_figures):
    """A table of a finished run and one that has not begun, at outputs/table."""
    folder = tmp_path / "outputs" / "table"
    made_up(RunDir(folder / f"{one.identity}-0"), one, finished=True)
    cells = [ManifestCell(seed=0, identity=one.identity), ManifestCell(seed=1, identity=one.with_seed(1).identity)]
    write_record(folder / MANIFEST, manifest(manifest_row("A", *cells), mode="independent", protocol="whole"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize(
    ("here", "typed"),
    [
        (".", "outputs/table"),
        (".", "outputs/table/"),
        ("outputs/table", "."),
        ("outputs", "./table/../table"),
        ("outputs/table/RUN", ".."),
        (".", "link"),
        ("link", "."),
        (".", "else/moved"),
        ("else/moved", "."),
        ("else/moved/RUN", ".."),
    ],
)
def test_a_table_is_the_same_by_every_path(here, typed, table, one, tmp_path, monkeypatch, capsys):
    (tmp_path / "link").symlink_to(table)
    if "moved" in here + typed:
        (tmp_path / "else").mkdir()
        table.rename(tmp_path / "else" / "moved")
    monkeypatch.chdir(tmp_path / here.replace("RUN", f"{one.identity}-0"))
    code, said = call(capsys, "status", typed)
    assert (code, "2 runs: 1 done, 1 waiting" in said) == (0, True), said
    code, said = call(capsys, "report", typed)
    assert (code, "50.00 (1 seed)" in said, "Not run: A seed 1." in said) == (0, True, True), said


@pytest.mark.parametrize("typed", [".", "../RUN", "../RUN/"])
def test_a_run_is_the_same_by_every_path(typed, table, one, monkeypatch, capsys):
    name = f"{one.identity}-0"
    monkeypatch.chdir(table / name)
    code, said = call(capsys, "status", typed.replace("RUN", name))
    assert (code, name in said, "1 run: 1 done" in said) == (0, True, True), said


def test_a_run_that_was_lost_is_missing_and_not_damaged(table, one, capsys):
    shutil.rmtree(table / f"{one.identity}-0")
    assert "2 runs: 2 waiting" in call(capsys, "status", str(table))[1]
    said = call(capsys, "report", str(table))[1]
    assert ("Not run: A seed 0, A seed 1." in said, "Damaged" in said) == (True, False)


def test_a_run_in_the_tables_own_folder_goes_before_one_beside_it(table, one, tmp_path, capsys):
    copy = shutil.copytree(table, tmp_path / "outputs" / "copy")
    (copy / f"{one.identity}-0").rename(copy / f"{one.identity}-7")
    assert f"{table}/{one.identity}-0" in call(capsys, "status", str(table), "--json")[1]
    assert f"{copy}/{one.identity}-7" in call(capsys, "status", str(copy), "--json")[1]


def test_a_cell_never_shows_the_run_of_another_row(table, one, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")  # a message on one line
    mine, other = table / f"{one.identity}-0", table / f"{one.with_seed(1).identity}-0"
    mine.rename(other)
    said = call(capsys, "report", str(table))[1]
    assert f"Damaged: A seed 1: {os.path.relpath(other)}/result.json is of another run: {one.identity}" in said
    assert "50.00" not in said


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a/b", "not a path"),
        ("..", "not a path"),
        (".", "not a path"),
        (".hidden", "begins with no dot"),
        ("''", "has visible characters"),
        ("x" * 256, "at most 255 bytes"),
        (f"'{'ü' * 128}'", "at most 255 bytes"),
    ],
)
def test_a_name_is_that_of_one_folder(name, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, said = call(capsys, "train", f"name={name}", "--dry-run")
    assert (code, reason in said) == (2, True), said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["outputs=file"], "file is a file, not a folder"),
        (["outputs=file/below"], "file is a file, not a folder"),
        (["outputs=dangling"], "dangling is a link to nowhere, which is no folder"),
        (["outputs=dangling/below"], "is a link to nowhere, which is no folder"),
        (["outputs=" + "x" * 300], "at most 255 bytes"),
        (["outputs=''"], "outputs = "),
        (["run_dir=file"], "file is a file, not a folder"),
        (["run_dir=fifo"], "fifo is a FIFO, not a folder"),
        (["name=file", "outputs=."], "file is a file, not a folder"),
    ],
)
def test_outputs_that_cannot_be_made_are_refused_at_once(words, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to("nowhere")
    code, said = call(capsys, "train", *TINY, *words)
    assert (code, reason in said) == (2, True), said
    assert len(list(tmp_path.iterdir())) == 3


# One table under a name

RMSPROP = ["ablate", "table=rmsprop", "seeds=1", *TINY]


@pytest.fixture
def begun(tmp_path, monkeypatch, capsys, no_figures):
    """outputs/rmsprop with the manifest of a table of one seed, none of whose cells have run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(table_run, "run_plans", lambda plans, console: {})
    assert call(capsys, *RMSPROP)[0] == 0
    return tmp_path / "outputs" / "rmsprop"


def test_another_table_or_other_settings_never_take_a_tables_folder(begun, capsys):
    before = (begun / MANIFEST).read_bytes()
    for words, reason in (
        (["ablate", "name=rmsprop", *TINY], "holds table rmsprop, and this one is inception_v3"),
        (latest(*RMSPROP, "train.epochs=0.3"), "holds this table with other settings (Momentum, seed 0)"),
        ([*RMSPROP[:2], "seeds=[7]", *TINY, "schedule.warmup_epochs=0.05"], "holds this table with other settings"),
    ):
        code, said = call(capsys, *words)
        assert (code, f"outputs/rmsprop {reason}" in said, "name=NAME" in said) == (2, True, True), said
    assert (begun / MANIFEST).read_bytes() == before


def test_more_seeds_continue_a_table(begun, capsys):
    assert call(capsys, "ablate", "table=rmsprop", "seeds=[5]", *TINY)[0] == 0
    rows = read_record(begun / MANIFEST, TableManifest).rows
    assert [[cell.seed for cell in row.cells] for row in rows] == [[0, 5]] * 4


def test_a_damaged_manifest_is_named_and_written_anew(begun, capsys):
    (begun / MANIFEST).write_bytes(b"\0")
    code, said = call(capsys, *RMSPROP)
    assert (code, "table.json is damaged" in said) == (0, True)
    assert read_record(begun / MANIFEST, TableManifest).table == "rmsprop"


def test_the_seeds_of_a_manifest_are_joined_by_row():
    one, two = ManifestCell(seed=0, identity="a"), ManifestCell(seed=3, identity="b")
    before, now = manifest(manifest_row("A", two, one)), manifest(manifest_row("A", one))
    assert with_cells_of(before, now) == replace(now, rows=[manifest_row("A", one, two)])
