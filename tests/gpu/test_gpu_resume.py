"""Interrupted and resumed on a GPU: to the same bits in deterministic mode, with the same images otherwise."""

from __future__ import annotations

import os
import signal
from functools import partial

import numpy as np
import pytest
from safetensors.numpy import load_file
from support.command_line import latest
from support.gpu_runs import COMMON, DEVICE, SIZE, deviation, losses, note, trained
from support.runs import assert_same_end, at_step, launched, only, pid_of, rank_and_readers

STEPS = (20, 9)  # where it is disturbed: after a checkpoint, and before the first
FOLDER = ["train", "data=imagefolder", "augment=crop_flip", *SIZE, *COMMON, "train.epochs=3", "train.batch_size=24"]
MODES = {"deterministic": ["train.deterministic=true"], "plain": []}


def words(images, *more):
    return latest(*FOLDER, f"data.root={images}", "data.workers=2", f"launch.device={DEVICE}", *more)


group = pytest.mark.xdist_group  # those of one group share a process, and with it the undisturbed run
deterministic_too, plain = group("deterministic too"), group("plain")
modes = pytest.mark.parametrize("mode", [pytest.param(mode, marks=group(mode)) for mode in MODES])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, images):
    """By mode, each run when first asked for."""

    class Runs(dict):
        def __missing__(self, mode):
            self[mode] = trained(tmp_path_factory.mktemp(mode), *words(images, *MODES[mode]))
            return self[mode]

    return Runs()


def signalled(outputs, number, step, pid):
    os.kill(pid(at_step(step, outputs)), number)


@modes
@pytest.mark.parametrize("step", STEPS)
def test_killed_it_starts_again_by_itself(undisturbed, images, mode, step, tmp_path):
    kill = partial(signalled, tmp_path, signal.SIGKILL, step, pid_of)
    code, said = launched(*words(images, *MODES[mode]), f"outputs={tmp_path}", meanwhile=kill)
    assert code == 0, said
    assert "was killed by signal 9; starting again" in said
    compare(f"killed at step {step}", mode, undisturbed[mode], only(tmp_path, "train/*"))


@modes
def test_stopped_it_is_resumed(undisturbed, images, mode, tmp_path):
    stop = partial(signalled, tmp_path, signal.SIGTERM, STEPS[0], lambda run: os.getpid())
    assert launched(*words(images, *MODES[mode]), f"outputs={tmp_path}", meanwhile=stop)[0] == 130
    run = only(tmp_path, "train/*")
    code, said = launched("resume", run)
    assert code == 0, said
    assert "not bit for bit" not in said
    compare("stopped and resumed", mode, undisturbed[mode], run)


@deterministic_too
def test_a_killed_data_worker_costs_nothing(undisturbed, images, tmp_path):
    kill = partial(signalled, tmp_path, signal.SIGKILL, STEPS[0], lambda run: rank_and_readers(run)[1][0])
    more = MODES["deterministic"]
    code, said = launched(*words(images, *more), f"outputs={tmp_path}", meanwhile=kill)
    assert code == 0, said
    compare("a data worker killed", "deterministic", undisturbed["deterministic"], only(tmp_path, "train/*"))


@deterministic_too
@pytest.mark.parametrize("workers", [0, 4])
def test_the_number_of_workers_changes_no_bit(undisturbed, images, workers, tmp_path):
    run = trained(tmp_path, *words(images, *MODES["deterministic"]), f"data.workers={workers}")
    compare(f"{workers} workers against 2", "deterministic", undisturbed["deterministic"], run)


@plain
def test_how_far_two_plain_runs_are_apart(undisturbed, images, tmp_path):
    run = trained(tmp_path, *words(images))
    compare("the same run twice", "plain", undisturbed["plain"], run)


def compare(what, mode, one, other):
    """Bit for bit in deterministic mode; else the same steps, and how far apart the losses and weights are."""
    a, b = (load_file(max(run.glob("checkpoints/step-*")) / "model.safetensors") for run in (one, other))
    same = all(a[key].tobytes() == b[key].tobytes() for key in a)
    apart = deviation(losses(one), losses(other))
    widest = max(float(np.abs(a[key] - b[key]).max()) for key in a if a[key].dtype.kind == "f")
    note(what, mode=mode, same_bits=same, largest_weight_difference=widest, **apart)
    if mode == "deterministic":
        assert_same_end(one, other)
    assert np.isfinite(losses(other)).all()
