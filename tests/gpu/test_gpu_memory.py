"""More than the device holds: one message, and a way on. A small share of the memory stands for all of it."""

from __future__ import annotations

import pytest
from support.gpu_runs import DEVICE
from support.hooks import hook_in
from support.runs import launched

pytestmark = pytest.mark.skipif(DEVICE == "cpu", reason="the CPU's memory ends otherwise")
WORDS = ["train", "data=digits", "arch.width=1", "train.batch_size=512", "train.epochs=2", "launch.restarts=0"]


def take_little():
    import torch

    torch.cuda.set_per_process_memory_fraction(0.02)


def test_out_of_memory_is_one_message(monkeypatch, tmp_path):
    hook_in(monkeypatch, take_little)
    code, said = launched(*WORDS, f"outputs={tmp_path}")
    assert code == 1
    assert "CUDA out of memory. Tried to allocate" in said
    assert "train.batch_size = 512, launch.accumulation_steps = 1" in said
    assert "Traceback" not in said
    (log,) = tmp_path.glob("train/*/log/rank-0.log")
    assert "Traceback" not in log.read_text()


def test_accumulation_makes_it_fit(monkeypatch, tmp_path):
    hook_in(monkeypatch, take_little)
    parts = ["launch.accumulation_steps=32", "train.bn_batch_size=16"]
    code, said = launched(*WORDS, *parts, f"outputs={tmp_path}")
    assert code == 0, said


def test_more_ranks_than_gpus_are_refused(tmp_path):
    import torch

    count = torch.cuda.device_count() + 1
    code, said = launched(*WORDS, f"launch.nproc={count}", f"outputs={tmp_path}")
    assert code == 2
    assert f"this machine shows {count - 1}" in said
