"""What the launcher of several ranks makes of their ends."""

from __future__ import annotations

from dataclasses import make_dataclass
from inspect import signature

import pytest
from support.command_line import SHORT
from support.hooks import hook_in
from support.runs import launched

from inceptionctl.launch import elastic
from inceptionctl.launch.elastic import exit_code
from inceptionctl.launch.local import FORK_SERVER_LOST
from inceptionctl.runs.exits import exit_status, record_exit
from inceptionctl.runs.logs import why_ended
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
        ({0: FORK_SERVER_LOST, 1: FORK_SERVER_LOST}, EXIT_RETRY),
    ],
)
def test_the_exit_code_of_several_ranks(failures, code, run):
    assert exit_code(run, failures) == code


def test_a_killed_rank_explains_the_others(run):
    """Rank 0 only saw that it had lost a peer."""
    record_exit(run, EXIT_RETRY, "connection closed by peer")
    exit_code(run, {0: EXIT_RETRY, 1: -9})
    assert exit_status(run).message == "rank 1 was killed by signal 9"
    assert why_ended(run)[1] == run.launcher_log


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        ([(1, 1), (EXIT_RETRY, 0)], (1, "rank 1: why", "rank-1.log")),
        ([(EXIT_RETRY, 0), (1, 1)], (1, "rank 1: why", "rank-1.log")),
        ([(1, 1), (130, 0)], (1, "rank 1: why", "rank-1.log")),
        ([(1, 1), (EXIT_RETRY, None)], (1, "rank 1: why", "rank-1.log")),
        ([(1, 1), (1, 0)], (1, "why", "rank-0.log")),
        ([(1, 0), (1, 1)], (1, "why", "rank-0.log")),
        ([(EXIT_RETRY, 1), (1, 0)], (1, "why", "rank-0.log")),
        ([(130, 1), (130, 0)], (130, "why", "rank-0.log")),
        ([(1, 1), (0, 0)], (0, "why", "rank-0.log")),
        ([(130, 0), (1, None)], (1, "why", "launcher.log")),
    ],
)
def test_exit_json_has_the_message_of_the_rank_that_failed_by_itself(ends, status, run):
    for code, rank in ends:
        record_exit(run, code, "why", rank)
    message, log = why_ended(run)
    assert (exit_status(run).code, message, log.name) == status


def test_ranks_have_the_time_to_save_with_every_torch(monkeypatch):
    """Which of torch's versions is installed decides between an option and elastic's own default."""
    from torch.distributed.elastic.multiprocessing.api import PContext
    from torch.distributed.launcher import api

    with_option = make_dataclass("LaunchConfig", [("shutdown_timeout", int, 30)])
    monkeypatch.setattr(PContext, "close", PContext.close)  # put back afterwards
    monkeypatch.setattr(api, "LaunchConfig", with_option)
    assert elastic.shutdown_option() == {"shutdown_timeout": elastic.SAVING_SECONDS}
    monkeypatch.setattr(api, "LaunchConfig", make_dataclass("LaunchConfig", [("run_id", str, "")]))
    assert elastic.shutdown_option() == {}
    assert signature(PContext.close).parameters["timeout"].default == elastic.SAVING_SECONDS


def _break_the_launcher():
    """Makes `elastic.launch` fail as it does with a torch whose LaunchConfig lacks an option."""
    elastic.shutdown_option = lambda: {"no_such_option": 1}


def test_an_error_of_the_launcher_is_on_the_screen(monkeypatch, tmp_path):
    hook_in(monkeypatch, _break_the_launcher)
    words = ["train", *SHORT, "launch.nproc=2", "launch.device=cpu", "launch.restarts=0", "data=digits"]
    code, screen = launched(*words, f"outputs={tmp_path}")
    assert code == 1
    assert "unexpected keyword argument 'no_such_option'" in screen
    assert "log/launcher.log" in screen
    assert "log/launcher.log" in launched("status", str(tmp_path))[1]
