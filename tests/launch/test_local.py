"""Worker processes."""

from __future__ import annotations

import os
import subprocess
import sys

from support import hooks

from inceptionctl.launch.local import WorkerSlot, start
from inceptionctl.runs.logs import why_ended
from inceptionctl.runs.paths import RunDir


def test_an_error_before_the_ranks_start_is_reported_with_its_log(monkeypatch, tmp_path):
    """In what starts several ranks: none of them exists to write a log."""
    hooks.hook_in(monkeypatch, hooks.break_launcher)
    run = RunDir(tmp_path)
    worker = start(run, WorkerSlot(2, (), ()), 0.0)
    worker.close()
    assert worker.exit_code == 1
    assert why_ended(run) == ("TypeError: unexpected keyword argument", run.launcher_log)
    assert "Traceback" in run.launcher_log.read_text()


STARTS_A_PROCESS = """
import multiprocessing, os, tempfile
from multiprocessing import forkserver
from inceptionctl.processes import short_socket_paths

def start_another():
    process = multiprocessing.get_context("forkserver").Process(target=print, args=(tempfile.gettempdir(),))
    forkserver._forkserver.__init__()
    process.start()
    process.join()

if __name__ == "__main__":
    short_socket_paths()
    process = multiprocessing.get_context("forkserver").Process(target=start_another)
    process.start()
    process.join()
"""


def test_a_long_tmpdir_holds_all_but_sockets(tmp_path):
    """The path of a socket has at most 107 bytes. The process that starts several ranks starts a server of its own."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    (tmp_path / "starts.py").write_text(STARTS_A_PROCESS)
    words = [sys.executable, tmp_path / "starts.py"]
    done = subprocess.run(words, env=os.environ | {"TMPDIR": str(folder)}, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{folder}\n", "")
