"""Whole runs through the command line: a run, one that is interrupted and resumed, a table and its report."""

from __future__ import annotations

import json
import re
import signal
from dataclasses import replace

import numpy as np
import PIL
import pytest
import torch
import yaml
from PIL import Image
from support.command_line import SHORT, TINY, call_here, latest
from support.runs import assert_same_end, at_step, last_checkpoint, only, predictions, result, rows, start, wait_for

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.loader import Loader
from inceptionctl.evaluation.evaluate import Method, Network, evaluate
from inceptionctl.models.zoo.registry import ARCHITECTURES
from inceptionctl.planning.plan import plan
from inceptionctl.runs.evaluations import read_evaluation
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Environment, ExitStatus
from inceptionctl.runs.state import is_locked
from inceptionctl.training.loop import Callbacks, in_micro_batches, train
from inceptionctl.worker.assemble import make_step, open_images

TABLE = ["ablate", "seeds=1", *TINY]
SMALL = latest(*TINY, "train.epochs=0.6")


def test_a_run_leaves_its_folder(inceptionctl_here, tmp_path):
    words = ["train", "arch=inception_v2", "ablation=[label_smoothing,bn_auxiliary]", "data=digits", *SHORT]
    done = inceptionctl_here(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    run = only(tmp_path, "outputs/train/*-0")
    found = result(run)
    assert run.name == f"{found.identity}-0"
    assert {one.weights: one.n_images for one in found.evaluations} == {"ema": 360, "raw": 360}
    assert {one.file for one in found.evaluations} == {f"evaluations/test.whole.{w}.json" for w in ("ema", "raw")}
    frozen = yaml.safe_load((run / "config.yaml").read_text())
    assert (frozen["loss"]["label_smoothing"], frozen["arch"]["aux"]["norm"]) == (0.1, True)
    assert read_record(run / "env.json", Environment).threads == 1
    assert read_record(run / "exit.json", ExitStatus).code == 0
    assert 100 * (1 - predictions(run).correct_N.mean()) == pytest.approx(found.evaluation("ema").top1_error)
    steps = [row["step"] for row in rows(run) if row["kind"] == "train"]
    assert steps == sorted(set(steps))
    assert last_checkpoint(run).name == f"step-{steps[-1]:08d}"

    again = inceptionctl_here(*words)
    assert "already finished" in again.stdout
    assert len(list(tmp_path.glob("outputs/train/*"))) == 1
    plan = json.loads(inceptionctl_here(*words, "--dry-run", "--json").stdout)
    assert (plan["state"], plan["folder"], plan["device_hours"]) == ("done", str(run), 0)


@pytest.fixture(scope="module")
def tabled(tmp_path_factory):
    """A table of one seed, run once for the tests that look at it: (folder, what the command printed)."""
    where = tmp_path_factory.mktemp("table")
    done = call_here(*TABLE, cwd=where)
    assert done.returncode == 0, done.stdout + done.stderr
    return where, done


@pytest.mark.slow
def test_an_interrupted_run_ends_where_the_uninterrupted_one_does(inceptionctl, tmp_path):
    """Ctrl-C in the middle of an epoch, then `resume`; RMSProp, dropout, auxiliary head and average all have state."""
    words = latest("ablation=[rmsprop]", *SMALL, "train.epochs=3.5")
    assert inceptionctl("train", "outputs=whole", *words).returncode == 0
    whole = only(tmp_path, "whole/train/*-0")

    process = start(tmp_path, "train", "outputs=cut", *words)
    at_step(20, tmp_path / "cut")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 130, output
    cut = only(tmp_path, "cut/train/*-0")
    assert not (cut / "result.json").exists()
    saved_at = int(last_checkpoint(cut).name.removeprefix("step-"))
    assert 20 <= saved_at < 154
    assert saved_at % 44, "the interruption was to fall inside an epoch"

    resumed = inceptionctl("resume", str(cut))
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert_same_end(cut, whole)
    assert "nothing to resume" in inceptionctl("resume", str(cut)).stdout


@pytest.mark.slow
def test_a_killed_run_goes_back_to_its_last_checkpoint(inceptionctl, tmp_path):
    words = latest(*SMALL, "train.epochs=1.5")
    assert inceptionctl("train", "outputs=whole", *words).returncode == 0
    process = start(tmp_path, "train", "outputs=cut", *words)
    wait_for(lambda: list(tmp_path.glob("cut/train/*/checkpoints/step-00000044")))
    at_step(50, tmp_path / "cut")
    process.kill()
    process.wait()
    process.stdout.close()
    cut = only(tmp_path, "cut/train/*-0")
    wait_for(lambda: not is_locked(RunDir(cut)), seconds=200)  # its worker ends, too
    done = inceptionctl("train", "outputs=cut", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"{cut.relative_to(tmp_path)}: to continue from step \d+ of 66\n", done.stdout)
    assert_same_end(cut, only(tmp_path, "whole/train/*-0"))


def test_a_table_runs_and_reports(inceptionctl_here, tabled):
    where, done = tabled
    table = where / "outputs" / "inception_v3"
    assert len(list(table.glob("*/result.json"))) == 8
    for name in ("report.md", "report.csv", "report.json", "ladder.svg", "ladder.png", "curves.svg", "curves.png"):
        assert (table / name).stat().st_size > 500, name
    for label, paper in [("GoogLeNet", "29.0"), ("Inception-v2", "23.4"), ("BN-auxiliary", "21.2")]:
        line = next(line for line in done.stdout.splitlines() if label in line and paper in line)
        assert "(1 seed)" in line
    assert "directions at most" in done.stdout
    assert inceptionctl_here("report", cwd=where).stdout.splitlines()[0] in done.stdout


def test_finished_cells_are_skipped(inceptionctl_here, tabled):
    where, _ = tabled
    assert "8 done, 0 to run" in inceptionctl_here(*TABLE, cwd=where).stdout
    more = inceptionctl_here("ablate", "seeds=[0,7]", "--dry-run", *TINY, cwd=where)
    assert more.stdout.count("  done, error") == 8
    assert more.stdout.count("  to run") == 8


def test_a_run_dir_of_another_run_is_refused(inceptionctl_here, tabled):
    where, _ = tabled
    theirs = next(where.glob("outputs/inception_v3/*-0"))
    before = sorted(where.rglob("*"))
    done = inceptionctl_here("train", "seed=9", f"run_dir={theirs}", cwd=where)
    assert done.returncode == 2
    assert "belongs to another run" in done.stderr
    assert sorted(where.rglob("*")) == before


def test_a_failed_cell_is_reported_at_once_and_the_others_go_on(inceptionctl_here, tabled):
    """Two cells find a damaged checkpoint in their folders, as a broken disk would leave it; the others are sound."""
    where, _ = tabled
    runs = sorted(path.parent for path in where.glob("outputs/inception_v3/*/result.json"))
    for run in runs[:2]:
        (run / "result.json").unlink()
        (last_checkpoint(run) / "state.json").write_text("{}")
    (runs[2] / "result.json").unlink()
    done = inceptionctl_here(*TABLE, cwd=where)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    logs = [where / line.split("log: ")[1] for line in lines if "  log: " in line]
    assert sorted(log.parent.parent for log in logs) == runs[:2]
    assert all("every checkpoint" in log.read_text() for log in logs)
    assert "2 of 3 failed" in done.stderr
    assert (runs[2] / "result.json").exists()


def test_a_sweep_runs_every_setting(inceptionctl_here, tmp_path):
    done = inceptionctl_here("train", "-m", "seed=0,1", *TINY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {result(run).seed for run in tmp_path.glob("outputs/train/*-0")} == {0, 1}


def test_images_in_folders_are_trained_on_once_and_evaluated_by_each_protocol(inceptionctl_here, tmp_path):
    for split, count in (("train", 6), ("val", 2)):
        for kind in ("dark", "light"):
            (tmp_path / "images" / split / kind).mkdir(parents=True)
            for i in range(count):
                shade = (40 if kind == "dark" else 200) + i
                Image.new("RGB", (100, 90), (shade,) * 3).save(tmp_path / "images" / split / kind / f"{i}.jpg")
    images = ["data=imagefolder", "data.root=images", "augment=inception_crop", "data.workers=1"]
    words = ["train", *images, *latest(*SHORT, "train.batch_size=4", "train.epochs=2")]
    done = inceptionctl_here(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{tmp_path}/images/train and {tmp_path}/images/val" in done.stdout
    found = read_evaluation(only(tmp_path, "outputs/train/*/evaluations/test.whole.ema.json"))
    assert found.n_images == 4
    assert found.protocol.decoder.startswith(f"pillow {PIL.__version__}, simplejpeg ")
    assert found.protocol.resizer == f"pillow {PIL.__version__}"
    trained_with = result(only(tmp_path, "outputs/train/*-0"))
    assert trained_with.decoder == found.protocol.decoder
    assert trained_with.resizer.startswith(f"torch {torch.__version__} (bilinear; uint8, antialiased, ")
    assert found.image_set.digest is not None

    run, other = only(tmp_path, "outputs/train/*-0"), [*words, "protocol.crop=0.5"]
    trained = last_checkpoint(run).stat().st_mtime_ns
    assert "to evaluate" in inceptionctl_here(*other, "--dry-run").stdout
    assert inceptionctl_here(*other).returncode == 0
    assert (only(tmp_path, "outputs/train/*-0"), last_checkpoint(run).stat().st_mtime_ns) == (run, trained)
    assert read_evaluation(run / "evaluations/test.whole.ema.json") == found
    assert read_evaluation(only(run, "evaluations/test.single-*.ema.json")).protocol.crop == 0.5
    assert "already finished" in inceptionctl_here(*other).stdout


def error_on_digits(arch: str, shuffled: bool) -> float:
    """Top-1 error of a network on clean digits by the default recipe, with its training labels shuffled or not."""
    made = plan(parse(compose("train", ["data=digits", f"arch={arch}"])))
    step = make_step(made, torch.device("cpu"))
    splits = open_images(made)
    images, eval_images = splits.train, splits.eval
    if shuffled:
        labels_N = np.random.default_rng(0).permutation(images.labels_N)
        images = replace(images, scans=replace(images.scans, classes_N=labels_N))
    batches = Loader().training(images, made.config.train.batch_size, 0, range(made.clock.steps))
    train(step, made.schedule, made.clock, in_micro_batches(batches, 1), Callbacks())
    method = Method(labels_NL=eval_images.labels_N[:, None], n_classes=10, batch_size=60)
    held_out = Loader().evaluation(eval_images, method.batches)
    return evaluate([Network(step.ema.module, step.to_device)], held_out, method).error(1)


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["inception_resnet_v1", "googlenet"])
def test_clean_digits_are_learned(arch):
    """Residual blocks; no batch norm, at its own learning rate and length. Inception-v2: test_reference_runs."""
    assert error_on_digits(arch, shuffled=False) < 10


@pytest.mark.slow
def test_shuffled_labels_are_not():
    assert error_on_digits("inception_v2", shuffled=True) > 80


@pytest.mark.slow
def test_every_network_goes_through_the_command_line(inceptionctl, tmp_path):
    """The family's table, each network small and for a few steps: trained, evaluated, kept and reported."""
    done = inceptionctl("ablate", "table=family", "seeds=1", *latest(*TINY, "train.epochs=0.1"))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert {result(run).arch for run in tmp_path.glob("outputs/family/*-0")} == set(ARCHITECTURES)
    report = json.loads((tmp_path / "outputs/family/report.json").read_text())
    assert report["rungs"] == []
    assert [row["paper"]["top1_error"] for row in report["rows"] if row["label"] == "Xception"] == [21.0]
