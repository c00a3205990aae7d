"""`eval` on the command line: what is asked for, refused, found again, printed. The work itself: tests/worker."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from support.command_line import SHORT, latest
from support.image_folders import fill
from support.runs import launched, only, result

from inceptionctl.cli import main
from inceptionctl.models.torch.build import build
from inceptionctl.models.zoo.registry import network
from inceptionctl.runs.evaluations import read_evaluation, read_predictions
from inceptionctl.runs.paths import RunDir

SMALL = ["scale=imagefolder", "arch=mobilenet_v1", "arch.pixels=32", "arch.width=0.1", "data.workers=0",
         "train.batch_size=4", "train.monitor=4", "train.bn_batch_size=null"]  # fmt: skip
NETWORK = ["arch=mobilenet_v1", "arch.pixels=32", "data.workers=0", "launch.device=cpu", "launch.threads=1"]
CPU = ["data.workers=0", "launch.device=cpu", "launch.threads=1"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with images, weights of a network with 1000 classes, and a finished run on three classes."""
    folder = tmp_path_factory.mktemp("eval")
    fill(folder / "images" / "train")
    fill(folder / "images" / "val", count=3)
    fill(folder / "wordnet", ("n01440764", "n01443537"), count=2)
    torch.manual_seed(0)
    save_file(build(network("mobilenet_v1"), (32, 32)).state_dict(), folder / "w.safetensors")
    words = latest(*SHORT, *SMALL, "train.epochs=1")
    words = [word for word in words if not word.startswith("arch.width")]
    code, said = launched("train", *words, "arch.width=0.1", f"data.root={folder}/images", f"outputs={folder}/outputs",
                          "launch.device=cpu")  # fmt: skip
    assert code == 0, said
    return folder


@pytest.fixture
def here(place, monkeypatch):
    monkeypatch.chdir(place)
    return place


def run_of(place: Path) -> Path:
    return only(place / "outputs", "train/*-0").relative_to(place)


def said_by(capsys, *words: str) -> tuple[int, str]:
    code = main(["eval", *words])
    found = capsys.readouterr()
    return code, found.out + found.err


WRONG = [
    ([], "eval needs run=DIR, or arch=NAME and weights="),
    (["run=RUN", "weights=timm"], "weights=timm: of run="),
    (["run=RUN", "weights=best-ema"], "chose no checkpoint"),
    (["run=RUN", "arch=inception_v3"], "is the one that was trained"),
    (["run=RUN", "arch.width=0.5"], "is the one that was trained"),
    (["run=RUN", "weights_key=model"], "is the one that was trained"),
    (["run=RUN", "train.epochs=2"], "train.epochs is for training"),
    (["run=RUN", "scale=imagenet"], "scale is for training"),
    (["run=RUN", "optim=rmsprop"], "optim is for training"),
    (["run=RUN", "ablation=[label_smoothing]"], "ablation is for training"),
    (["run=RUN", "launch.accumulation_steps=2"], "launch.accumulation_steps=2 has no effect on an evaluation"),
    (["run=RUN", "launch.jobs=2"], "launch.jobs=2 has no effect on an evaluation"),
    (["run=RUN", "protocol=crops11"], "Did you mean crops"),
    (["run=RUN", "protocol.crops=3"], "unknown setting 'protocol.crops'"),
    (["run=RUN", "protocol=crops144", "protocol.crop=0.9"], "protocol.crop is a setting of protocol="),
    (["run=RUN", "protocol=torchvision", "protocol.resize=16"], "protocol.resize = 16"),
    (["run=[RUN,RUN]"], "is named twice"),
    (["run=nothing"], "is not a run folder"),
    (["run=images"], "is not a run folder"),
    (["run=RUN", "data.root=wordnet"], "n01440764"),
    (["run=RUN", "data.root=nothing"], "nothing"),
    (["run=RUN", "images.keep=nothing.txt"], "nothing.txt"),
    (["run=RUN", "images.leave_out=blacklist"], "blacklist"),
    (["run=RUN", "images.labels=real"], "ImageNet"),
    (["run=RUN", "images.labels=reel"], "images.labels"),
    (["run=RUN", "batch_size=0"], "batch_size = 0"),
    (["run=RUN", "details=yes"], "details"),
    (["weights=w.safetensors", "data.root=wordnet"], "needs arch=NAME"),
    (["arch=mobilenet_v1", "weights=w.safetensors"], "needs images"),
    (["arch=mobilenet_v1", "weights=nothing.pth", "data.root=wordnet"], "nothing.pth"),
    (["arch=inception_v4", "weights=w.safetensors", "data.root=wordnet"], "do not fit"),
    (["arch=mobilenet_v1", "weights=ema", "data.root=wordnet"], "weights=ema is of a run"),
    (["arch=mobilenet_v1", "weights=w.safetensors", "data.root=images/val"], "'cat'"),
    (["--list-crops"], "--list-crops needs a value"),
    (["--draw-crops", "a.png"], "--draw-crops needs the image"),
    (["--list-crops", "a.png", "run=RUN"], "run has no effect on --list-crops"),
    (["--list-crops", "nothing.png"], "nothing.png"),
    (["--json", "--json"], "--json is given twice"),
]


