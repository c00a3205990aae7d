"""What a run writes stays in its folder, and what it reads is bounded."""

from __future__ import annotations

import os
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from support.records import RESULT, START, finish
from support.stand_ins import sleeping_command

from inceptionctl.errors import RequestError
from inceptionctl.files import FileError
from inceptionctl.runs import io
from inceptionctl.runs.arrays import read_arrays, write_arrays
from inceptionctl.runs.damage import check_kinds, detach, read_result
from inceptionctl.runs.launcher import clear_launcher, describe, is_alive, launcher, record_launcher
from inceptionctl.runs.metrics import MetricsFile
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Start
from inceptionctl.runs.state import is_locked
from inceptionctl.worker.lock import acquire


@pytest.fixture
def run(tmp_path):
    (tmp_path / "0123456789ab-0").mkdir()
    return RunDir(tmp_path / "0123456789ab-0")


@pytest.fixture
def precious(tmp_path):
    path = tmp_path / "precious"
    path.write_bytes(io.to_line(START))
    return path


def test_a_line_is_never_appended_to_a_file_with_another_name(run, precious):
    os.link(precious, run.starts)
    io.append_record(run.starts, START)
    assert (len(io.read_lines(run.starts, Start)), precious.read_bytes()) == (2, io.to_line(START))


@pytest.mark.parametrize("kind", ["link", "FIFO", "folder"])
def test_nothing_is_appended_to_what_is_no_file(kind, run, precious):
    {
        "link": lambda: run.starts.symlink_to(precious),
        "FIFO": lambda: os.mkfifo(run.starts),
        "folder": lambda: run.starts.mkdir(),
    }[kind]()
    with pytest.raises(io.RecordError, match=f"starts.jsonl .*it is a {kind}"):
        io.append_record(run.starts, START)
    assert precious.read_bytes() == io.to_line(START)


def test_metrics_are_cut_in_a_copy_of_a_file_with_another_name(run, precious):
    os.link(precious, run.metrics)
    MetricsFile(run.metrics, 0).close()
    assert (run.metrics.read_bytes(), precious.read_bytes()) == (b"", io.to_line(START))


def test_a_run_that_is_continued_first_gets_files_of_its_own(run, precious):
    run.log().parent.mkdir()
    for path in (run.jobs, run.log()):
        os.link(precious, path)
    detach(run)
    assert [path.stat().st_nlink for path in (precious, run.jobs, run.log())] == [1, 1, 1]


def test_what_is_written_does_not_follow_a_link_left_by_a_temporary_name(run, precious):
    run.path.joinpath(f".exit.json.{os.getpid()}").symlink_to(precious)
    io.write_text(run.exit, "new")
    assert (run.exit.read_text(), precious.read_bytes()) == ("new", io.to_line(START))


def test_a_removed_folder_is_not_made_again(run):
    run.path.rmdir()
    with pytest.raises(io.InceptionctlError, match="cannot write"):
        io.write_record(run.result, RESULT)
    assert not run.path.exists()


def test_a_result_belongs_to_the_folder_that_it_lies_in(run):
    finish(run)
    assert read_result(run).identity == "0123456789ab"
    moved = RunDir(run.path.rename(run.path.with_name("ba9876543210-0")))
    with pytest.raises(io.RecordError, match="is of another run: 0123456789ab, and its folder is of ba9876543210"):
        read_result(moved)


@pytest.mark.parametrize("name", ["exit.json", "evaluations/x.json", "log/rank-0.log", "checkpoints/step-00000001"])
def test_links_in_a_run_are_found(name, run, precious):
    path = run.path / name
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(precious)
    with pytest.raises(io.RecordError, match=f"{name} cannot be trusted: it is a link"):
        check_kinds(run)


# The command that runs a run


def test_the_launcher_of_a_run_is_not_that_of_its_copies(run, tmp_path):
    record_launcher(run)
    copy = RunDir(shutil.copytree(run.path, tmp_path / "copy"))
    moved = RunDir(run.path.rename(tmp_path / "moved"))
    assert (launcher(copy), launcher(moved).process) == (None, os.getpid())


def test_a_process_id_that_is_used_again_is_another_process(run):
    with sleeping_command() as ours:
        here = describe(run, ours.pid)
        assert is_alive(here)
        assert not is_alive(replace(here, started=here.started + 1))
        ours.kill()


def test_a_second_command_leaves_the_record_of_the_first(run):
    with sleeping_command() as first:
        io.write_record(run.pid, describe(run, first.pid))
        record_launcher(run)
        clear_launcher(run)
        assert launcher(run).process == first.pid
        first.kill()
    record_launcher(run)
    assert launcher(run).process == os.getpid()
    clear_launcher(run)
    assert launcher(run) is None


def test_a_lock_with_another_name_is_replaced_while_it_is_held(run, precious):
    os.link(precious, run.lock)
    with acquire(run):
        assert (precious.stat().st_nlink, precious.read_bytes()) == (1, io.to_line(START))
        assert is_locked(run)
        with pytest.raises(RequestError, match="another process is working on"):
            acquire(run)
    assert not is_locked(run)


# Arrays


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(tmp_path):
    write_arrays(tmp_path / "x.npz", 1, {"zeros": np.zeros(10 << 20, np.uint8)})
    assert (tmp_path / "x.npz").stat().st_size < 20_000
    with pytest.raises(io.RecordError, match=r"unpacks to 2 arrays of 10,\d+,\d+ bytes, more than 1,000"):
        read_arrays(tmp_path / "x.npz", 1, limit=1000)


def test_an_array_that_claims_to_be_larger_than_it_is_is_damage(tmp_path):
    text = b"{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117)
    header = b"\x93NUMPY\x01\x00\x76\x00" + text
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("label.npy", header + b"\n" + b"\0" * 64)
    with pytest.raises(io.RecordError, match=r"label.npy says that it has more values than are there"):
        read_arrays(tmp_path / "x.npz", 1)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\0" * 1000, b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_is_damage(data, tmp_path):
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(FileError, match=r"x.npz is damaged"):
        read_arrays(tmp_path / "x.npz", 1)
