"""Trackers get the rows of metrics.jsonl, each once, and a table's report; what they kept is read by their own
readers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.trackers import RECORDS, ROWS, history, run_with_rows, scalars

from inceptionctl.config.compose import compose, groups
from inceptionctl.config.validate import parse, parse_frozen
from inceptionctl.errors import RequestError
from inceptionctl.runs.tracked_report import log_report
from inceptionctl.runs.tracking import Feed, keep_at_most, tracked_run
from inceptionctl.scheduling.progress import describe
from inceptionctl.trackers import tensorboard, trackio, wandb
from inceptionctl.trackers.base import TrackedRun, values
from inceptionctl.trackers.settings import NAMES

OFFLINE = wandb.Settings(name="wandb", project="inceptionctl", entity=None, mode="offline")
TENSORBOARD = tensorboard.Settings(name="tensorboard")
TRACKIO = trackio.Settings(name="trackio", project="ours")
KEY = "0123456789" * 4


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "table" / "0123456789ab-0"
    folder.mkdir(parents=True)
    return TrackedRun(folder=folder, id=folder.name, label="a row, seed 0", group="table", config={"seed": 0})


def feed(run, settings, records, *, close=True):
    def fail(said):
        raise AssertionError(said)

    made = Feed(settings.name, settings, run, fail)
    made.open(records)
    if close:
        made.close()
    return made


def test_every_tracker_has_an_option_of_its_name():
    assert groups("train")["tracker"] == sorted(["none", *NAMES])


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ([], []),
        (["tracker=[]"], []),
        (["tracker=wandb"], ["wandb"]),
        (["tracker=[wandb,tensorboard,trackio]"], ["tensorboard", "wandb", "trackio"]),
    ],
)
def test_any_combination_of_trackers(words, chosen):
    assert [*parse(compose("train", words)).tracker.chosen] == chosen


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tracker=[wandb,none]"], "none goes with no other option"),
        (["tracker=[wandb,wandb]"], "named twice"),
        (["tracker=[wandb,tensorbord]"], "Did you mean tensorboard"),
        (["tracker=wandb", "tracker=tensorboard"], r"tracker=\[A,B\] for both"),
        (["tracker=wandb", "tracker.mode=offline"], "Did you mean tracker.wandb.mode=offline"),
        (["tracker=tensorboard", "tracker.wandb.mode=offline"], "a setting of tracker=wandb, which is not chosen"),
        (["tracker=wandb", "tracker.wandb.mode=on"], "'online', 'offline' or 'disabled'"),
        (["tracker=wandb", "tracker.wandb.name=x"], "follows from the option"),
    ],
)
def test_wrong_choices(words, message):
    with pytest.raises(RequestError, match=message):
        parse(compose("train", words))


def test_runs_from_before_trackers_were_a_list_are_read():
    tree = compose("train", [])
    older = {"name": "wandb", "project": "p", "mode": "offline"}
    assert parse_frozen(tree | {"tracker": {"name": "none"}}).tracker.chosen == {}
    assert parse_frozen(tree | {"tracker": {"name": "tensorboard"}}).tracker.chosen == {"tensorboard": TENSORBOARD}
    assert parse_frozen(tree | {"tracker": older}).tracker.chosen == {"wandb": replace(OFFLINE, project="p")}


def test_checks_choices_and_final_errors_have_names_of_their_own():
    errors = {key: value for row in ROWS for key, value in values(row).items() if key.endswith("/top1_error")}
    assert errors == {"ema/monitor/top1_error": 12.5, "ema/selection/top1_error": 10.0, "ema/final/top1_error": 11.0}
    assert not [key for row in ROWS for key in values(row) if key.endswith(("/schema", "/step"))]


def test_a_run_is_told_apart_by_identity_and_attempt(tmp_path):
    run = run_with_rows(tmp_path / "mine" / "0123456789ab-3", "tracker=none")
    other = run_with_rows(tmp_path / "mine" / "my run", "tracker=none")
    config = parse(compose("train", ["name=mine"]))
    told = tracked_run(run, config)
    assert (told.id, told.group, told.label) == ("0123456789ab-3", "mine", "inception_v2, seed 0")
    assert tracked_run(other, config).id.endswith("-my-run")


def test_tensorboard_shows_each_step_once_after_a_run_went_back(run):
    """Killed after step 30 before that was noted, and resumed from step 10; then back to step 20 in one process."""

    def rows(*steps, loss):
        return [replace(RECORDS[0], step=step, loss=loss) for step in steps]

    feed(run, TENSORBOARD, rows(10, loss=1.0))
    note = (run.folder / "trackers" / "tensorboard.json").read_text()
    feed(run, TENSORBOARD, rows(10, 20, 30, loss=1.0))
    (run.folder / "trackers" / "tensorboard.json").write_text(note)
    resumed = feed(run, TENSORBOARD, [*rows(10, loss=1.0), *rows(20, 30, loss=2.0)], close=False)
    resumed.announce_rewind()
    keep_at_most(run.folder, 2)
    resumed.rewind([*rows(10, loss=1.0), *rows(20, loss=2.0)])
    for row in rows(30, 40, loss=3.0):
        resumed.add(row)
    resumed.close()
    assert scalars(run.folder, "train/loss") == [(10, 1.0), (20, 2.0), (30, 3.0), (40, 3.0)]


def test_tensorboard_gets_the_rest_of_a_step_that_it_had_a_part_of(run):
    for number in range(1, len(RECORDS) + 1):
        feed(run, TENSORBOARD, RECORDS[:number])
    assert scalars(run.folder, "train/loss") == [(10, 2.5), (20, 2.0)]
    assert scalars(run.folder, "ema/final/top1_error") == [(20, 11.0)]
    assert scalars(run.folder, "optimizer/inv_rms_p1") == [(20, 0.25)]


def test_tensorboard_shows_a_tables_report(tmp_path):
    from PIL import Image
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    files = {name: tmp_path / name for name in ("report.md", "ladder.png", "ladder.svg")}
    files["report.md"].write_text("| row | error |")
    files["ladder.svg"].write_text("<svg/>")
    Image.new("RGBA", (4, 3)).save(files["ladder.png"])
    assert log_report({"tensorboard": TENSORBOARD}, tmp_path, files, pytest.fail) == {"tensorboard": "sent"}
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert b"| row | error |" in events.Tensors("report.md/text_summary")[0].tensor_proto.string_val[0]
    assert [(image.width, image.height) for image in events.Images("ladder.png")] == [(4, 3)]


def test_wandb_keeps_the_rows_in_the_run_folder_and_no_key(run, monkeypatch, tmp_path):
    """Two sessions, of which the first one's end was not noted, as if it was killed; keys in the environment and in
    ~/.netrc."""
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".netrc").write_text(f"machine api.wandb.ai\n  login user\n  password {KEY[::-1]}\n")
    feed(run, OFFLINE, RECORDS[:3])
    (run.folder / "trackers" / "wandb.json").unlink()
    feed(run, OFFLINE, RECORDS)
    assert history(run.folder) == [{**values(row), "step": row["step"]} for row in ROWS]
    files = [path for path in run.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".wandb" for path in files)
    assert not [path for path in files if KEY.encode() in path.read_bytes() or KEY[::-1].encode() in path.read_bytes()]


def test_wandb_keeps_a_tables_report_as_an_artifact(tmp_path):
    files = {name: tmp_path / name for name in ("report.md", "ladder.svg")}
    for path in files.values():
        path.write_text(path.name)
    assert log_report({"wandb": OFFLINE}, tmp_path, files, pytest.fail) == {"wandb": "sent"}
    (log,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    (artifact,) = [record["artifact"] for record in wandb.read_log(log) if record["type"] == "artifact"]
    assert artifact["type"] == "report"
    contents = artifact["manifest"]["contents"]
    assert {one["path"] for one in contents} == files.keys()
    assert all(one["local_path"].startswith(str(tmp_path)) for one in contents)


def test_wandb_that_is_disabled_writes_nothing(run):
    feed(run, replace(OFFLINE, mode="disabled"), RECORDS)
    assert [*run.folder.iterdir()] == []


def test_trackio_gets_the_rows_and_reports(run, tmp_path, monkeypatch):
    """Two sessions, of which the first one's end was not noted."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    trackio = pytest.importorskip("trackio", reason="trackio is an extra: pip install 'inceptionctl[trackio]'")
    feed(run, TRACKIO, RECORDS[:2])
    (run.folder / "trackers" / "trackio.json").unlink()
    feed(run, TRACKIO, RECORDS)
    logs = trackio.SQLiteStorage.get_logs("ours", run.id)
    rows = [(log["step"], {key: value for key, value in log.items() if "/" in key}) for log in logs]
    assert rows == [(row["step"], values(row)) for row in ROWS]
    files = {"report.md": tmp_path / "report.md"}
    files["report.md"].write_text("a table")
    assert log_report({"trackio": TRACKIO}, run.folder.parent, files, pytest.fail) == {"trackio": "sent"}
    assert [(one["name"], one["type"]) for one in trackio.SQLiteStorage.get_artifacts("ours")] == [
        ("report-table-table", "report")
    ]
    assert (tmp_path / "trackio").is_dir()


