"""`status`: the labels of runs, the settings in which they differ, sorting and filtering."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from support.records import EVALUATION, RESULT
from support.runs import launched

from inceptionctl.runs.io import write_record
from inceptionctl.runs.label import write_label
from inceptionctl.runs.paths import RunDir

CONFIG = """name: train
seed: {seed}
outputs: {outputs}
arch:
  name: inception_v2
train:
  epochs: 8.0
  log_every: {seed}
optim:
  name: {optim}
  {own}
schedule:
  lr: {lr}
resolved: {{}}
"""
OWN = {"momentum": "momentum: 0.9", "rmsprop": "eps: 1.0"}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Four finished runs: their error falls with the learning rate, from 40 % to 10 %."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    plans = [("momentum", 0.3, 0), ("momentum", 0.3, 1), ("rmsprop", 0.1, 0), ("rmsprop", 0.03, 0)]
    for number, (optim, lr, seed) in enumerate(plans):
        run = RunDir(tmp_path / "outputs" / "train" / f"{number:012x}-0")
        (run.path / "evaluations").mkdir(parents=True)
        values = {"seed": seed, "outputs": tmp_path, "optim": optim, "own": OWN[optim], "lr": lr}
        run.config.write_text(CONFIG.format(**values))
        write_label(run, f"optim={optim} schedule.lr={lr}" if optim == "rmsprop" else "")
        _finish(run, seed, error=40.0 - 10 * number)
    return tmp_path / "outputs"


def _finish(run, seed, error):
    summaries = [replace(one, top1_error=error) for one in RESULT.evaluations]
    for one in summaries:
        write_record(run.path / one.file, replace(EVALUATION, weights=one.weights, top1_error=error))
    write_record(run.result, replace(RESULT, identity=run.identity, seed=seed, evaluations=summaries))


def entries(*words):
    code, said = launched("status", *words, "--json")
    assert code == 0, said
    return json.loads(said)["runs"]


def test_json_has_the_label_the_error_and_the_settings_that_differ(runs):
    found = entries()
    assert [entry["label"] for entry in found[1:3]] == ["inception_v2", "optim=rmsprop schedule.lr=0.1"]
    assert [entry["error"] for entry in found] == [40.0, 30.0, 20.0, 10.0]
    assert [entry["settings"] for entry in found[1:3]] == [
        {"seed": 1, "optim.name": "momentum", "schedule.lr": 0.3},
        {"seed": 0, "optim.name": "rmsprop", "schedule.lr": 0.1},
    ], "not where they are kept, nor how often they log"


def test_the_table_has_a_column_for_each_setting_that_differs(runs):
    code, said = launched("status")
    heading, first = (next(line for line in said.splitlines() if word in line) for word in ("cell", "000000000002-0"))
    assert (code, heading.split()[:5]) == (0, ["cell", "label", "seed", "optim", "lr"])
    assert first.split()[:6] == ["train/000000000002-0", "optim=rmsprop", "schedule.lr=0.1", "0", "rmsprop", "0.1"]


def test_runs_are_sorted_by_error_or_by_a_setting(runs):
    assert [entry["error"] for entry in entries("--sort", "error")] == [10.0, 20.0, 30.0, 40.0]
    assert [entry["settings"]["schedule.lr"] for entry in entries("--sort", "lr")] == [0.03, 0.1, 0.3, 0.3]
    assert [entry["error"] for entry in entries("--sort", "label")][:2] == [40.0, 30.0]


def test_runs_without_a_value_come_last(runs):
    RunDir(runs / "train" / "000000000003-0").result.unlink()
    assert [entry["error"] for entry in entries("--sort", "error")] == [20.0, 30.0, 40.0, None]


def test_only_runs_with_a_setting_or_a_state_are_shown(runs):
    assert [entry["error"] for entry in entries("--filter", "optim=rms*", "--filter", "schedule.lr=0.03")] == [10.0]
    assert entries("--filter", "state=failed") == []
    assert "2 of 4 runs shown" in launched("status", "--filter", "optim=rmsprop")[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [(("--sort", "eror"), "Did you mean error?"), (("--filter", "optim"), "it takes KEY=VALUE")],
)
def test_a_column_that_does_not_exist_is_a_wrong_request(words, message, runs):
    code, said = launched("status", *words)
    assert (code, message in said) == (2, True), said


def test_a_config_that_cannot_be_read_hides_no_run(runs):
    RunDir(runs / "train" / "000000000003-0").config.write_text("name: [\n")
    assert [(entry["cell"], entry["settings"]) for entry in entries()][3] == ("train/000000000003-0", {})


def test_the_seed_is_the_first_of_the_settings(runs):
    """Runs of one row differ in nothing else."""
    assert next(iter(entries(str(runs))[0]["settings"])) == "seed"
