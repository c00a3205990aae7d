"""Every format against the library that opens it: the logits of the trained network, by the lines of the model card."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import timm
import torch
from PIL import ExifTags, Image
from safetensors import safe_open
from support.exported import CLASSES, noise, trained
from support.finished_runs import config_of

from inceptionctl.data.decode import decode
from inceptionctl.data.normalise import NORMALISATIONS
from inceptionctl.data.order import generator
from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.export.export import export
from inceptionctl.export.preprocessing import Preprocessing
from inceptionctl.export.registry import FORMATS
from inceptionctl.export.twin import twin_of
from inceptionctl.models.weights.releases import RELEASES

PAPER = ("scale=imagenet", "data=digits", "arch.aux.head=false", "loss.aux_weight=0")
SMALL = {
    "inception_v3": 79,
    "googlenet_bn": 64,
    "resnet50": 64,
    "mobilenet_v1": 64,
    "inception_v4": 79,
    "xception": 71,
    "inception_resnet_v2": 79,
    "resnet101": 64,
    "resnet152": 64,
    "vgg16": 64,
    "vgg19": 64,
    "alexnet": 64,
}  # fmt: skip  so that they take seconds
QUICK = ("inception_v3", "googlenet_bn", "mobilenet_v1")
ALL = [(arch, entry.publisher) for arch, entries in RELEASES.items() for entry in entries]
LIBRARIES = [pytest.param(*one, marks=[] if one[0] in QUICK else [pytest.mark.slow]) for one in ALL]


def network(arch, *words):
    return trained(*PAPER, f"arch={arch}", f"arch.pixels={SMALL[arch]}", *words)


def lines_of(folder, block=2):
    """The Python of a model card: first what makes the input of an image, then what uses the network."""
    return (folder / "README.md").read_text().split("```python\n")[block].split("```")[0]


def assert_usage_gives_the_logits(found, folder, monkeypatch):
    monkeypatch.chdir(folder)
    images = NORMALISATIONS[found.arch.input](noise(found.arch.pixels, 5), torch.contiguous_format)
    names = {"images_NCHW": images}
    exec(lines_of(folder), names)
    with torch.no_grad():
        expected = found.model(images).logits
    logits = torch.as_tensor(names["logits_NK"])
    assert logits.shape == (5, 10)
    assert (logits - expected).abs().max() < 1e-4 * expected.abs().max()
    return names


@pytest.mark.parametrize(("arch", "library"), LIBRARIES)
def test_the_libraries_load_their_names_and_give_the_same_logits(arch, library, tmp_path, monkeypatch):
    entry = next(one for one in RELEASES[arch] if one.publisher == library)
    eps = [f"arch.bn_eps={entry.bn_eps}"] if entry.bn_eps else []
    found = network(arch, *eps)
    done = export(found, library, tmp_path / "out", noise(found.arch.pixels, 8), "made-up images")
    assert done.comparison.n_images == 8
    assert done.comparison.disagreements == 0
    assert_usage_gives_the_logits(found, tmp_path / "out", monkeypatch)


@pytest.mark.parametrize("name", ["onnx", "safetensors", "torch"])
@pytest.mark.parametrize("arch", ["inception_v3", pytest.param("googlenet", marks=pytest.mark.slow)])
def test_every_network_fits_the_other_formats(name, arch, tmp_path, monkeypatch):
    """With auxiliary heads, at a size of scale=digits, which no library has."""
    found = trained(f"arch={arch}", "ablation=[bn_auxiliary]" if arch == "inception_v3" else "arch.aux.head=true")
    export(found, name, tmp_path / "out", noise(79), "made-up images")
    names = assert_usage_gives_the_logits(found, tmp_path / "out", monkeypatch)
    facts = names.get("facts", {})
    stated = json.loads(facts["classes"]) if facts else names["network"].classes
    how = json.loads(facts["preprocessing"]) if facts else names["network"].preprocessing
    assert stated == CLASSES
    assert how["input_size"] == [3, 79, 79]
    assert (how["mean"], how["std"], how["interpolation"]) == ([0.5] * 3, [0.5] * 3, "bilinear")


def test_onnx_is_folded_merged_and_of_any_batch_size(tmp_path):
    found = network("inception_v3")
    export(found, "onnx", tmp_path / "out", noise(79), "made-up images")
    graph = onnx.load(tmp_path / "out" / "model.onnx").graph
    kinds = [node.op_type for node in graph.node]
    assert "BatchNormalization" not in kinds
    assert kinds.count("Conv") < 94 - 9  # of 94 convolutions, at least two are one in each of nine modules
    assert [value.dim_param or value.dim_value for value in graph.input[0].type.tensor_type.shape.dim] == [
        "batch", 3, 79, 79,
    ]  # fmt: skip
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx")
    for n in (1, 3):
        assert session.run(None, {"images": np.zeros((n, 3, 79, 79), np.float32)})[0].shape == (n, 10)


def test_safetensors_keep_the_auxiliary_head_and_their_metadata(tmp_path):
    found = trained("arch=inception_v3", "ablation=[bn_auxiliary]")
    export(found, "safetensors", tmp_path / "out", noise(79), "made-up images")
    with safe_open(tmp_path / "out" / "model.safetensors", "pt") as file:
        assert set(file.keys()) == set(found.model.state_dict())
        assert json.loads(file.metadata()["arch"])["name"] == "inception_v3"


def test_timm_s_folder_states_the_preprocessing_and_the_names_of_the_classes(tmp_path, monkeypatch):
    found = network("inception_v3", "protocol=timm", "protocol.crop_pct=0.9")
    export(found, "timm", tmp_path / "out", noise(79), "made-up images")
    model = timm.create_model(f"local-dir:{tmp_path / 'out'}", pretrained=True)
    assert model.pretrained_cfg["label_names"] == CLASSES
    assert timm.data.resolve_model_data_config(model) == {
        "input_size": [3, 79, 79], "interpolation": "bicubic", "mean": [0.5] * 3, "std": [0.5] * 3, "crop_pct": 0.9,
        "crop_mode": "center",
    }  # fmt: skip
    assert model.get_classifier().out_features == 10


PROTOCOLS = [
    ["protocol=timm"],
    ["protocol=timm", "protocol.crop_pct=0.8975"],
    ["protocol=torchvision"],
    ["protocol=torchvision", "protocol.resize=342"],
    ["protocol=squeezed"],
]


@pytest.mark.parametrize("words", PROTOCOLS, ids=" ".join)
@pytest.mark.parametrize("size", [(400, 300), (301, 517), (640, 480)])
def test_timm_s_transform_gives_our_pixels(words, size):
    config = config_of(*PAPER, "arch=inception_v3", *words)
    how = Preprocessing.of(config.protocol, 299, "inception")
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)).resize(size)
    ours = np.asarray(config.protocol.transform(299)(image, np.random.default_rng(0)))
    theirs = timm.data.create_transform(
        input_size=(3, 299, 299), interpolation=how.interpolation, mean=how.mean, std=how.std, crop_pct=how.crop_pct,
        crop_mode=how.crop_mode,
    )(image)  # fmt: skip
    again = ((theirs * 0.5 + 0.5) * 255).round().permute(1, 2, 0).numpy()
    assert np.abs(again - ours).max() == 0


REFUSED = [
    ("timm", ["arch=inception_v3", "arch.width=0.5"], "arch.width = 0.5", "onnx, safetensors, torch"),
    ("timm", ["arch=inception_v3", "arch.bn_eps=0.01"], "arch.bn_eps = 0.01", "onnx, safetensors, torch"),
    ("torchvision", ["arch=inception_v3", "arch.rewrites.count_padding=left_out"], "count_padding = left_out", "onnx"),
    ("torchvision", ["arch=mobilenet_v1"], "torchvision has no mobilenet_v1", "onnx, safetensors, timm, torch"),
    ("timm", ["arch=googlenet_bn"], "timm has no googlenet_bn", "onnx, safetensors, torchvision, torch"),
    ("timm", ["arch=inception_v3", "arch.input=caffe"], "BGR (arch.input = caffe)", "onnx, safetensors, torch"),
]


@pytest.mark.parametrize(("library", "words", "message", "fit"), REFUSED)
def test_another_network_is_refused_with_the_formats_that_fit(library, words, message, fit, tmp_path):
    found = trained(*PAPER, *words, "arch.pixels=79")
    with pytest.raises(RequestError, match="formats for this network: ") as error:
        export(found, library, tmp_path / "out", noise(79, 2), "made-up images")
    assert message in str(error.value)
    assert fit in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_table_s_last_row_is_found_to_be_the_library_s_network(tmp_path):
    """By its layers, whatever it is called here."""
    ladder = ["ablation=[label_smoothing,factorized_7x7,bn_auxiliary]"]
    found = trained("scale=imagenet", "data=digits", "arch=inception_v2", "arch.pixels=79", *ladder)
    assert twin_of(found, "timm").entry.model == "inception_v3"


def test_a_network_that_differs_leaves_nothing(tmp_path, monkeypatch):
    from inceptionctl.export.formats import safetensors

    def damaged(state, path, facts):
        save({name: value * 1.01 if name == "logits.weight" else value for name, value in state.items()}, path, facts)

    save = safetensors.save_file
    monkeypatch.setattr(safetensors, "save_file", damaged)
    found = trained("arch=inception_v3")
    with pytest.raises(InceptionctlError, match="is not the trained one: on 24 images logits differ by up to"):
        export(found, "safetensors", tmp_path / "out", noise(79), "made-up images")
    assert list(tmp_path.iterdir()) == []


def test_each_format_has_a_file_and_a_line():
    folder = Path(export.__code__.co_filename).parent / "formats"
    assert sorted(path.stem for path in folder.glob("[a-z]*.py")) == sorted(FORMATS)


@pytest.mark.parametrize("input", ["inception", "caffe"])
def test_the_card_makes_of_a_picture_what_the_network_was_evaluated_on(input, tmp_path, monkeypatch):
    found = network("inception_v3", f"arch.input={input}", "arch.width=0.1")
    export(found, "safetensors", tmp_path / "out", noise(79, 8), "made-up images")
    assert "differs from that: `arch.width = 0.1`" in (tmp_path / "out" / "README.md").read_text()
    monkeypatch.chdir(tmp_path / "out")
    y, x = np.mgrid[:240, :320] / 320
    pixels = np.stack([x, y, 0.5 - x / 2], axis=2)
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    Image.fromarray((255 * pixels).astype(np.uint8)).save("IMAGE.jpg", quality=95, exif=turned)
    names: dict = {}
    exec(lines_of(tmp_path / "out", block=1), names)
    transform = found.config.protocol.monitor_transform(found.arch.pixels)
    image = np.array(transform(decode(Path("IMAGE.jpg")), generator(0, 0)))
    uint8_NCHW = torch.from_numpy(image)[None].permute(0, 3, 1, 2)
    expected = NORMALISATIONS[input](uint8_NCHW, torch.contiguous_format)
    assert (names["images_NCHW"] - expected).abs().max() < 0.05 * expected.abs().max(), (
        "but for half a pixel and rounding"
    )
