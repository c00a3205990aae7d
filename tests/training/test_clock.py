"""How an epoch is divided into steps, and what is said of the images that are left over."""

from __future__ import annotations

import pytest

from inceptionctl.errors import RequestError
from inceptionctl.planning.checks import left_over
from inceptionctl.training.clock import Clock


def test_a_batch_larger_than_the_data_names_one_that_makes_several_steps_of_an_epoch():
    assert Clock.over(243, 243, 2).steps == 2
    with pytest.raises(RequestError, match=r"= 244 is more than the 243 training images\n  .*=60 makes 4 steps"):
        Clock.over(243, 244, 2)
    assert Clock.over(243, 60, 1).steps == 4


def test_many_images_that_do_not_fill_a_batch_are_told_with_a_better_size():
    (warning,) = left_over(243, 128)
    assert "leaves out 115 of the 243 training images (47%, others each time)" in warning
    assert warning.endswith("train.batch_size=121 leaves out 1")


def test_the_better_size_can_be_divided_as_the_batch_is():
    (warning,) = left_over(1437, 640, unit=32)
    assert warning.endswith("train.batch_size=352 leaves out 29")
    (warning,) = left_over(60, 32, unit=32)
    assert warning.endswith("which do not fill a batch")


@pytest.mark.parametrize(("images", "batch"), [(256, 128), (1437, 128), (100, 19), (10, 1)])
def test_up_to_a_twentieth_is_not_worth_a_warning(images, batch):
    assert images % batch <= images / 20
    assert left_over(images, batch) == []


@pytest.mark.parametrize("images", [7, 100, 243, 1000])
def test_the_advice_is_followed_by_no_other(images):
    for batch in range(1, images + 1):
        for warning in left_over(images, batch):
            better = int(warning.rpartition("train.batch_size=")[2].split()[0])
            assert better < batch
            assert left_over(images, better) == []
