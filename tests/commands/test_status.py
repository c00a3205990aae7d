"""`status`, `wait` and `cancel` of runs on this machine."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from support.command_line import TINY, latest
from support.records import CONFIG, EVAL_ROW, START, TRAIN_ROW, finish, manifest, manifest_row
from support.runs import at_step, launched, start
from support.stand_ins import sleeping_command

from inceptionctl.cli import main
from inceptionctl.commands import wait
from inceptionctl.runs.exits import record_exit
from inceptionctl.runs.io import append_record, read_record, to_line, write_record
from inceptionctl.runs.launcher import describe
from inceptionctl.runs.paths import MANIFEST, RunDir
from inceptionctl.runs.records.table import ManifestCell, TableManifest
from inceptionctl.runs.state import is_locked

MESSAGE = "an image cannot be read\n  it is [bold]torn[/bold]"


@pytest.fixture(autouse=True)
def work_dir(tmp_path, monkeypatch):
    """An empty folder, on a machine without Slurm."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(wait, "BETWEEN_RUNS_SECONDS", 0.05)
    return tmp_path / "work"


@pytest.fixture
def make_run(work_dir):
    """Makes a run folder; `started`: whether rank 0 ever started."""

    def make(name="outputs/train/aaa-0", code=None, done=False, started=True):
        run = RunDir(work_dir / name)
        run.log().parent.mkdir(parents=True)
        run.config.write_text(CONFIG)
        run.log().touch()
        if started:
            append_record(run.starts, START)
        if code is not None:
            record_exit(run, code, MESSAGE if code else "")
        if done:
            finish(run)
        return run

    return make


def status_of(*words) -> list[dict]:
    code, said = launched("status", *words, "--json")
    assert code == 0, said
    return json.loads(said)["runs"]


def states(*words) -> list[str]:
    return [entry["state"] for entry in status_of(*words)]


@contextmanager
def locked(run):
    """Holds the lock, as a worker does."""
    with run.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_a_folder_without_runs_is_a_wrong_request(work_dir):
    for word in ("status", "wait", "cancel"):
        code, said = launched(word)
        assert (code, "no run in outputs: name the folder of a run, of a table" in said) == (2, True)
    assert list(work_dir.iterdir()) == []


@pytest.mark.parametrize(
    ("state", "how"),
    [
        ("done", {"code": 0, "done": True}),
        ("failed", {"code": 1}),
        ("failed", {"code": 2}),
        ("stopped", {"code": 130}),
        ("lost", {}),
        ("lost", {"code": 75}),
        ("new", {"started": False}),
    ],
)
def test_the_files_of_a_run_tell_its_state(state, how, make_run):
    run = make_run(**how)
    assert states() == states("outputs/train") == states(run.path) == [state]


def test_status_prints_the_message_and_the_log_of_a_failed_run(make_run):
    run = make_run(code=1)
    run.log().write_text("Traceback\ninceptionctl: the log is not read\n")
    code, said = launched("status")
    assert code == 0
    assert f"{MESSAGE}; log: " in said
    assert status_of()[0]["reason"].startswith(f"{MESSAGE}; log: ")
    assert status_of()[0]["reason"].endswith("outputs/train/aaa-0/log/rank-0.log")


def test_status_names_the_log_of_a_killed_run(make_run):
    make_run()
    assert status_of()[0]["reason"] == "log: outputs/train/aaa-0/log/rank-0.log"


def test_status_shows_the_progress_of_each_run(make_run):
    run = make_run(code=130)
    for row in (
        replace(TRAIN_ROW, epoch=1.25, images_per_s=812.0),
        replace(EVAL_ROW, epoch=1.25, top1_error=40.0),
        replace(EVAL_ROW, epoch=1.25, top1_error=30.0, purpose="selection"),
    ):
        append_record(run.metrics, row)
    with run.metrics.open("a") as file:
        file.write('{"schema": 1, "kind": "tra')
    (entry,) = status_of()
    assert (entry["epoch"], entry["images_per_s"], entry["top1_error"]) == (1.25, 812.0, 40.0)
    make_run("outputs/train/bbb-0", code=0, done=True)
    lines = launched("status")[1].splitlines()
    row = next(line.split() for line in lines if line.split()[:1] == ["train/aaa-0"])
    assert row == ["train/aaa-0", "stopped", "here", "1.25", "812", "40.00"]
    assert lines[-1] == "2 runs: 1 stopped, 1 done"
    assert [entry["top1_error"] for entry in status_of()] == [40.0, 12.5]


def test_only_the_end_of_a_long_metrics_file_is_read(make_run):
    run = make_run(code=130)
    run.metrics.write_bytes(b"".join(to_line(replace(TRAIN_ROW, epoch=n / 100)) for n in range(3000)))
    assert status_of()[0]["epoch"] == 29.99


@pytest.fixture
def table(work_dir):
    """A table of one row and two seeds."""
    cells = [ManifestCell(seed=seed, identity=identity) for seed, identity in ((0, "aaa"), (1, "bbb"))]
    folder = work_dir / "outputs" / "table"
    folder.mkdir(parents=True)
    write_record(folder / MANIFEST, manifest(manifest_row("RMSProp", *cells)))
    return folder


