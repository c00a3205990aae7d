"""`inceptionctl clean` lists the checkpoints that nothing reads any more; --yes removes these and nothing else."""

from __future__ import annotations

import json

import pytest
import torch
from support.finished_runs import finished_run

from inceptionctl.commands.clean import main
from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.runs.state import run_state
from inceptionctl.training.checkpoint import Checkpoint, write
from inceptionctl.worker.lock import acquire


def save(run, *steps, best=None):
    for step in steps:
        state = {"step": step, "progress": {"best": [best, 40.0] if best else None}}
        write(run.checkpoints, Checkpoint({"model": {"w": torch.ones(100)}}, state), keep=len(steps))


def listed(*words, capsys):
    assert main([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def files(outputs):
    return {str(path.relative_to(outputs)) for path in outputs.rglob("*") if path.is_file()}


@pytest.fixture
def outputs(tmp_path):
    return tmp_path / "outputs"


@pytest.fixture
def run(outputs):
    made = finished_run(outputs, wrong=20)
    save(made, 10, 20, 30, 40, best=20)
    (made.checkpoints / ".step-00000050").mkdir()
    return made


@pytest.fixture
def unfinished(outputs):
    made = finished_run(outputs, wrong=20, seed=1)
    save(made, 10, 20)
    made.result.unlink()
    return made


def test_nothing_goes_without_yes(outputs, run, capsys):
    before = files(outputs)
    assert main([str(outputs)]) == 0
    assert files(outputs) == before
    assert capsys.readouterr().out.splitlines()[-1].endswith(f"inceptionctl clean --yes {outputs}")


def test_the_newest_and_the_best_checkpoint_stay(outputs, run):
    before = files(outputs)
    assert main([str(outputs), "--yes"]) == 0
    gone = {f"train/{run.path.name}/checkpoints/step-000000{step}/{name}" for step in (10, 30)
            for name in ("model.safetensors", "state.json", "manifest.json")}  # fmt: skip
    assert before - files(outputs) == gone
    assert not (run.checkpoints / ".step-00000050").exists()
    assert run_state(run).state == "done"


def test_sizes_are_those_of_the_files(outputs, run, capsys):
    (found,) = listed(outputs, "--all", capsys=capsys)["runs"]
    assert found["bytes"] == sum(path.stat().st_size for path in run.checkpoints.rglob("*") if path.is_file())


def test_all_leaves_results_and_no_checkpoint(outputs, run):
    before = files(outputs)
    assert main([str(outputs), "--yes", "--all"]) == 0
    assert files(outputs) == {name for name in before if "/checkpoints/" not in name}
    assert run_state(run).state == "done"


def test_an_unfinished_run_is_left_alone_and_said_to_be(outputs, run, unfinished, capsys):
    found = listed(outputs, "--yes", "--all", capsys=capsys)
    assert [one["run"] for one in found["runs"]] == [str(run.path)]
    assert found["left_alone"] == [
        {"run": str(unfinished.path), "reason": "new: name its folder to clean it all the same"}
    ]
    assert len(list(unfinished.checkpoints.iterdir())) == 2


def test_an_unfinished_run_that_is_named_keeps_what_it_continues_from(unfinished):
    assert main([str(unfinished.path), "--yes"]) == 0
    assert [path.name for path in unfinished.checkpoints.iterdir()] == ["step-00000020"]


@pytest.mark.parametrize("named", [True, False])
def test_a_run_in_progress_is_never_touched(outputs, unfinished, named, capsys):
    with acquire(unfinished):
        if named:
            with pytest.raises(RequestError, match="is running\n  stop it first: inceptionctl cancel"):
                main([str(unfinished.path), "--yes", "--all"])
        else:
            found = listed(outputs, "--yes", "--all", capsys=capsys)
            assert found == {**found, "runs": [], "left_alone": [{"run": str(unfinished.path), "reason": "running"}]}
    assert len(list(unfinished.checkpoints.iterdir())) == 2


def test_older_checkpoints_stay_where_the_newest_is_damaged(run, capsys):
    newest = run.checkpoints / "step-00000040" / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.raises(InceptionctlError, match="1 run of 1 could not be cleaned"):
        main([str(run.path), "--yes"])
    assert "model.safetensors does not match its checksum" in capsys.readouterr().err
    assert len(list(run.checkpoints.glob("step-*"))) == 4


def test_a_checkpoint_that_is_a_link_is_somebody_elses(run, tmp_path):
    elsewhere = (run.checkpoints / "step-00000010").rename(tmp_path / "elsewhere")
    (run.checkpoints / "step-00000010").symlink_to(elsewhere)
    assert main([str(run.path), "--yes", "--all"]) == 0
    assert len(list(elsewhere.iterdir())) == 3


def test_a_folder_without_runs_is_a_wrong_request(tmp_path):
    with pytest.raises(RequestError, match="there is no run in"):
        main([str(tmp_path)])
