"""`inceptionctl sync` sends what trackers have not got, says what it did, and refuses what makes no sense."""

from __future__ import annotations

import json
import shutil

import pytest
from support.records import manifest
from support.trackers import RECORDS, ROWS, MemoryTracker, run_with_rows

from inceptionctl.commands.sync import main
from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.trackers import tensorboard, wandb
from inceptionctl.worker.lock import acquire


@pytest.fixture
def stores(monkeypatch):
    """The rows that each run's tracker has, by tracker and run."""
    stores: dict[str, dict[str, MemoryTracker]] = {"tensorboard": {}, "wandb": {}}
    for name, module in (("tensorboard", tensorboard), ("wandb", wandb)):
        kept = stores[name]
        monkeypatch.setattr(
            module.Settings, "open", lambda self, run, kept=kept: kept.setdefault(run.id, MemoryTracker()).open(run)
        )
    return stores


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A table of two runs with trackers, and a run beside it that has none."""
    outputs = tmp_path_factory.mktemp("made") / "outputs"
    run_with_rows(outputs / "mine" / "0123456789ab-0", "tracker=[tensorboard,wandb]")
    run_with_rows(outputs / "mine" / "ba9876543210-0", "tracker=tensorboard", rows=RECORDS[:2])
    run_with_rows(outputs / "train" / "aaaaaaaaaaaa-0")
    write_record(outputs / "mine" / "table.json", manifest())
    (outputs / "mine" / "report.md").write_text("a table")
    return outputs


@pytest.fixture
def outputs(made, tmp_path):
    return shutil.copytree(made, tmp_path / "outputs")


def test_runs_get_what_their_trackers_lack(outputs, stores, capsys):
    assert main([str(outputs)]) == 0
    assert stores["tensorboard"]["0123456789ab-0"].rows == ROWS
    assert stores["wandb"]["0123456789ab-0"].rows == ROWS
    assert stores["tensorboard"]["ba9876543210-0"].rows == ROWS[:2]
    assert stores["tensorboard"]["table-mine"].reports[0].keys() == {"report.md"}
    said = capsys.readouterr().out.splitlines()
    assert [line.removeprefix(f"{outputs}/") for line in said] == [
        "mine/0123456789ab-0: tensorboard sent 6 of 6 rows",
        "mine/0123456789ab-0: wandb sent 6 of 6 rows",
        "mine/ba9876543210-0: tensorboard sent 2 of 2 rows",
        "train/aaaaaaaaaaaa-0: no tracker",
        "mine report: tensorboard sent",
        "mine report: wandb sent",
    ]
    main([str(outputs / "mine"), "--json"])
    sent = json.loads(capsys.readouterr().out)
    assert sent["schema"] == 1
    assert {one["outcome"] for one in sent["sent"]} == {"up to date"}


def test_one_that_fails_is_tried_again(outputs, stores, capsys):
    stores["wandb"]["0123456789ab-0"] = MemoryTracker(fails="write", at=2)
    with pytest.raises(InceptionctlError, match="failed; the same command tries again"):
        main([str(outputs / "mine" / "0123456789ab-0")])
    captured = capsys.readouterr()
    assert "wandb failed" in captured.out
    assert captured.err.count("no route") == 1
    stores["wandb"]["0123456789ab-0"].fails = ""
    assert main([str(outputs / "mine" / "0123456789ab-0")]) == 0
    assert stores["wandb"]["0123456789ab-0"].rows == ROWS


def test_runs_are_sent_to_a_tracker_that_they_did_not_have(outputs, stores, capsys):
    run = str(outputs / "train" / "aaaaaaaaaaaa-0")
    assert main([run, "--tracker", "wandb", "tracker.wandb.project=mine", "tracker.wandb.mode=offline"]) == 0
    assert stores["wandb"]["aaaaaaaaaaaa-0"].rows == ROWS
    assert "wandb sent 6 of 6 rows" in capsys.readouterr().out


def test_a_run_in_progress_is_left_to_its_process(outputs, stores, capsys):
    run = RunDir(outputs / "mine" / "0123456789ab-0")
    with acquire(run):
        main([str(run.path)])
    assert "running" in capsys.readouterr().out
    assert stores["wandb"] == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "there is no run in nowhere"),
        (["a", "b"], "one folder"),
        (["--tracker", "wand"], "Did you mean wandb"),
        (["tracker.wandb.project=x"], "no effect without --tracker"),
        (["--tracker", "wandb", "seed=1"], "sync takes settings of trackers"),
        (["--tracker", "wandb", "tracker.wandb.projct=x"], "Did you mean tracker.wandb.project=x"),
    ],
)
def test_wrong_requests(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=message):
        main(words)
