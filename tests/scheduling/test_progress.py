"""The lines about running runs, off a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from support.records import EVAL_ROW

from inceptionctl.runs.paths import RunDir
from inceptionctl.scheduling import progress
from inceptionctl.scheduling.progress import QueueConsole
from inceptionctl.scheduling.queue import QueuedRun


@pytest.mark.parametrize(("num_runs", "named"), [(1, False), (2, True)])
def test_a_line_names_its_run_where_there_are_several(num_runs, named, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", -1.0)
    run = RunDir(tmp_path)
    queued = QueuedRun("seed=1", 88, lambda: run, restarts=0, hang_timeout=1.0)
    out = io.StringIO()
    with QueueConsole(num_runs, Console(file=out, width=200)) as observer:
        observer.started(queued, run)
        observer.row(queued, EVAL_ROW)
    (line,) = out.getvalue().splitlines()
    assert f"step {EVAL_ROW.step} of 88, error" in line
    assert ("seed=1: " in line) is named
