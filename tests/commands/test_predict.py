"""`predict`: image files through a run or through released weights."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from support.command_line import SHORT, TINY, call_here, latest
from support.image_folders import fill
from support.runs import predictions

from inceptionctl.data.normalise import NORMALISATIONS
from inceptionctl.data.transforms import CentreCrop
from inceptionctl.models.torch.build import build
from inceptionctl.models.weights.releases import categories
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.result import Result


def smooth(seed, width=160, height=120):
    """Smooth colours: they survive resizing and JPEG."""
    noise = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def batch(images, pixels, crop):
    cropped = [np.asarray(CentreCrop(pixels, crop)(image.convert("RGB"), np.random.default_rng(0))) for image in images]
    return torch.from_numpy(np.stack(cropped)).permute(0, 3, 1, 2)


@pytest.fixture(scope="module")
def where(tmp_path_factory):
    """A folder with a tiny finished run and two images in `photos`."""
    folder = tmp_path_factory.mktemp("predict")
    done = call_here("train", "run_dir=run", *TINY, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "photos").mkdir()
    for seed, name in enumerate(["a.png", "b.png"]):
        smooth(seed).save(folder / "photos" / name)
    (folder / "photos" / "notes.txt").write_text("not an image")
    return folder


@pytest.mark.parametrize("raw", [False, True])
def test_predictions_are_those_of_the_runs_network(where, raw):
    words = ["predict", "run=run", "photos", "--json", "--features", "f.npz", *(["--raw"] if raw else [])]
    done = call_here(*words, cwd=where)
    assert done.returncode == 0, done.stderr
    found, saved = json.loads(done.stdout)["images"], np.load(where / "f.npz")
    assert [entry["file"] for entry in found] == ["photos/a.png", "photos/b.png"] == list(saved["files"])

    config = read_config(RunDir(where / "run"))
    model = build(config.arch.spec(10), (config.arch.pixels,) * 2, bn_eps=config.arch.bn_eps).eval()
    (last,) = (where / "run").glob("checkpoints/step-*")
    model.load_state_dict(load_file(last / f"{'model' if raw else 'ema'}.safetensors"))
    images = batch([smooth(0), smooth(1)], config.arch.pixels, config.protocol.crop)
    features = []
    model.logits.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    with torch.no_grad():
        p_NK = model(NORMALISATIONS["inception"](images, torch.channels_last)).logits.softmax(dim=1)
    for entry, p_K in zip(found, p_NK, strict=True):
        top = p_K.topk(5)
        assert [guess["index"] for guess in entry["top5"]] == top.indices.tolist()
        assert [guess["class"] for guess in entry["top5"]] == [str(k) for k in top.indices.tolist()]
        assert [guess["probability"] for guess in entry["top5"]] == pytest.approx(top.values.tolist(), rel=1e-4)
    assert saved["features"].dtype == np.float32
    assert np.allclose(saved["features"], features[0].flatten(1).numpy(), atol=1e-5)


@pytest.fixture(scope="module")
def run_on_files(tmp_path_factory):
    """A folder with a tiny finished run on image files; those in val/ant are turned by EXIF, those in val/bee have 16
    bits."""
    folder, exif = tmp_path_factory.mktemp("files"), Image.Exif()
    exif[0x0112] = 6
    fill(folder / "images" / "train", ("ant", "bee")), fill(folder / "images" / "val", ("ant", "bee"))
    for path in (folder / "images" / "val" / "ant").iterdir():
        Image.open(path).resize((48, 64)).rotate(90, expand=True).save(path, exif=exif)
    for i, path in enumerate((folder / "images" / "val" / "bee").iterdir()):
        values = np.linspace(0, 65535 - 1000 * i, 48 * 64).reshape(48, 64)
        Image.fromarray(values.astype(np.uint16)).save(path)
    size = ["data=imagefolder", "data.root=images", "arch.pixels=79", "train.batch_size=4", "train.epochs=1"]
    done = call_here("train", "run_dir=run", *latest(*SHORT, *size), cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_predict_gives_the_probabilities_of_the_evaluation(run_on_files):
    """The same decoder, orientation, bit depth and crop."""
    stored = predictions(run_on_files / "run", "ema")
    done = call_here("predict", "run=run", "--json", "images/val/ant", "images/val/bee", cwd=run_on_files)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["images"]
    assert len(found) == len(stored.label_N) == 8
    for entry, label, p_true in zip(found, stored.label_N, stored.p_true_N, strict=True):
        (guess,) = [guess for guess in entry["top5"] if guess["index"] == label]
        assert guess["class"] in entry["file"]
        assert guess["probability"] == pytest.approx(p_true, rel=1e-4)


def test_names_come_from_the_result_else_from_the_data(where):
    at = where / "run" / "result.json"
    found = read_record(at, Result)
    assert found.classes == list("0123456789")
    write_record(at, replace(found, classes=[f"digit {k}" for k in range(10)]))
    assert "%  digit " in call_here("predict", "run=run", "photos/a.png", cwd=where).stdout
    at.unlink()
    shown = call_here("predict", "run=run", "photos/a.png", cwd=where).stdout.splitlines()
    write_record(at, found)
    assert shown[0] == "photos/a.png"
    assert len(shown) == 6
    assert all(line.split()[2].isdecimal() for line in shown[1:])


def test_a_file_of_timm_s_gives_timm_s_answer(inceptionctl_here, tmp_path):
    torch.manual_seed(0)
    theirs = timm.create_model("mobilenetv1_100").eval()
    theirs.classifier.weight.data.mul_(50)  # away from equal probabilities
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    smooth(0).save(tmp_path / "a.png")
    done = inceptionctl_here("predict", "arch=mobilenet_v1", "weights=weights.pth", "pixels=96", "a.png", "--json")
    assert done.returncode == 0, done.stderr
    assert "weights.pth, by timm names" in done.stderr
    with torch.no_grad():
        images = NORMALISATIONS["inception"](batch([smooth(0)], 96, 0.875), torch.contiguous_format)
        top = theirs(images).softmax(dim=1)[0].topk(5)
    (entry,) = json.loads(done.stdout)["images"]
    assert [guess["index"] for guess in entry["top5"]] == top.indices.tolist()
    assert [guess["probability"] for guess in entry["top5"]] == pytest.approx(top.values.tolist(), rel=1e-3)
    assert [guess["class"] for guess in entry["top5"]] == [categories()[k] for k in top.indices.tolist()]


def test_an_image_that_cannot_be_read_is_named_and_the_others_are_predicted(where, tmp_path):
    shutil.copytree(where / "photos", tmp_path / "photos")
    (tmp_path / "photos" / "b.png").write_bytes((where / "photos" / "b.png").read_bytes()[:900])
    done = call_here("predict", f"run={where / 'run'}", "photos", cwd=tmp_path)
    assert done.returncode == 1
    assert "photos: 2 images; left out: 1 file of other kinds (.txt)" in done.stderr
    assert done.stdout.startswith("photos/a.png\n")
    assert "image photos/b.png cannot be read" in done.stderr
    assert "1 of 2 images could not be classified" in done.stderr


WRONG = [
    (["run=nowhere", "a.png"], "nowhere is not a run folder"),
    (["run=empty", "b.png"], "there is no image b.png"),
    (["a.png"], "either run=DIR, or arch=NAME and weights="),
    (["run=x", "weights=timm", "a.png"], "either run=DIR, or arch=NAME and weights="),
    (["run=x"], "needs images"),
    (["run=x", "empty"], "no images in empty"),
    (["rnu=x", "a.png"], "Did you mean run"),
    (["arch=inception_v2", "weights=timm", "a.png"], "timm has released no weights for inception_v2"),
    (["arch=inceptoin_v3", "weights=timm", "a.png"], "Did you mean inception_v3"),
    (["arch=inception_v3", "weights=nothing.pth", "a.png"], "nothing.pth: there is no file"),
    (["arch=inception_v3", "weights=timm", "arch.bn_eps=0.1", "a.png"], "add arch.bn_eps=0.001"),
    (["arch=inception_v3", "weights=timm", "pixels=big", "a.png"], "pixels = big"),
    (["run=x", "a.png", "--features", "f.txt"], "should end in .npz"),
]


@pytest.mark.parametrize(("words", "message"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_a_wrong_request_gets_one_message_and_makes_nothing(words, message, tmp_path, monkeypatch, capsys):
    from inceptionctl.cli import main

    smooth(0).save(tmp_path / "a.png")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["predict", *words]) == 2
    assert message in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "empty"]


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["run=x", "nothing.png"], 2)])
def test_help_and_refusals_never_import_torch(words, code, tmp_path):
    script = (
        "import sys; from inceptionctl.cli import main\n"
        "try: code = main(['predict', *sys.argv[1:]])\nexcept SystemExit as end: code = end.code\n"
        "assert 'torch' not in sys.modules; sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "run=DIR" in done.stdout or "there is no image nothing.png" in done.stderr


CLUMSY = [
    *([f"pixels={given}"] for given in ("0", "-1", "nan", "1.5", "20000", "1e3", "9" * 30, "0x10")),
    ["pixels=96", "pixels=97"],
    ["pixels=96", "arch.pixels=97"],
    ["weights=other.pth"],
    ["weights_key=nothing"],
    ["arch.name=vgg16"],
    ["arch.foo=1"],
    ["foo=1"],
    ["+foo=1"],
    ["train.epochs=1"],
    [""],
    ["nothing.png"],
    ["link.png"],
    ["pipe.png"],
    ["text"],
    ["--raw"],
    ["--features", "nowhere/f.npz"],
    ["--features", "folder.npz"],
    ["--features", "/proc/f.npz"],
]


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    """A folder with an image and weights of three classes, and with what is neither."""
    folder = tmp_path_factory.mktemp("things")
    save_file(timm.create_model("mobilenetv1_100", num_classes=3).state_dict(), folder / "w.safetensors")
    smooth(0).save(folder / "a.png")
    (folder / "link.png").symlink_to("nothing.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "text").mkdir(), (folder / "text" / "a.txt").touch(), (folder / "folder.npz").mkdir()
    return folder


@pytest.mark.parametrize("words", CLUMSY, ids=" ".join)
def test_a_clumsy_request_names_the_word_and_makes_nothing(words, things, monkeypatch, capsys):
    from inceptionctl.cli import main

    monkeypatch.chdir(things)
    before = sorted(os.listdir())
    assert main(["predict", "arch=mobilenet_v1", "weights=w.safetensors", "a.png", *words]) == 2
    shown = capsys.readouterr()
    assert words[-1].partition("=")[0].lstrip("+") in shown.err
    assert shown.out == ""
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize(
    "words",
    [["--json", "WEIGHTS", "IMAGES"], ["WEIGHTS", "--json", "IMAGES"], ["WEIGHTS", "IMAGES", "--json"]],
    ids=" ".join,
)
def test_json_is_valid_wherever_its_flag_stands_and_whatever_the_images_are(
    words, things, tmp_path, monkeypatch, capsys
):
    """One image is damaged, one has a name that is not UTF-8, one a name like a setting, one like markup."""
    from inceptionctl.cli import main

    monkeypatch.chdir(tmp_path)
    names = ["[red]a.png", "k=v.png", os.fsdecode(b"n\xff.png")]
    for name in names:
        smooth(0).save(name)
    (tmp_path / "broken.png").write_bytes((tmp_path / "k=v.png").read_bytes()[:500])
    given = {
        "WEIGHTS": ["arch=mobilenet_v1", f"weights={things}/w.safetensors", "pixels=32"],
        "IMAGES": [*names, "broken.png", "--features", "f.npz"],
    }
    assert main(["predict", *(word for part in words for word in given.get(part, [part]))]) == 1
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert found["schema"] == 1
    assert [entry["file"] for entry in found["images"]] == ["[red]a.png", "k=v.png", r"n\xff.png"]
    assert list(np.load("f.npz")["files"]) == ["[red]a.png", "k=v.png", r"n\xff.png"]
    assert "1 of 4 images could not be classified" in shown.err
    assert "arch.input=inception, to [-1, 1]" in shown.err


def test_nan_in_a_file_is_never_a_prediction(things, tmp_path, monkeypatch, capsys):
    from inceptionctl.cli import main

    monkeypatch.chdir(tmp_path)
    state = load_file(things / "w.safetensors")
    state["bn1.bias"][:2] = float("nan")
    save_file(state, "w.safetensors")
    smooth(0).save("a.png")
    assert main(["predict", "arch=mobilenet_v1", "weights=w.safetensors", "a.png", "--json"]) == 2
    shown = capsys.readouterr()
    assert "2 in bn1.bias" in shown.err
    assert shown.out == ""
