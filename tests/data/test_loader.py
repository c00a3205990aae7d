"""Batches are the same for any number of workers and ranks, and when workers die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import islice
from multiprocessing import active_children

import numpy as np
import pytest
import torch

from inceptionctl.data import loader, workers
from inceptionctl.errors import DataError

RANK = """
import sys, time
import numpy as np
from inceptionctl.data import loader
from inceptionctl.data.sources.digits import Digits, read_scans
batches = loader.training(Digits(read_scans("test")[0], 8), 8, 0, 0, 100, 2, False)
next(batches)
from multiprocessing import active_children
print(*(process.pid for process in active_children()), flush=True)
time.sleep(60)
"""


@dataclass(frozen=True)
class Noise:
    """`count` images of noise; reading number `deadly` kills the process that does."""

    count: int
    deadly: int | None = None

    @property
    def labels_N(self):
        return np.arange(self.count) % 10

    def __len__(self):
        return self.count

    def image(self, epoch, index):
        if index == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return np.random.default_rng((epoch, index)).integers(0, 256, (4, 4, 3), dtype=np.uint8)


def same(one, other):
    return torch.equal(one.images_NCHW, other.images_NCHW) and torch.equal(one.labels_N, other.labels_N)


def plain(first=0, last=20, **ranks):
    return loader.training(Noise(50), 6, 1, first, last, 0, False, **ranks)


def test_no_batch_is_lost_or_repeated_when_a_worker_is_killed():
    said, batches = [], loader.training(Noise(50), 6, 1, 0, 20, 2, False, report=lambda text: said.append(text))
    found = list(islice(batches, 7))
    os.kill(active_children()[0].pid, signal.SIGKILL)
    found += batches
    assert len(found) == 20
    assert all(map(same, found, plain()))
    (line,) = said
    assert line.startswith("a data worker was killed (signal 9, out of memory?); restarting the workers at batch ")
    assert 7 <= int(line.split()[-1]) <= 7 + 2 * 2
    assert not active_children()


def test_a_killed_worker_does_not_interrupt_the_rank():
    batches = loader.training(Noise(50), 6, 1, 0, 20, 1, False, report=lambda _: None)
    next(batches)
    os.kill(active_children()[0].pid, signal.SIGKILL)
    time.sleep(0.3)  # torch's handler would raise here
    batches.close()


def test_workers_that_keep_dying_end_the_run(monkeypatch):
    monkeypatch.setattr(workers, "RESTARTS", 1)
    said = []
    with pytest.raises(DataError, match=r"killed \(signal 9.*2 times in one pass.*data.workers"):
        list(loader.evaluation(Noise(50, deadly=33), 10, 50, 1, False, report=lambda text: said.append(text)))
    (line,) = said
    assert int(line.split()[-1]) in (2, 3)  # what a worker has read is lost with it until the rank has it


def test_an_error_that_killed_no_worker_is_raised_as_it_is():
    class Broken(Noise):
        def image(self, epoch, index):
            raise KeyError("a mistake")

    with pytest.raises(KeyError, match="a mistake"):
        list(loader.evaluation(Broken(4), 2, 4, 1, False))


def test_full_shared_memory_ends_the_run_with_a_remedy(monkeypatch):
    def full(_):
        raise RuntimeError("unable to allocate shared memory(shm): No space left on device (28)")

    monkeypatch.setattr(torch.Tensor, "share_memory_", full)
    with pytest.raises(DataError, match=r"No space left on device .*enlarge /dev/shm .* or set data.workers=0"):
        list(loader.evaluation(Noise(8), 4, 8, 1, False))
    assert len(list(loader.evaluation(Noise(8), 4, 8, 0, False))) == 2


def test_workers_ignore_the_signals_that_are_meant_for_the_rank():
    batches = loader.training(Noise(50), 6, 1, 0, 20, 1, False, report=pytest.fail)
    found = [next(batches)]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2):
        os.kill(active_children()[0].pid, number)
    assert all(map(same, found + list(batches), plain()))


def test_workers_end_with_their_rank():
    with subprocess.Popen([sys.executable, "-c", RANK], stdout=subprocess.PIPE, text=True) as rank:
        left = [int(word) for word in rank.stdout.readline().split()]
        rank.kill()
    assert len(left) == 2
    until = time.monotonic() + 12
    while any(map(alive, left)) and time.monotonic() < until:
        time.sleep(0.2)
    assert not any(map(alive, left))


def alive(pid):
    """A zombie is not: nobody may be left to collect it."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(("world", "accumulate"), [(2, 1), (1, 3), (2, 3)])
@pytest.mark.parametrize("count", [0, 1])
def test_ranks_divide_a_batch_among_them(world, accumulate, count):
    whole = list(plain(3, 5))
    ranks = [
        list(loader.training(Noise(50), 6, 1, 3, 5, count, False, rank=rank, world=world, accumulate=accumulate))
        for rank in range(world)
    ]
    assert {len(batches) for batches in ranks} == {2 * accumulate}
    for step, expected in enumerate(whole):
        parts = [batch for part in ranks for batch in part[step * accumulate : (step + 1) * accumulate]]
        assert torch.equal(torch.cat([part.images_NCHW for part in parts]), expected.images_NCHW)
        assert torch.equal(torch.cat([part.labels_N for part in parts]), expected.labels_N)


@pytest.mark.parametrize("world", [1, 2, 3])
def test_ranks_evaluate_each_image_once(world):
    found = [b for r in range(world) for b in loader.evaluation(Noise(50), 4, 31, 0, False, rank=r, world=world)]
    expected = torch.cat([batch.images_NCHW for batch in loader.evaluation(Noise(50), 31, 31, 0, False)])
    assert torch.equal(torch.cat([batch.images_NCHW for batch in found]), expected)


def test_a_long_run_starts_at_once():
    """The order of 100 epochs of ImageNet is 10 GB as a list of pairs."""
    begun = time.monotonic()
    batch = next(loader.training(Noise(1_000_000), 10, 0, 0, 10_000_000, 0, False))
    assert len(batch.labels_N) == 10
    assert time.monotonic() - begun < 5
