"""What is shown of the queue's runs while they run."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from math import inf

import pytest
from rich.console import Console
from support.records import EVAL_ROW, TRAIN_ROW

from inceptionctl.runs.paths import RunDir
from inceptionctl.scheduling import progress
from inceptionctl.scheduling.progress import QueueConsole
from inceptionctl.scheduling.queue import QueuedRun
from inceptionctl.terminal import PlainConsole

CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    ("row", "note"),
    [
        (replace(EVAL_ROW, step=8800, top1_error=62.5, weights="raw"), "error 62.5 % (last weights)"),
        (replace(TRAIN_ROW, step=8800, loss=2.0, images_per_s=1234.5), "loss 2.00, 1234 images/s"),
    ],
)
def test_a_narrow_terminal_cuts_names_and_no_figures(row, note, width, tmp_path):
    screen = io.StringIO()
    label = "arch=inception_v2 ablation=[label_smoothing,bn_auxiliary], seed 0"
    queued = QueuedRun(label=label, steps=9999, open_folder=lambda: None, restarts=0, hang_timeout=inf)
    with QueueConsole(1, PlainConsole(file=screen, force_terminal=True, width=width)) as shown:
        shown.started(queued, RunDir(tmp_path / "aaa-0"))
        shown.row(queued, row)
    last = [line for line in CODES.sub("", screen.getvalue()).splitlines() if "8800" in line][-1]
    assert re.fullmatch(rf"  arch=ince.*… .* 8800/9999 {re.escape(note)} +\d:\d\d:\d\d .:..:..", last.rstrip()), last
    assert len(last) <= width


@pytest.mark.parametrize(("num_runs", "named"), [(1, False), (2, True)])
def test_off_a_terminal_a_line_names_its_run_where_there_are_several(num_runs, named, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", -1.0)
    queued = QueuedRun(label="seed=1", steps=88, open_folder=lambda: None, restarts=0, hang_timeout=inf)
    out = io.StringIO()
    with QueueConsole(num_runs, Console(file=out, width=200)) as shown:
        shown.started(queued, RunDir(tmp_path))
        shown.row(queued, EVAL_ROW)
    (line,) = out.getvalue().splitlines()
    assert f"step {EVAL_ROW.step} of 88, error" in line
    assert ("seed=1: " in line) is named
