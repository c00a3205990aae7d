"""A run that is resumed with other ranks and workers: the same images in the same batches, if not the same bits."""

from __future__ import annotations

from itertools import count

import pytest
from support.command_line import TINY
from support.runs import result
from test_trainer import folder, run

from inceptionctl.errors import Interrupted
from inceptionctl.runs.io import read_record
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.records.metrics import TrainRow
from inceptionctl.runs.records.process import Environment
from inceptionctl.worker.assemble import assemble


def losses(made):
    return [row.loss for row in read_metrics(made.metrics) if isinstance(row, TrainRow)]


@pytest.mark.slow
def test_a_run_goes_on_with_more_ranks_and_workers(inceptionctl, tmp_path):
    """Without dropout, and with batch norm over both ranks, the losses are those of one rank to rounding."""
    words = ["arch.dropout=0", "schedule.lr=0.001"]
    whole, made, calls = run(tmp_path / "whole", *words), folder(tmp_path / "cut", *words), count(1)
    with pytest.raises(Interrupted):
        assemble(made).fit(lambda: next(calls) >= 5)
    done = inceptionctl("resume", str(made.path), "launch.nproc=2", "data.workers=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "continues with the same images in the same order, but not bit for bit: world_size: 1 -> 2" in done.stdout
    assert losses(made) == pytest.approx(losses(whole), rel=1e-3)
    assert read_record(made.env, Environment).world_size == 2
    assert made.log(1).is_file()
    assert {one.n_images for one in result(made.path).evaluations} == {360}


@pytest.mark.parametrize(
    ("word", "message"),
    [("optim.momentum=0.5", "would change the result"), ("launch.proceses=2", "Did you mean launch.nproc")],
)
def test_resume_changes_only_how_a_run_is_worked_on(word, message, inceptionctl, tmp_path):
    made = folder(tmp_path / "run")
    done = inceptionctl("resume", str(made.path), word)
    assert (done.returncode, message in done.stderr) == (2, True)


def test_a_table_can_have_several_ranks_a_cell(inceptionctl, tmp_path):
    done = inceptionctl("ablate", "table=residual", *TINY, "launch.nproc=2", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "16 per device x 1 accumulated x 2 devices" in done.stdout
    assert "2 ranks per run" in done.stdout
