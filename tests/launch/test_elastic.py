"""What the launcher of several ranks makes of their ends."""

from __future__ import annotations

import pytest

from inceptionctl.launch.elastic import exit_code
from inceptionctl.runs.paths import EXIT_RETRY, RunDir

MESSAGE = "inceptionctl: an image cannot be read\n  it is truncated\n"


@pytest.fixture
def run(tmp_path):
    (tmp_path / "log").mkdir()
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
def test_the_exit_code_of_several_ranks(failures, code, run):
    assert exit_code(run, failures) == code


def test_the_launcher_repeats_the_message_of_the_rank_that_failed(run, capsys):
    run.log(0).write_text("inceptionctl: lost a rank\n")
    run.log(1).write_text(MESSAGE)
    exit_code(run, {0: EXIT_RETRY, 1: 1})
    assert capsys.readouterr().err == f"inceptionctl: rank 1 failed (rank-1.log): {MESSAGE.partition(': ')[2]}"
