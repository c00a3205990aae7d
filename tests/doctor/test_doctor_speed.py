"""Which part of training `doctor` names as the bottleneck, and what it advises."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.doctor import speed
from inceptionctl.doctor.jpegs import SIZE, write_jpegs
from inceptionctl.doctor.rates import Rates, judge

BALANCED = Rates(
    device="NVIDIA H100", batch=64, workers=4, worker=250.0, loader=990.0, copy=20_000.0, step=900.0, training=880.0
)


def verdict(rates: Rates, ranks: int = 1, cores: int = 16):
    return list(judge(rates, ranks, cores))[-1]


def test_a_step_that_never_waits_is_the_bottleneck():
    found = verdict(BALANCED)
    assert (found.level, found.values) == ("ok", {"bottleneck": "compute", "workers_needed": 4})


@pytest.mark.parametrize(
    ("ranks", "cores", "remedy"),
    [
        (1, 16, "data.workers=8"),
        (1, 4, "8 workers need as many cores, and this machine has 4"),
        (8, 32, "64 workers need as many cores, and this machine has 32"),
    ],
)
def test_workers_that_are_too_slow_are_the_bottleneck(ranks, cores, remedy):
    found = verdict(replace(BALANCED, step=1950.0, training=980.0), ranks, cores)
    assert (found.level, found.values) == ("note", {"bottleneck": "input", "workers_needed": 8})
    assert "lose 50% of the speed" in found.message
    assert found.remedy.startswith(remedy)


def test_where_more_workers_do_not_help_less_work_is_advised():
    """The same images by fewer workers than there are: they wait for the disk, or share the cores with the step."""
    found = verdict(replace(BALANCED, worker=1000.0, training=300.0))
    assert (found.values["bottleneck"], "data pack" in found.remedy) == ("input", True)


def test_a_copy_slower_than_the_step_is_the_bottleneck():
    found = verdict(replace(BALANCED, copy=700.0))
    assert (found.values["bottleneck"], "PCIe" in found.remedy) == ("copy", True)


def test_a_batch_that_does_not_fit_in_memory_is_a_problem():
    (found,) = judge(replace(BALANCED, step=None, training=None, shortage="out of memory"), 1, 16)
    assert (found.level, "launch.accumulation_steps=2" in found.remedy) == ("problem", True)


def test_generated_images_are_a_data_set_of_usual_photographs(tmp_path):
    write_jpegs(tmp_path, 40)
    for split in ("train", "val"):
        found = ImageFolder(str(tmp_path / "images" / split))
        assert (len(found), found.classes) == (40, ["0", "1", "2", "3"])
    path = tmp_path / "images" / "train" / "0" / "0.jpg"
    with Image.open(path) as image:
        assert (image.size, image.mode) == (SIZE, "RGB")
    assert 80_000 < path.stat().st_size < 140_000  # ImageNet's mean is 110 kB


def test_settings_that_train_refuses_are_a_problem():
    (found,) = speed.check(parse(compose("train", ["arch.pixels=20"])), has_data=False)
    assert (found.level, "arch.pixels = 20 is too small" in found.message) == ("problem", True)


def test_data_that_is_missing_is_said_once():
    """By the check of the data set."""
    assert list(speed.check(parse(compose("train", ["data=imagefolder", "data.root=/nowhere"])), has_data=True)) == []
