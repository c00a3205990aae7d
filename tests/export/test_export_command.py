"""`inceptionctl export` from a finished run: folder, model card, refusals."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from PIL import Image
from safetensors.torch import load_file
from support.command_line import call_here
from support.exported import WHOLE, run_with_weights
from support.runs import last_checkpoint

from inceptionctl.cli import main
from inceptionctl.export.registry import FORMATS


@pytest.fixture(scope="module")
def where(tmp_path_factory):
    """A folder with a finished run, `run`, of a network that timm has; and what is no run."""
    folder = tmp_path_factory.mktemp("export")
    run = run_with_weights(folder, "arch=mobilenet_v1", "tuned=none", *WHOLE)
    run.path.rename(folder / "run")
    (folder / "empty").mkdir()
    return folder


@pytest.fixture
def exported(where):
    """Runs the command beside the run, and removes what it wrote."""
    yield lambda *words: call_here("export", *words, cwd=where)
    shutil.rmtree(where / "run" / "export", ignore_errors=True)


def test_what_is_written_is_told_and_checked_on_the_run_s_images(exported, where):
    done = exported("run=run", "format=safetensors")
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert first == "run: mobilenet_v1, 10 classes, weights ema"
    assert second.startswith("compared on 64 images of real digits, jittered, test split: logits differ by at most 0.0")
    assert third.startswith("written: run/export/safetensors: README.md (")
    assert sorted(path.name for path in (where / "run" / "export").iterdir()) == ["safetensors"]


@pytest.mark.parametrize(("weights", "part"), [("ema", "ema"), ("raw", "model")])
def test_weights_are_chosen_as_eval_chooses_them(weights, part, exported, where):
    done = exported("run=run", f"weights={weights}", "format=safetensors", "--json")
    told = json.loads(done.stdout)
    assert (told["schema"], told["weights"], told["format"]) == (1, weights, "safetensors")
    assert told["folder"].endswith("export/safetensors" + ("-raw" if weights == "raw" else ""))
    assert told["comparison"]["disagreements"] == 0
    state = load_file(f"{told['folder']}/model.safetensors")
    of_run = load_file(last_checkpoint(where / "run") / f"{part}.safetensors")
    assert state.keys() == of_run.keys()
    assert all(torch.equal(state[name], of_run[name]) for name in state)


def test_nothing_is_written_over(exported, where):
    assert exported("run=run", "format=safetensors").returncode == 0
    before = (where / "run" / "export" / "safetensors" / "README.md").stat()
    done = exported("run=run", "format=safetensors")
    assert done.returncode == 2
    assert "there is run/export/safetensors already, and nothing is written over" in done.stderr
    assert (where / "run" / "export" / "safetensors" / "README.md").stat() == before


def test_the_model_card_has_the_measured_figures_and_nothing_else(exported, where):
    assert exported("run=run", "format=timm", "license=apache-2.0").returncode == 0
    folder = where / "run" / "export" / "timm"
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    data = ModelCard.load(folder / "README.md").data
    assert (data.license, data.library_name, data.pipeline_tag) == ("apache-2.0", "timm", "image-classification")
    assert {"timm", "mobilenet_v1", "inceptionctl"} <= set(data.tags)
    assert data.datasets is None  # the Hub has no such set
    found = {one.metric_name: one.metric_value for one in data.eval_results}
    assert found == {"Top-1 accuracy": 0.9, "Top-5 accuracy": 0.9}  # of 20 of 200 images, no guess is right
    text = (folder / "README.md").read_text()
    assert "| test of digits | protocol single | 200 | 10.00 % [" in text
    assert "the exponential moving average at the last step" in text
    settings = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    assert settings["seed"] == 0
    assert settings["optim"]["name"] == "momentum"
    assert str(where) not in "".join(path.read_text(errors="replace") for path in folder.iterdir())


def test_a_card_without_a_license_states_none(exported, where):
    assert exported("run=run", "format=safetensors").returncode == 0
    header = (where / "run" / "export" / "safetensors" / "README.md").read_text().split("---")[1]
    assert "license" not in header


def test_other_images_may_be_named(exported, where, tmp_path):
    for k in range(3):
        Image.new("RGB", (90, 80), (40 * k, 200, 100)).save(tmp_path / f"{k}.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "0.png").read_bytes()[:60])
    done = exported("run=run", "format=safetensors", f"images={tmp_path}", f"to={tmp_path}/out")
    assert done.returncode == 0, done.stderr
    assert "compared on 3 images of a folder of 4 image files" in done.stdout
    assert "broken.png cannot be read" in done.stderr
    assert (tmp_path / "out" / "README.md").is_file()


def test_a_file_of_weights_is_exported_and_opened_again(exported, where, tmp_path):
    """What one format writes, another is made of."""
    words = ["arch=mobilenet_v1", "arch.pixels=79"]
    assert exported("run=run", "format=timm").returncode == 0
    file = where / "run" / "export" / "timm" / "model.safetensors"
    done = exported(*words, f"weights={file}", "format=safetensors", f"to={tmp_path}/out")
    assert done.returncode == 0, done.stderr
    assert "by timm names" in done.stderr
    assert "compared on 64 images of real digits, test split" in done.stdout
    card = (tmp_path / "out" / "README.md").read_text()
    assert "model.safetensors, SHA-256 " in card
    assert str(where) not in card
    assert "model-index" not in card  # no figure is known


def test_a_missing_package_is_named_with_the_command_that_installs_it(where, monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr("inceptionctl.export.registry.find_spec", lambda n: None if n == "onnxscript" else found(n))
    monkeypatch.chdir(where)
    assert main(["export", "run=run", "format=onnx"]) == 2
    assert capsys.readouterr().err.endswith(
        "format = onnx needs onnxscript, which is not installed\n  pip install 'inceptionctl[export]'\n"
    )


def test_a_failed_comparison_exits_1_and_leaves_nothing(exported, where, monkeypatch):
    from inceptionctl.export.formats import timm

    save = timm.save_file
    monkeypatch.setattr(timm, "save_file", lambda state, *rest: save({k: v.flip(0) for k, v in state.items()}, *rest))
    done = exported("run=run", "format=timm")
    assert done.returncode == 1
    assert "the exported network is not the trained one" in done.stderr
    assert not (where / "run" / "export").exists()


WRONG = [
    (["run=run"], "export needs format=NAME: onnx, safetensors, timm, torchvision, torch"),
    (["run=run", "format=onxx"], "Did you mean onnx?"),
    (["run=run", "fromat=onnx"], "Did you mean format?"),
    (["run=run", "format=torchvision"], "torchvision has no mobilenet_v1\n  formats for this network: onnx, safeten"),
    (["run=nowhere", "format=onnx"], "nowhere is not a run folder"),
    (["run=empty", "format=onnx"], "empty is not a run folder"),
    (["run=run", "format=onnx", "weights=emma"], "Did you mean ema?"),
    (["run=run", "format=onnx", "weights=best-ema"], "chose no checkpoint"),
    (["run=run", "format=onnx", "arch.width=2"], "arch.width=2: the network of run=run is the one that was trained"),
    (["run=run", "format=onnx", "arch=vgg16"], "arch=vgg16: the network of run=run is the one that was trained"),
    (["run=run", "format=onnx", "format=timm"], "format is given twice"),
    (["run=run", "format=onnx", "to="], "to= has no value"),
    (["run=run", "format=onnx", "images=empty"], "no images in"),
    (["run=run", "format=onnx", "to=a/b"], "to = a/b: there is no folder a"),
    (["run=run", "format=onnx", "to=empty"], "there is empty already"),
    (["format=onnx"], "either run=DIR, or arch=NAME and weights="),
    (["arch=inception_v3", "weights=raw", "format=onnx", "to=x"], "either run=DIR, or arch=NAME and weights="),
    (["arch=inception_v3", "weights=timm", "format=onnx"], "needs to=FOLDER"),
    (["arch=mobilenet_v1", "weights=w.pth", "format=onnx", "to=x"], "w.pth: there is no file"),
    (["arch=nosuch", "weights=w.pth", "format=onnx", "to=x"], "unknown arch"),
]


@pytest.mark.parametrize(("words", "message"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_a_wrong_request_gets_one_message_and_makes_nothing(words, message, where, monkeypatch, capsys):
    monkeypatch.chdir(where)
    before = sorted(os.listdir()), sorted(os.listdir("run"))
    assert main(["export", *words]) == 2
    assert message in capsys.readouterr().err
    assert (sorted(os.listdir()), sorted(os.listdir("run"))) == before


def test_help_names_every_format_and_never_imports_torch(where):
    script = (
        "import sys; from inceptionctl.cli import main\n"
        "for words in (['--help'], ['run=empty', 'format=timm']):\n"
        "    try: main(['export', *words])\n    except SystemExit: pass\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(f"    {name} " in done.stdout for name in FORMATS)