@pytest.mark.parametrize(("words", "expected"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_a_wrong_request_ends_with_one_message_and_leaves_nothing(words, expected, here, capsys):
    before = sorted(here.rglob("*"))
    code, said = said_by(capsys, *(word.replace("RUN", str(run_of(here))) for word in words))
    assert code == 2, said
    assert expected in said
    assert said.startswith("inceptionctl: ")
    assert said.count("inceptionctl: ") == 1
    assert "Traceback" not in said
    assert sorted(here.rglob("*")) == before


def test_a_request_is_planned_without_torch(here):
    words = ["run=" + str(run_of(here)), "protocol=crops144", "--dry-run", "--json"]
    code = (
        f"import sys; from inceptionctl.cli import main; code = main(['eval', *{words!r}]); "
        "sys.exit(code or 'torch' in sys.modules)"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert (plan["n_images"], plan["views"], plan["finished"]) == (9, 144, None)
    assert not (here / plan["folder"]).exists()


def test_what_training_has_evaluated_is_found_and_not_repeated(here, capsys):
    before = sorted(here.rglob("*"))
    code, said = said_by(capsys, f"run={run_of(here)}")
    assert code == 0, said
    assert "already evaluated" in said
    assert sorted(here.rglob("*")) == before


def test_another_protocol_adds_a_record_to_the_run_and_is_then_found(here):
    run, words = RunDir(run_of(here).absolute()), ["protocol=crops10", *CPU]
    before = result(run.path)
    code, said = launched("eval", f"run={run.path}", *words)
    assert code == 0, said
    after = result(run.path)
    assert after.evaluations[: len(before.evaluations)] == before.evaluations
    (added,) = after.evaluations[len(before.evaluations) :]
    assert (added.protocol, added.weights, added.n_images, added.top5_error) == ("crops10", "ema", 9, None)
    record = read_evaluation(run.path / added.file)
    assert (record.protocol.crops, record.protocol.averaging, record.protocol.settings["resize"]) == (10, "softmax", 37)
    assert read_predictions(run.path / added.file, record).path_N is not None
    code, said = launched("eval", f"run={run.path}", *words)
    assert code == 0
    assert "already evaluated" in said
    code, said = launched("eval", f"run={run.path}", "protocol=crops10", "protocol.averaging=logits", *CPU)
    assert code == 0
    assert "already evaluated" not in said
    assert len(result(run.path).evaluations) == len(after.evaluations) + 1


def test_weights_of_a_file_on_a_folder_of_labelled_images(here, tmp_path):
    words = ["weights=w.safetensors", *NETWORK, "data.root=wordnet", f"outputs={tmp_path}", "probabilities=true"]
    code, said = launched("eval", *words, "--json")
    assert code == 0, said
    assert "matched by WordNet id to 2 of the 1,000 classes" in said
    made = only(tmp_path, "eval/*-0")
    record = read_evaluation(made / "evaluation.json")
    found = read_predictions(made / "evaluation.json", record)
    assert found.label_N.tolist() == [0, 0, 1, 1]
    assert found.p_NK is not None
    assert found.p_NK.shape == (4, 1000)
    assert record.members[0].sha256
    code, said = launched("eval", *words)
    assert code == 0
    assert "already evaluated" in said


def test_an_ensemble_of_one_network_twice_is_that_network(here, tmp_path):
    run = run_of(here)
    copy = tmp_path / "outputs" / "train" / run.name
    shutil.copytree(run, copy)
    words = ["protocol=single", *CPU, f"outputs={tmp_path}"]
    code, said = launched("eval", f"run=[{run},{copy}]", *words)
    assert code == 0, said
    record = read_evaluation(only(tmp_path, "eval/*-0") / "evaluation.json")
    alone = read_evaluation(run / "evaluations" / "test.single.ema.json")
    assert (record.n_images, record.top1_error, len(record.members)) == (9, alone.top1_error, 2)
    assert [one.top1_error for one in record.alone] == [alone.top1_error] * 2


def test_status_lists_evaluations_and_resume_names_the_command(here, capsys, tmp_path):
    code, said = launched("eval", "weights=w.safetensors", *NETWORK, "data.root=wordnet", f"outputs={tmp_path}")
    assert code == 0, said
    made = only(tmp_path, "eval/*-0")
    assert main(["status", str(tmp_path), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["runs"]
    assert (row["state"], row["cell"]) == ("done", f"eval/{made.name}")
    assert main(["resume", str(made)]) == 2
    assert "the same `inceptionctl eval` goes on with it" in capsys.readouterr().err
    assert main(["predict", f"run={made}", "a.png"]) == 2
    assert main(["eval", f"run={made}"]) == 2
    assert "has no network" in capsys.readouterr().err


def test_crops_are_listed_and_drawn(tmp_path, capsys):
    Image.new("RGB", (400, 300)).save(tmp_path / "a.png")
    words = ["protocol=crops12", "arch=googlenet", "--list-crops", str(tmp_path / "a.png"), "--json"]
    assert main(["eval", *words, "--draw-crops", str(tmp_path / "crops.png")]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert len(listed["views"]) == 12
    with Image.open(tmp_path / "crops.png") as drawn:
        assert drawn.size[0] > 100


def test_a_drawing_that_cannot_be_written_is_refused_before_anything_is_printed(tmp_path, capsys):
    Image.new("RGB", (400, 300)).save(tmp_path / "a.png")
    (tmp_path / "folder.png").mkdir()
    for name, message in (("folder.png", "not a file"), ("none/a.png", "there is no folder"), ("a.jpg", "end in .png")):
        assert main(["eval", "--list-crops", str(tmp_path / "a.png"), "--draw-crops", str(tmp_path / name)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert message in printed.err
