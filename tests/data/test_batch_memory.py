"""Batches of data workers lie in memory that is used again, but never while the rank holds them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
import torch

from inceptionctl.data.batch_memory import BatchMemory, Message, Writer, stacked
from inceptionctl.data.loader import Loader
from inceptionctl.data.workers import HELD, PREFETCHED

SIDE = 64
LARGE = """
import numpy as np
from inceptionctl.data.loader import Loader
class Large:
    labels_N = groups_N = np.zeros(64, dtype=np.int64)
    def __len__(self): return 64
    def name(self, index): return str(index)
    def image(self, epoch, index): return np.full((299, 299, 3), index, dtype=np.uint8)
for batch in Loader(2).training(Large(), 16, 0, range(8)):
    print(*batch.images_NCHW.shape)
"""


@dataclass(frozen=True)
class Counted:
    """Each image is of one value, its index; image `i` has a side of SIDE + `growth` * i."""

    growth: int = 0
    labels_N = np.zeros(200, dtype=np.int64)

    def __len__(self):
        return 200

    def name(self, index):
        return str(index)

    def image(self, epoch, index):
        side = SIDE + self.growth * index
        return np.full((side, side, 3), index, dtype=np.uint8)


def values(batch):
    return torch.unique(batch.views[0]).tolist()


def batches(count=50, size=4, growth=0):
    return Loader(2).evaluation(Counted(growth), [range(size * i, size * (i + 1)) for i in range(count)])


def test_memory_is_used_again():
    places = {batch.views[0].data_ptr() for batch in batches()}
    assert len(places) <= 2 * PREFETCHED + HELD


def test_batches_that_are_held_keep_their_values():
    """More than there are slots for: the last ones come through the pipe."""
    found = batches()
    held = list(islice(found, 4))[::3] + list(islice(found, 3, 40))
    for _ in found:
        pass
    assert [values(batch) for batch in held] == [batch.indices_N.tolist() for batch in held]
    assert len(held) == 39


def test_a_tensor_that_is_left_of_a_batch_keeps_its_values():
    found = batches()
    view = next(found).views[0][2, 0, 1:, 5]
    for _ in found:
        pass
    assert torch.equal(view, torch.full((2, SIDE), 2, dtype=torch.uint8))


def test_few_files_that_may_be_open_are_no_hindrance():
    """Batches without a slot come through the pipe."""
    code = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))" + LARGE.replace(
        "Loader(2)", "Loader(8)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n") == ["16 3 299 299"] * 8 + [""], done.stderr


def test_a_limited_size_of_files_is_no_hindrance():
    """A slot is a file: a batch that is larger comes through the pipe."""
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))" + LARGE
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n") == ["16 3 299 299"] * 8 + [""], done.stderr


def test_a_slot_grows_with_its_batches():
    for number, batch in enumerate(batches(30, size=1, growth=7)):
        assert batch.views[0].shape == (1, 1, 3, SIDE + 7 * number, SIDE + 7 * number)
        assert values(batch) == [number]


@dataclass(frozen=True)
class Two:
    images: tuple[torch.Tensor, ...]
    labels: torch.Tensor


def test_a_slot_is_free_once_its_batch_is_gone():
    memory = BatchMemory(1)
    slot = memory.take()
    assert memory.take() is None
    writer = Writer(memory, slot)
    one, two = (stacked([np.full((3, 5), value, np.uint8)] * 7, writer.empty) for value in (1, 2))
    message = writer.message(Two((torch.from_numpy(one).permute(2, 0, 1), torch.from_numpy(two)), torch.arange(9)))
    found = message.batch()
    (first, second), third = found.images, found.labels
    assert torch.equal(first, torch.ones(3, 7, 5, dtype=torch.uint8).permute(2, 1, 0))
    del first, found
    assert torch.equal(second, torch.full((7, 3, 5), 2, dtype=torch.uint8))
    assert memory.take() is None
    del second
    assert memory.take() == slot
    assert torch.equal(third, torch.arange(9))


def test_the_slot_of_an_error_is_free_at_once():
    memory = BatchMemory(1)
    message = Writer(memory, memory.take()).message(ValueError("an image"))
    assert str(message.batch()) == "an image"
    assert memory.take() == 0


@dataclass(frozen=True)
class Pinned:
    numbers: torch.Tensor

    def pin_memory(self):
        return Pinned(self.numbers.clone())


def test_a_slot_is_free_once_its_batch_is_copied_to_page_locked_memory():
    memory = BatchMemory(1)
    writer = Writer(memory, memory.take())
    message: Message = writer.message(Pinned(torch.from_numpy(stacked([np.arange(9, dtype=np.uint8)], writer.empty))))
    assert message.pin_memory().numbers.tolist() == [list(range(9))]
    assert memory.take() == 0


def test_a_dev_shm_of_64_kb_suffices():
    """In a container it has 64 MB by default, and a batch of 299 px may have more."""
    own_mounts = ["unshare", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*own_mounts, "true"], capture_output=True).returncode:
        pytest.skip("needs root, for a /dev/shm of its own")
    mount = 'mount -t tmpfs -o size=64k tmpfs /dev/shm && exec "$@"'
    script = [*own_mounts, "sh", "-c", mount, "sh", sys.executable, "-c", LARGE]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n") == ["16 3 299 299"] * 8 + [""], done.stderr
