"""What the launcher of several ranks makes of their ends."""

from __future__ import annotations

import pytest

from inceptionctl.launch.elastic import exit_code
from inceptionctl.runs.exits import exit_status, record_exit
from inceptionctl.runs.paths import EXIT_RETRY, RunDir


@pytest.fixture
def run(tmp_path):
    return RunDir(tmp_path)


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ({1: -9, 0: 1}, EXIT_RETRY),
        ({0: 1, 1: EXIT_RETRY}, 1),
        ({0: EXIT_RETRY, 1: 2}, 2),
        ({1: EXIT_RETRY}, EXIT_RETRY),
        ({0: 130}, 130),
        ({1: 2}, 2),
    ],
)
def test_the_exit_code_of_several_ranks(failures, code):
    assert exit_code(failures) == code


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        ([(1, 1), (EXIT_RETRY, 0)], (1, "rank 1: why")),
        ([(EXIT_RETRY, 0), (1, 1)], (1, "rank 1: why")),
        ([(1, 1), (130, 0)], (1, "rank 1: why")),
        ([(1, 1), (1, 0)], (1, "why")),
        ([(1, 0), (1, 1)], (1, "why")),
        ([(EXIT_RETRY, 1), (1, 0)], (1, "why")),
        ([(130, 1), (130, 0)], (130, "why")),
        ([(1, 1), (0, 0)], (0, "why")),
    ],
)
def test_exit_json_has_the_message_of_the_rank_that_failed_by_itself(ends, status, run):
    for code, rank in ends:
        record_exit(run, code, "why", rank)
    found = exit_status(run)
    assert (found.code, found.message) == status
