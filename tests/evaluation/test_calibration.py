"""Expected calibration error against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from inceptionctl.evaluation.calibration import expected_calibration_error


@pytest.mark.parametrize(
    ("confidence", "correct", "percent"),
    [
        ([1.0, 1.0], [True, True], 0.0),
        ([1.0, 1.0], [True, False], 50.0),
        ([0.75, 0.75, 0.75, 0.75], [True, True, True, False], 0.0),  # one bin: 3 of 4 are right
        ([0.9, 0.3], [True, True], 40.0),  # two bins: (0.1 + 0.7) / 2
        ([0.9, 0.3], [False, True], 80.0),  # (0.9 + 0.7) / 2: gaps of different bins do not cancel
        ([0.0], [False], 0.0),
    ],
)
def test_gaps_are_weighed_by_the_images_of_their_bins(confidence, correct, percent):
    found = expected_calibration_error(np.array(confidence, np.float32), np.array(correct))
    assert found == pytest.approx(percent, abs=1e-4)
