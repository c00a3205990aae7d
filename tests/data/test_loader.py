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

from inceptionctl.data import workers
from inceptionctl.data.loader import Loader
from inceptionctl.data.order import evaluation_batches, share
from inceptionctl.errors import DataError

RANK = """
import sys, time
import numpy as np
from inceptionctl.data.loader import Loader
from inceptionctl.data.order import evaluation_batches, share
from inceptionctl.data.sources.digits import Digits, read_scans
batches = Loader(2).training(Digits(read_scans("test")[0], 8), 8, 0, range(100))
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

    def name(self, index):
        return f"noise {index}"

    def image(self, epoch, index):
        if index == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return np.random.default_rng((epoch, index)).integers(0, 256, (4, 4, 3), dtype=np.uint8)


def same(one, other):
    return torch.equal(one.images_NCHW, other.images_NCHW) and torch.equal(one.labels_N, other.labels_N)


def training(loader, first=0, last=20, **options):
    return loader.training(Noise(50), 6, 1, range(first, last), **options)


def test_no_batch_is_lost_or_repeated_when_a_worker_is_killed():
    said = []
    batches = training(Loader(2, report=said.append))
    found = list(islice(batches, 7))
    os.kill(active_children()[0].pid, signal.SIGKILL)
    found += batches
    assert len(found) == 20
    assert all(map(same, found, training(Loader())))
    (line,) = said
    assert line.startswith("a data worker was killed (signal 9, out of memory?); restarting the workers at batch ")
    assert 7 <= int(line.split()[-1]) <= 7 + 2 * 2 + 1  # those asked for before it died, and one of the other worker's
    assert not active_children()


class Stalled(Noise):
    """Reading image 7 never ends, as where a network's file system is gone."""

    def image(self, epoch, index):
        if index == 7:
            time.sleep(3600)
        return super().image(epoch, index)


def test_an_image_that_is_never_read_is_named():
    batches = Loader(2, timeout=10.0).evaluation(Stalled(50), evaluation_batches(50, 5))
    assert len(next(batches).indices_N) == 5
    with pytest.raises(
        DataError, match=r"no batch for 10 s; still being read: noise 7\n.*launch.hang_timeout is twice"
    ):
        list(batches)
    assert not active_children()


FAULT = """
import numpy as np
from inceptionctl.data.loader import Loader
class Faulty:
    labels_N = groups_N = np.zeros(8, dtype=np.int64)
    def __len__(self): return 8
    def name(self, index): return str(index)
    def image(self, epoch, index): raise TypeError("a fault of the program")
list(Loader(2).training(Faulty(), 4, 0, range(2)))
"""


def test_a_fault_of_the_program_ends_the_rank_and_its_workers():
    """Python waits for workers at exit."""
    done = subprocess.run([sys.executable, "-c", FAULT], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "TypeError: a fault of the program" in done.stderr


def test_killed_workers_are_looked_for_long_before_the_timeout(monkeypatch):
    """Nothing of the one killed here is on its way any more, so that torch would notice it by the timeout alone."""
    expected, timeouts = list(training(Loader())), []
    loader = workers.DataLoader
    monkeypatch.setattr(workers, "CHECK_S", 0.5)
    monkeypatch.setattr(
        workers, "DataLoader", lambda *args, **kwargs: timeouts.append(kwargs["timeout"]) or loader(*args, **kwargs)
    )
    said = []
    batches = training(Loader(1, report=said.append, timeout=3600.0))
    found = [next(batches)]
    time.sleep(1.0)
    os.kill(active_children()[0].pid, signal.SIGKILL)
    found += batches
    assert len(found) == 20
    assert all(map(same, found, expected))
    assert len(said) == 1
    assert timeouts == [0.5, 0.5]


def test_a_killed_worker_does_not_interrupt_the_rank():
    batches = training(Loader(1, report=lambda _: None))
    next(batches)
    os.kill(active_children()[0].pid, signal.SIGKILL)
    time.sleep(0.3)  # torch's handler would raise here
    batches.close()


def test_workers_that_keep_dying_end_the_run(monkeypatch):
    monkeypatch.setattr(workers, "RESTARTS", 1)
    said = []
    with pytest.raises(DataError, match=r"killed \(signal 9.*2 times in one pass.*data.workers"):
        list(Loader(1, report=said.append).evaluation(Noise(50, deadly=33), evaluation_batches(50, 10)))
    (line,) = said
    assert int(line.split()[-1]) in (2, 3)  # what a worker has read is lost with it until the rank has it


def test_an_error_that_killed_no_worker_is_raised_as_it_is():
    class Broken(Noise):
        def image(self, epoch, index):
            raise KeyError("a mistake")

    with pytest.raises(KeyError, match="a mistake"):
        list(Loader(1).evaluation(Broken(4), evaluation_batches(4, 2)))


def test_workers_that_cannot_be_started_end_the_run_with_a_remedy(monkeypatch):
    """Their semaphores are files of /dev/shm."""

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workers.DataLoader, "__iter__", full)
    with pytest.raises(DataError, match=r"No space left on device; .*enlarge /dev/shm .* or set data.workers=0"):
        list(Loader(1).evaluation(Noise(8), evaluation_batches(8, 4)))


