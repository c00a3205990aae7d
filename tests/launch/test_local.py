"""Worker processes."""

from __future__ import annotations

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
