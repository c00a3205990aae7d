"""All tests of this folder need a GPU; GPU_DEVICE=cpu rehearses them without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.gpu_runs import DEVICE, draw


def pytest_collection_modifyitems(items):
    here = [item for item in items if Path(item.fspath).parent == Path(__file__).parent]
    for item in here:
        item.add_marker(pytest.mark.gpu)


@pytest.fixture(autouse=True)
def needs_gpu():
    if DEVICE == "cpu":
        return
    import torch

    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device (GPU_DEVICE=cpu rehearses on the CPU)")


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("images"))