def test_workers_ignore_the_signals_that_are_meant_for_the_rank():
    batches = training(Loader(1, report=pytest.fail))
    found = [next(batches)]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2):
        os.kill(active_children()[0].pid, number)
    assert all(map(same, found + list(batches), training(Loader())))


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
    whole = list(training(Loader(), 3, 5))
    ranks = [
        list(training(Loader(count, rank=rank, world_size=world), 3, 5, accumulation_steps=accumulate))
        for rank in range(world)
    ]
    assert {len(batches) for batches in ranks} == {2 * accumulate}
    for step, expected in enumerate(whole):
        parts = [batch for part in ranks for batch in part[step * accumulate : (step + 1) * accumulate]]
        assert torch.equal(torch.cat([part.images_NCHW for part in parts]), expected.images_NCHW)
        assert torch.equal(torch.cat([part.labels_N for part in parts]), expected.labels_N)


@pytest.mark.parametrize("world", [1, 2, 3, 9])
@pytest.mark.parametrize("count", [0, 1])
def test_ranks_evaluate_the_same_batches_each_once(world, count):
    """Eight batches of 31 images; of nine ranks one has none."""
    batches = evaluation_batches(31, 4)
    ranks = [Loader(count).evaluation(Noise(50), share(batches, rank, world)) for rank in range(world)]
    found = [batch for rank in ranks for batch in rank]
    assert [batch.indices_N.tolist() for batch in found] == [list(batch) for batch in batches]
    images = torch.cat([batch.views[0] for batch in found])
    assert torch.equal(images[:, 0], torch.stack([as_input(Noise(50).image(0, i)) for i in range(31)]))


class Twice(Noise):
    """For two networks: three views, and one view of other images."""

    def image(self, epoch, index):
        views = [super(Twice, self).image(view, index) for view in range(3)]
        return np.stack(views), super().image(7, index)


@pytest.mark.parametrize("count", [0, 1])
def test_an_image_can_have_several_views_and_several_inputs(count):
    (batch,) = Loader(count).evaluation(Twice(5), [range(1, 4)])
    several, one = batch.views
    assert (tuple(several.shape), tuple(one.shape)) == ((3, 3, 3, 4, 4), (3, 1, 3, 4, 4))
    assert torch.equal(several[2, 1], as_input(Noise(5).image(1, 3)))
    assert torch.equal(one[0, 0], as_input(Noise(5).image(7, 1)))


def as_input(image):
    return torch.from_numpy(image).permute(2, 0, 1)


def test_a_long_run_starts_at_once():
    """The order of 100 epochs of ImageNet is 10 GB as a list of pairs."""
    begun = time.monotonic()
    batch = next(Loader().training(Noise(1_000_000), 10, 0, range(10_000_000)))
    assert len(batch.labels_N) == 10
    assert time.monotonic() - begun < 5