def test_a_cell_is_waiting_until_its_run_begins_under_any_name(table, make_run):
    assert states(table) == ["waiting", "waiting"]
    make_run("outputs/other/aaa-0", code=1)
    make_run("outputs/table/aaa-1", code=130)
    found = status_of(table)
    assert [entry["cell"] for entry in found] == ["RMSProp, seed 0", "RMSProp, seed 1"]
    assert [entry["state"] for entry in found] == ["stopped", "waiting"]
    assert found[0]["run"].endswith("aaa-1"), "the newest attempt"


def test_a_table_that_runs_until_it_is_resolved_says_how_many_seeds_may_follow(table, capsys):
    assert main(["status", str(table)]) == 0
    assert "until resolved" not in capsys.readouterr().out
    declared = replace(read_record(table / MANIFEST, TableManifest), looks=2, max_seeds=4)
    write_record(table / MANIFEST, declared)
    assert main(["status", str(table)]) == 0
    assert capsys.readouterr().out.endswith("until resolved: 2 of up to 4 seeds of each row so far\n")
    assert main(["status", str(table), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["until_resolved"] == {"seeds": 2, "max_seeds": 4}


def test_a_cell_is_done_whatever_later_attempts_did(table, make_run):
    make_run("outputs/table/aaa-0", code=0, done=True)
    make_run("outputs/table/aaa-1", code=1)
    assert states(table) == ["done", "waiting"]


def test_wait_does_not_wait_for_cells_that_nothing_runs(table, make_run):
    make_run("outputs/table/aaa-0", code=0, done=True)
    code, said = launched("wait", table, "--every", 0.05)
    assert (code, "1 of 2 runs are not done: RMSProp, seed 1" in said) == (1, True)


@pytest.mark.parametrize(("end", "code"), [({"done": True, "code": 0}, 0), ({"code": 1}, 1)])
def test_wait_returns_when_the_run_has_ended_and_reports_it(end, code, make_run):
    run = make_run()
    lock = run.lock.open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)

    def end_it():
        time.sleep(0.2)
        ended = make_run("ended", **end)
        for path in (ended.log(), ended.exit, ended.path / "evaluations", ended.result):
            if path.exists():
                path.replace(run.path / path.relative_to(ended.path))
        lock.close()

    returned, said = launched("wait", run.path, "--every", 0.05, meanwhile=end_it)
    assert (returned, "1 run: 1 running" in said) == (code, True)
    assert ("1 of 1 runs are not done" in said) == bool(code)


def test_a_run_whose_launcher_is_alive_here_is_starting(make_run):
    run = make_run(started=False)
    with sleeping_command() as ours:
        write_record(run.pid, describe(run, ours.pid))
        assert states() == ["starting"]
        ours.kill()
    assert states() == ["new"]
    write_record(run.pid, describe(run, 2**22 + 1))
    assert states() == ["new"]
    write_record(run.pid, replace(describe(run, os.getpid()), host="elsewhere"))
    assert states() == ["new"]


def test_status_does_not_keep_the_lock(make_run):
    run = make_run()
    with locked(run):
        assert states() == ["running"]
    assert not is_locked(run)
    assert states() == ["lost"]


def test_cancel_sends_sigterm_to_the_command_on_this_machine(make_run):
    first, second = make_run(), make_run("outputs/train/bbb-0")
    with sleeping_command() as ours:
        for run in (first, second):  # a table's cells, side by side
            write_record(run.pid, describe(run, ours.pid))
        code, said = launched("cancel")
        assert (code, ours.wait(10)) == (0, -15)
    assert "told 1 command to save and stop" in said


def test_cancel_never_signals_a_process_of_another_program(make_run):
    run = make_run()
    with subprocess.Popen(["/bin/sleep", "60"]) as other, locked(run):
        write_record(run.pid, describe(run, other.pid))
        code, _ = launched("cancel")
        assert (code, other.poll()) == (2, None)
        other.kill()


def test_a_run_on_another_machine_must_be_cancelled_there(make_run):
    run = make_run()
    write_record(run.pid, replace(describe(run, 4711), host="elsewhere"))
    with locked(run):
        code, said = launched("cancel")
    assert (code, "process 4711 on elsewhere: cancel it there" in said) == (2, True)


def test_cancel_reports_a_worker_without_a_launcher(make_run):
    with locked(make_run()):
        code, said = launched("cancel")
    assert (code, "Traceback" in said) == (2, False), said


def test_cancel_with_nothing_to_cancel_says_so(make_run):
    make_run(code=1)
    code, said = launched("cancel")
    assert (code, said) == (0, "nothing is queued or running in outputs\n")


@pytest.mark.slow
def test_a_run_is_shown_cancelled_and_resumed(work_dir):
    words = ["train", *latest(*TINY, "train.epochs=0.8")]
    command = start(work_dir, *words)
    at_step(6, work_dir / "outputs", 300)
    (entry,) = status_of()
    assert entry["state"] == "running"
    assert entry["node"] == socket.gethostname()
    assert entry["epoch"] > 0.1
    assert launched("cancel") == (0, "told 1 command to save and stop\n")
    output, _ = command.communicate(timeout=120)
    assert command.returncode == 130, output
    assert states() == ["stopped"]
    code, said = launched("wait")
    assert (code, "1 of 1 runs are not done" in said) == (1, True)
    assert list((work_dir / "outputs").glob("*/*/checkpoints/step-*")), "it saved"
    code, said = launched(*words)
    assert code == 0, said
    assert (states(), launched("wait")[0]) == (["done"], 0)
    assert status_of()[0]["restarts"] == 1
