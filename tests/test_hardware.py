"""How a machine is divided among runs, with GPUs that are only listed."""

from __future__ import annotations

import os

import pytest
from support.stand_ins import stand_in

from inceptionctl import hardware
from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.hardware import Allocation, allocate


@pytest.fixture
def gpus(monkeypatch):
    """Makes the machine have so many, and 16 cores."""

    def show(count):
        monkeypatch.setattr(hardware, "gpus", lambda device: [] if device == "cpu" else [str(i) for i in range(count)])
        monkeypatch.setattr(hardware, "num_cores", lambda: 16)

    return show


@pytest.mark.parametrize(
    ("asked", "allocation"),
    [
        (("auto", None, 8, None, 1), Allocation(8, 2, (("0", "1", "2", "3", "4", "5", "6", "7"),))),
        (("auto", None, 4, None, 9), Allocation(4, 2, (("0", "1", "2", "3"), ("4", "5", "6", "7")))),
        (("auto", 1, 2, 3, 9), Allocation(2, 3, (("0", "1"),))),
        (("cpu", None, 1, None, 3), Allocation(1, 5, ((), (), ()))),
        (("cpu", None, 4, None, 9), Allocation(4, 1, ((), (), (), ()))),
    ],
)
def test_each_rank_gets_a_gpu_or_an_equal_number_of_cores(asked, allocation, gpus):
    gpus(8)
    assert allocate(*asked) == allocation


@pytest.mark.parametrize(
    ("count", "asked", "message"),
    [(0, ("cuda", None, 1, None, 1), "lists no GPU"), (4, ("auto", None, 8, None, 1), "this machine has 4")],
)
def test_gpus_that_are_not_there_are_refused(count, asked, message, gpus):
    gpus(count)
    with pytest.raises(RequestError, match=message):
        allocate(*asked)


@pytest.mark.parametrize("asked", [("cpu", None, 129, None, 1), ("cpu", 50, 4, None, 99)])
def test_more_processes_than_the_machine_can_take_are_refused(asked, gpus):
    gpus(0)
    with pytest.raises(RequestError, match="too many for this machine of 16 cores: at most 128 processes"):
        allocate(*asked)


@pytest.mark.parametrize(
    ("visible", "found"),
    [("0,2", ["0", "2"]), ("", []), ("-1", []), ("1,-1,2", ["1"]), ("GPU-8c1f, 3", ["GPU-8c1f", "3"])],
)
def test_gpus_are_those_that_cuda_shows(visible, found, tmp_path, monkeypatch):
    stand_in(tmp_path, "nvidia-smi", "exit 9")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert hardware.gpus("auto") == found


def test_a_driver_that_hangs_is_not_waited_for(tmp_path, monkeypatch):
    stand_in(tmp_path, "nvidia-smi", "exec sleep 60")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(hardware, "SMI_SECONDS", 0.2)
    with pytest.raises(InceptionctlError, match=r"nvidia-smi did not end in 0\.2 s\n  launch\.device=cpu"):
        hardware.gpus("auto")
