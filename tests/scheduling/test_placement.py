"""How many processes and threads a run gets, with GPUs that are only listed."""

from __future__ import annotations

from functools import cache

import pytest
from rich.console import Console

from inceptionctl import hardware
from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.planning.plan import plan
from inceptionctl.runs.config_file import read_config
from inceptionctl.scheduling import run
from inceptionctl.scheduling.placement import allocate_devices, with_default_nproc
from inceptionctl.scheduling.run_folders import open_folder


@pytest.fixture
def gpus(monkeypatch):
    """Makes the machine have so many, and 16 cores."""

    def show(count):
        monkeypatch.setattr(hardware, "gpus", lambda device: [] if device == "cpu" else [str(i) for i in range(count)])
        monkeypatch.setattr(hardware, "num_cores", lambda: 16)

    return show


@cache
def planned(*words):
    return plan(parse(compose("train", list(words))))


@pytest.mark.parametrize(
    ("count", "nproc", "warning"), [(0, 1, ""), (1, 1, ""), (4, 4, ""), (6, 4, "using 4 of 6 GPUs")]
)
def test_train_uses_all_gpus_that_can_divide_its_batch(count, nproc, warning, gpus, capsys, tmp_path):
    gpus(count)
    assert with_default_nproc(planned(f"outputs={tmp_path}")).config.launch.nproc == nproc
    assert warning in capsys.readouterr().err


def test_nproc_on_the_command_line_wins(gpus, tmp_path):
    gpus(4)
    assert with_default_nproc(planned("launch.nproc=2", f"outputs={tmp_path}")).config.launch.nproc == 2


def test_an_unfinished_cell_keeps_its_threads_and_the_others_get_theirs(monkeypatch, tmp_path):
    """With its threads it ends bit for bit the same."""
    first, second = (planned(f"outputs={tmp_path}", f"seed={seed}") for seed in (0, 1))
    open_folder(first, nproc=2, threads=7)
    seen = []
    monkeypatch.setattr(run, "run_queue", lambda queue, slots, observer: seen.extend([queue, slots]) or {})
    run.run_plans({"first": first, "second": second}, Console(quiet=True))
    queue, slots = seen
    assert {slot.nproc for slot in slots} == {1}
    allocation = allocate_devices({"first": first, "second": second})
    assert [read_config(queued.open_folder()).launch.threads for queued in queue] == [7, allocation.threads]