def test_the_console_describes_every_kind_of_row():
    assert [describe(row) for row in RECORDS[1:5:3]] == ["loss 2.00, 100 images/s", "1/sqrt(v+eps) 0.5"]
    assert describe(RECORDS[2]) == "error 12.5 % (averaged)"


def test_the_console_says_which_weights_were_evaluated():
    """A run ends with the error of the averaged weights and that of the last: no regression."""
    final = replace(RECORDS[2], purpose="final", top1_error=13.0)
    said = [describe(replace(final, weights=name)) for name in ("ema", "raw", "best-raw")]
    assert said == ["error 13.0 % (averaged)", "error 13.0 % (last weights)", "error 13.0 % (best checkpoint)"]
    assert describe(replace(RECORDS[2], purpose="selection")).startswith("dev error 12.5 %")


@pytest.mark.parametrize("folder", ["wandb", ".wandb"])
def test_wandb_obeys_no_settings_of_the_current_folder(folder, run, tmp_path, monkeypatch):
    """They could send the user's key to a server of their own."""
    import wandb as library

    monkeypatch.chdir(tmp_path)
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "settings").write_text("[default]\nbase_url = http://stranger.example\nproject = theirs\n")
    feed(run, OFFLINE, RECORDS, close=False).close()
    assert "stranger" not in library.setup().settings.base_url
    library.teardown()
    assert len(history(run.folder)) == len(ROWS)
