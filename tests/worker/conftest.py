"""Two finished runs, each trained for a few steps: on digits, and on fifteen images of three classes in folders."""

from __future__ import annotations

import pytest
import torch
from support.image_folders import fill
from test_trainer import run as train

from inceptionctl.runs.paths import RunDir


@pytest.fixture(autouse=True)
def torch_as_before():
    """What a worker sets in this process is set back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> RunDir:
    return _trained(tmp_path_factory.mktemp("digits") / "run")


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> RunDir:
    root = tmp_path_factory.mktemp("photos")
    fill(root / "images" / "train")
    fill(root / "images" / "val", count=5)
    return _trained(root / "run", *_of_images(root / "images"))


@pytest.fixture(scope="session")
def others(photos) -> RunDir:
    """Another network, with a larger input, trained on the images of `photos`."""
    images = photos.path.parent / "images"
    return _trained(photos.path.parent / "others", "arch=googlenet", "arch.pixels=96", *_of_images(images))


def _of_images(root) -> list[str]:
    return ["data=imagefolder", f"data.root={root}", "data.workers=0", "augment=none", "train.batch_size=4"]


def _trained(path, *words) -> RunDir:
    """On one thread."""
    before = torch.get_num_threads()
    made = train(path, *words)
    torch.set_num_threads(before)
    return made
