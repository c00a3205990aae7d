"""Weights are looked at when a run is planned: what is taken is said and counts, what cannot fit is refused, without
torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file
from support.command_line import TINY, latest

from inceptionctl.cli import main
from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.models.spec.tensors import tensors
from inceptionctl.models.torch.build import build
from inceptionctl.models.weights import hub
from inceptionctl.models.weights.contents import ForeignFile
from inceptionctl.models.weights.releases import release
from inceptionctl.models.zoo.registry import ARCHITECTURES, architecture, network
from inceptionctl.planning.plan import frozen_plan, plan
from inceptionctl.worker.assemble import make_model

SIZE = ["arch=mobilenet_v1", *TINY, "arch.pixels=48", "tuned=none"]
VARIANTS = [{}, {"width": 0.3}, {"classes": 7, "head": False}]


def planned(*words):
    return plan(parse(compose("train", latest(*SIZE, *words))))


def state(seed=0, classes=10):
    """Of the network that SIZE asks for."""
    torch.manual_seed(seed)
    config = parse(compose("train", SIZE))
    return build(config.arch.spec(classes), (48, 48)).state_dict()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_names_and_shapes_without_torch_are_those_of_the_network(arch, options):
    pixels = architecture(arch).pixels
    spec = network(arch, **options)
    with torch.device("meta"):
        built = build(spec, (pixels, pixels)).state_dict()
    assert list(tensors(spec, (pixels, pixels)).items()) == [(key, tuple(t.shape)) for key, t in built.items()]


@pytest.mark.parametrize("segments", [1, 3, 4, None])
def test_segments_of_separable_convolutions_too(segments):
    spec = network("xception", width=0.1, rewrites={"segments": segments})
    with torch.device("meta"):
        built = build(spec, (299, 299)).state_dict()
    assert list(tensors(spec, (299, 299)).items()) == [(key, tuple(t.shape)) for key, t in built.items()]


def test_what_is_taken_is_part_of_the_identity_and_how_it_was_asked_for_is_not(folder):
    torch.save({"model": state(), "model_ema": state(1)}, "w.pth")
    average, last = planned("weights=w.pth"), planned("weights=w.pth", "weights_key=model")
    assert average.config.resolved.weights_key == "model_ema"
    assert last.config.resolved.weights_key == "model"
    assert average.identity != last.identity
    assert planned("weights=w.pth", "weights_key=model_ema").identity == average.identity
    torch.save(state(), "one.pth")
    assert planned("weights=one.pth").config.resolved.weights_key is None


def test_the_run_loads_what_was_planned(folder):
    torch.save({"model": state(), "model_ema": state(1)}, "w.pth")
    for key, seed in (("model", 0), ("model_ema", 1)):
        asked = planned("weights=w.pth", f"weights_key={key}")
        loaded = make_model(frozen_plan(asked.config, asked.data), fresh=True).state_dict()
        assert all(torch.equal(loaded[name], value) for name, value in state(seed).items())


def test_a_dry_run_says_what_is_taken_left_and_converted_and_the_input(folder, capsys):
    half = {f"module.{key}": t.half() if t.is_floating_point() else t for key, t in state(classes=3).items()}
    torch.save({"state_dict": half | {"loss.weight": torch.ones(1)}}, "w.pth.tar")
    assert main(["train", *SIZE, "weights=w.pth.tar", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    for part in (
        "w.pth.tar, by our own names",
        "the prefix module. is removed from the names",
        "beside these weights, 1 item of the file: left out (loss.weight)",
        "the classifier is replaced: the weights have 3 classes, this data 10",
        "tensors converted from float16 to float32",
        "arch.input=inception, to [-1, 1]: mean 0.5 and deviation 0.5",
    ):
        assert part in shown


UNFIT = [
    (["weights=nothing.pth"], "there is no file"),
    (["weights=page.pth"], "a web page"),
    (["weights=nan.pth"], "NaN or infinite: 1 in stem.conv_1a.conv.weight"),
    (["weights=twice.pth"], "weights_key=student or weights_key=teacher"),
    (["weights=w.pth", "weights_key=ema"], "weights_key = ema"),
    (["weights=w.pth", "arch=resnet50"], "inceptionctl models resnet50 --tensors"),
    (["weights=w.pth", "arch.width=0.2"], "of another size than this mobilenet_v1"),
    (["weights=whole.pth"], "add arch.width=1"),
    (["weights_key=ema"], "no weights are given"),
    (["weights=timm", "weights_key=ema"], "is a release"),
    (["weights="], "weights= has no value"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with weights that fit, and with what does not."""
    folder = tmp_path_factory.mktemp("files")
    torch.save(state(), folder / "w.pth")
    torch.save({"student": state(), "teacher": state(1)}, folder / "twice.pth")
    torch.save(build(network("mobilenet_v1", 10), (224, 224)).state_dict(), folder / "whole.pth")
    broken = state()
    broken["stem.conv_1a.conv.weight"].view(-1)[0] = float("inf")
    torch.save(broken, folder / "nan.pth")
    (folder / "page.pth").write_text("<!DOCTYPE html><html>")
    return folder


@pytest.mark.parametrize("more", [[], ["--dry-run"], ["launch=slurm"]], ids=str)
@pytest.mark.parametrize(("words", "message"), UNFIT, ids=[" ".join(words) for words, _ in UNFIT])
def test_what_cannot_fit_is_refused_before_anything_is_made(words, message, more, files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    before = sorted(path.name for path in files.iterdir())
    assert main(["train", *latest(*SIZE, *words), *more]) == 2
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in files.iterdir()) == before


def test_a_dry_run_with_a_file_of_weights_never_imports_torch(folder):
    torch.save({"state_dict": {f"module.{key}": value for key, value in state().items()}}, "w.pth")
    code = "import sys; from inceptionctl.cli import main; main(sys.argv[1:]); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, "train", *SIZE, "weights=w.pth", "--dry-run"], check=True)


@pytest.mark.parametrize("content", [b"", b"<html>", b"x" * 99], ids=["empty", "page", "noise"])
def test_a_damaged_file_in_the_cache_is_named_with_the_cure(content, folder, monkeypatch):
    (folder / "model.safetensors").write_bytes(content)
    monkeypatch.setattr(hub, "cached", lambda _: folder / "model.safetensors")
    whole = ["arch.width=1", "arch.rewrites.blocks=null", "arch.rewrites.stem_pools=null"]
    with pytest.raises(ForeignFile) as found:
        planned(*whole, "weights=timm")
    assert f"remove {folder / 'model.safetensors'} and the same command downloads it again" in str(found.value)
    assert found.value.exit_code == 2


@pytest.mark.parametrize("tag", ["../../x", "a b", "*", "x\0"])
def test_tags_that_cannot_exist(tag):
    with pytest.raises(RequestError, match="is no tag"):
        release("resnet50", f"timm:{tag}")


def test_tensors_are_listed_with_the_names_of_the_libraries(capsys):
    assert main(["models", "vgg16", "--tensors"]) == 0
    shown = capsys.readouterr().out
    assert "conv_1_1.conv.weight" in shown
    assert "features.0.weight" in shown
    assert "64x3x3x3" in shown


def test_a_file_from_a_run_starts_another(folder):
    save_file(state(), "ema.safetensors")
    assert planned("weights=ema.safetensors").weights == (
        f"{len(state())} tensors from {folder / 'ema.safetensors'}, by our own names",
    )
