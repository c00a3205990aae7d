"""What a dry run says of a run that there is already, in words and as JSON."""

from __future__ import annotations

import fcntl
import json

import pytest
from support.finished_runs import finished_run
from support.runs import launched

from inceptionctl.runs.find import attempts
from inceptionctl.runs.paths import RunDir

WORDS = ("arch.width=0.1", "train.epochs=2")


def planned(outputs, *words):
    code, said = launched("train", *WORDS, f"outputs={outputs}", "--dry-run", "--json", *words)
    assert code == 0, said
    return json.loads(said)


@pytest.fixture
def interrupted(tmp_path):
    """A run that saved its step 36 of 88, and was stopped."""
    run = finished_run(tmp_path, *WORDS, wrong=40)
    run.result.unlink()
    (run.checkpoints / "step-00000036").mkdir(parents=True)
    return run


def test_the_plan_of_a_run_as_json(tmp_path):
    plan = planned(tmp_path)
    assert (plan["schema"], plan["state"], plan["folder"]) == (1, "to_run", None)
    assert (plan["steps"], plan["steps_per_epoch"], plan["batch_size"]) == (88, 44, 32)
    assert plan["data"]["n_train"] == 1437
    assert len(plan["learning_rates"]) == 9
    assert plan["device_hours"] > 0
    assert attempts(tmp_path, plan["identity"]) == []


def test_an_interrupted_run_is_continued(tmp_path, interrupted):
    assert planned(tmp_path)["state"] == "to_continue"
    assert "to continue from step 36 of 88" in launched("train", *WORDS, f"outputs={tmp_path}", "--dry-run")[1]
    assert planned(tmp_path, "rerun=true")["state"] == "to_run"


def test_a_run_that_a_process_works_on_is_running(tmp_path, interrupted: RunDir):
    with interrupted.lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert planned(tmp_path)["state"] == "running"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--json"], "--json goes with --dry-run"),
        (["-m", "seed=0,1", "--dry-run", "--json"], "--json prints the plan of one run: leave -m out"),
    ],
)
def test_what_json_does_not_go_with(words, message):
    assert ((said := launched("train", *words))[0], message in said[1]) == (2, True)
