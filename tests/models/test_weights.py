"""Weights of others in and out: every key accounted for, what is left aside said, nothing in a file run."""

from __future__ import annotations

import hashlib
import http.server
import pickle
import random
import shutil
import threading
from dataclasses import replace
from functools import partial

import pytest
import timm
import torch
import torchvision.models
import yaml
from safetensors.torch import save_file
from support.command_line import TINY, latest
from support.runs import only, result
from torch import nn

from inceptionctl.config.compose import compose
from inceptionctl.config.schema import Resolved
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.models.torch.build import build
from inceptionctl.models.weights.choose import choose
from inceptionctl.models.weights.contents import ForeignFile, StateDict, Stored
from inceptionctl.models.weights.download import digest
from inceptionctl.models.weights.fit import classes_in
from inceptionctl.models.weights.libraries import module_names
from inceptionctl.models.weights.load import load_opened, load_weights, shapes_of, to_release
from inceptionctl.models.weights.maps import full_shapes, name_map
from inceptionctl.models.weights.open import open_weights
from inceptionctl.models.weights.read import state_dicts
from inceptionctl.models.weights.releases import RELEASES, categories, check_other_settings, release
from inceptionctl.models.zoo.registry import architecture, network
from inceptionctl.planning.plan import plan
from inceptionctl.worker.assemble import make_step

EVERY = [(arch, entry) for arch, entries in RELEASES.items() for entry in entries]
MEANS = {(0.5, 0.5, 0.5): "inception", (0.485, 0.456, 0.406): "imagenet"}
every_release = pytest.mark.parametrize(("arch", "entry"), EVERY, ids=[f"{a}-{e.publisher}" for a, e in EVERY])


def made(arch, **options):
    """A network without weights yet, which costs no time."""
    pixels = options.pop("pixels", architecture(arch).pixels)
    with torch.device("meta"):
        model = build(network(arch, **options), (pixels, pixels))
    model = model.to_empty(device="cpu").half()
    for tensor in model.state_dict().values():
        tensor.zero_()
    return model


def filled(model, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for tensor in model.state_dict().values():
        tensor.random_(0, 2048, generator=generator)
    return model


def small(**options):
    torch.manual_seed(0)
    return build(network("inception_v3", width=0.1, **options), (299, 299))


def loaded(model, tensors, arch="inception_v3"):
    """What was said, and which of the model's tensors are now the file's."""
    said = []
    before = {key: value.clone() for key, value in model.state_dict().items()}
    load_weights(model, arch, tensors, said.append)
    return said, [key for key, value in model.state_dict().items() if not torch.equal(before[key], value)]


def loaded_from(model, path, arch="inception_v3"):
    """The same of a file."""
    before = {key: value.clone() for key, value in model.state_dict().items()}
    opened = open_weights(path, arch, shapes_of(model))
    load_opened(model, opened)
    return opened.notes, [key for key, value in model.state_dict().items() if not torch.equal(before[key], value)]


def classes_of(arch, tensors):
    part = StateDict("", {key: Stored("float32", tuple(value.shape)) for key, value in tensors.items()})
    return classes_in(arch, choose(arch, full_shapes(arch), [part]))


@every_release
def test_the_stored_names_are_those_of_the_libraries(arch, entry):
    names = name_map(arch, entry.publisher)
    modules = {key.rpartition(".")[0]: name.rpartition(".")[0] for name, key in names.items()}
    assert modules == module_names(arch, entry.publisher)


@every_release
def test_the_maps_cover_every_tensor_of_both(arch, entry):
    names = name_map(arch, entry.publisher)
    ours = set(made(arch).state_dict())
    side = {key for key in ours if key.split(".")[0].startswith("aux")}
    has_theirs = any("aux" in key.lower() for key in names)
    assert set(names.values()) == (ours if has_theirs else ours - side)
    assert len(set(names.values())) == len(names)


@every_release
def test_weights_converted_there_and_back_are_equal_bit_for_bit(arch, entry):
    model = filled(made(arch))
    out = to_release(model, arch, entry.publisher)
    other = made(arch, head=any("aux" in key.lower() for key in out))
    load_weights(other, arch, out, lambda message: None)
    state = model.state_dict()
    assert [key for key, value in other.state_dict().items() if not torch.equal(value, state[key])] == []


@every_release
def test_what_a_release_expects_is_what_its_library_says(arch, entry):
    if entry.publisher == "timm":
        with torch.device("meta"):
            model = timm.create_model(entry.model)
        assert timm.get_pretrained_cfg(entry.model).tag == entry.tag
        configs = [timm.get_pretrained_cfg(name) for name in timm.list_pretrained(f"{entry.model}.*")]
        inputs = {config.tag: MEANS[tuple(config.mean)] for config in configs}
    else:
        with torch.device("meta"):
            options = {"init_weights": False} if arch in ("googlenet_bn", "inception_v3") else {}
            model = torchvision.models.get_model(entry.model, **options)
        own = "transform_input" in model.__dict__  # they turn ImageNet's normalisation into [-1, 1] themselves
        inputs = dict.fromkeys(entry.inputs, "inception" if own else "imagenet")
        assert {*inputs} <= set(torchvision.models.get_model_weights(entry.model).__members__)
    assert {tag: entry.tagged(tag).input for tag in inputs} == inputs
    assert {m.eps for m in model.modules() if isinstance(m, nn.BatchNorm2d)} == ({entry.bn_eps} - {None})


@every_release
def test_addresses_are_the_libraries_own(arch, entry):
    for tag in entry.inputs if "*" not in entry.inputs else timm_tags(entry.model):
        found = entry.tagged(tag)
        if entry.publisher == "torchvision":
            assert found.url == torchvision.models.get_model_weights(entry.model)[tag].url
            continue
        config = timm.get_pretrained_cfg(f"{entry.model}.{tag}")
        assert (config.hf_hub_id or config.url) == (found.url if found.path else f"timm/{entry.model}.{tag}")
        assert config.hf_hub_filename is None  # model.safetensors, as timm prefers


def timm_tags(model):
    return [name.partition(".")[2] for name in timm.list_pretrained(f"{model}.*")]


def test_files_are_where_their_library_keeps_them(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    entry = release("resnet50", "torchvision:IMAGENET1K_V2")
    assert entry.cached is None
    place = tmp_path / "hub" / "checkpoints" / "resnet50-11ad3fa6.pth"
    place.parent.mkdir(parents=True)
    place.touch()
    assert entry.cached == entry.path == place


def test_names_of_weights():
    assert release("inception_v3", "model.safetensors") is None
    assert release("inception_v3", "timm:inception_v3.gluon_in1k") == release("inception_v3", "timm:gluon_in1k")
    assert release("resnet50", "torchvision:IMAGENET1K_V2").name == "torchvision:resnet50.IMAGENET1K_V2"
    assert len(categories()) == 1000
    with pytest.raises(RequestError, match="use weights=torchvision, or a file"):
        release("googlenet_bn", "timm")
    with pytest.raises(RequestError, match="exist for googlenet_bn, inception_v3"):
        release("inception_v2", "timm")


def test_other_settings_than_the_release_s_are_refused():
    check_other_settings(release("xception", "timm"), "inception", 1e-5)
    with pytest.raises(RequestError, match=r"add arch.bn_eps=1e-05"):
        check_other_settings(release("xception", "timm"), "inception", 1e-3)
    with pytest.raises(RequestError, match=r"add arch.input=imagenet"):
        check_other_settings(release("inception_v3", "timm:gluon_in1k"), "inception", 1e-3)
    check_other_settings(release("vgg16", "torchvision"), "imagenet", 0.5)  # has no batch norm


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize(
    ("arch", "theirs", "pixels"),
    [
        ("mobilenet_v1", lambda: timm.create_model("mobilenetv1_100"), 64),
        ("googlenet_bn", lambda: torchvision.models.googlenet(aux_logits=True, init_weights=False), 224),
    ],
    ids=["timm", "torchvision"],
)
def test_files_of_the_libraries_load_whatever_their_order(arch, theirs, pixels, suffix, tmp_path):
    torch.manual_seed(0)
    theirs, path = theirs().eval(), tmp_path / f"weights{suffix}"
    state = list(theirs.state_dict().items())
    random.Random(0).shuffle(state)
    save_file(dict(state), path) if suffix == ".safetensors" else torch.save(dict(state), path)
    model = build(network(arch), (pixels, pixels), bn_eps=1e-5 if arch == "mobilenet_v1" else 1e-3).eval()
    assert loaded_from(model, path, arch)[0] == []
    images = torch.randn(1, 3, pixels, pixels)
    with torch.no_grad():
        assert torch.allclose(model(images).logits, theirs(images), atol=1e-5)


@pytest.mark.parametrize("zipped", [True, False])
def test_state_dicts_inside_training_checkpoints(zipped, tmp_path):
    """Also in the format from before torch 1.6, which some releases still have."""
    state = {f"module.{key}": value for key, value in small().state_dict().items()}
    wrapped = {"epoch": 3, "state_dict": state}
    torch.save(wrapped, tmp_path / "checkpoint.pt", _use_new_zipfile_serialization=zipped)
    said, changed = loaded_from(small(), tmp_path / "checkpoint.pt")
    assert (said, changed) == (["the prefix module. is removed from the names"], [])


def test_old_files_lack_the_counters():
    state = {key: value + 1 for key, value in small().state_dict().items() if not key.endswith("num_batches_tracked")}
    said, changed = loaded(small(), state)
    assert said == []
    assert sorted(changed) == sorted(state)


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_leftovers_are_refused_and_named(library):
    state = to_release(made("inception_v3"), "inception_v3", library)
    lost = sorted(state)[40:53]
    for key in lost:
        del state[key]
    state |= {"fc.extra": torch.zeros(1), "Mixed_9a.conv.weight": torch.zeros(1)}
    with pytest.raises(RequestError) as found:
        loaded(made("inception_v3"), state)
    message, counted = str(found.value), [key for key in lost if not key.endswith("num_batches_tracked")]
    assert f"{len(counted)} missing ({', '.join(counted[:10])}" in message
    assert "2 unexpected (Mixed_9a.conv.weight, fc.extra)" in message


def test_weights_of_another_network_are_refused():
    with pytest.raises(RequestError, match="do not fit this resnet50"):
        loaded(made("resnet50"), to_release(made("mobilenet_v1"), "mobilenet_v1", "timm"), "resnet50")
    with pytest.raises(RequestError, match=r"another size .*: stem.conv_2b.conv.weight 8x8x3x3, here 16x8x3x3"):
        loaded(build(network("inception_v3", width=0.2), (299, 299)), small().state_dict())


def test_a_rewritten_network_is_not_the_library_s():
    with pytest.raises(RequestError, match=r"missing .*unexpected"):
        to_release(made("inception_v3", rewrites={"blocks": 0.5, "asymmetric": True}), "inception_v3", "timm")


def test_another_epsilon_is_reported():
    said, _ = loaded(made("xception"), to_release(made("xception"), "xception", "timm"), "xception")
    assert said == ["batch norm has epsilon 0.001 here, and 1e-05 in timm, whose names the file has"]


def test_a_head_that_the_file_lacks_keeps_its_weights():
    said, changed = loaded(small(), {key: value + 1 for key, value in small(head=False).state_dict().items()})
    assert said == ["the auxiliary head aux keeps its initial weights: the file has none"]
    assert [key for key in changed if key.startswith("aux")] == []


def test_a_head_that_the_network_lacks_is_left_out():
    said, changed = loaded(small(head=False), {key: value + 1 for key, value in small().state_dict().items()})
    assert said == ["the file's auxiliary head aux is left out: this network has none there"]
    assert len(changed) == len(small(head=False).state_dict())


def test_a_head_for_another_input_keeps_its_weights():
    narrow = build(network("inception_v3", width=0.1), (151, 151))
    said, changed = loaded(narrow, {key: value + 1 for key, value in small().state_dict().items()})
    assert said == ["the auxiliary head aux keeps its initial weights: the file's is for another size of input"]
    assert [key for key in changed if key.startswith("aux")] == []


def test_an_incomplete_head_is_refused():
    state = small().state_dict()
    del state["aux.logits.bias"]
    with pytest.raises(RequestError, match=r"1 missing \(aux.logits.bias\)"):
        loaded(small(), state)


def test_google_s_background_class_is_dropped():
    state = small(classes=1001).state_dict()
    model = small()
    said, _ = loaded(model, state)
    assert said == ["class 0 of 1001, the background, is dropped"]
    for key in ("logits.weight", "logits.bias", "aux.logits.weight", "aux.logits.bias"):
        assert torch.equal(model.state_dict()[key], state[key][1:])
    assert classes_of("inception_v3", state) == 1000


def test_other_classes_keep_the_initial_classifier():
    state = {key: value + 1 for key, value in small(classes=1000).state_dict().items()}
    said, changed = loaded(small(classes=10), state)
    assert said == [
        "the classifier is replaced: the weights have 1,000 classes, this data 10, those of the auxiliary heads too"
    ]
    assert [key for key in state if key not in changed] == [
        "aux.logits.weight", "aux.logits.bias", "logits.weight", "logits.bias",
    ]  # fmt: skip


@pytest.mark.parametrize("arch", ["inception_v3", "xception"])
def test_the_classes_of_a_file(arch):
    (entry, *_) = RELEASES[arch]
    assert classes_of(arch, to_release(made(arch, classes=37), arch, entry.publisher)) == 37
    with pytest.raises(RequestError, match="do not fit this"):
        classes_of(arch, {"weight": torch.zeros(1)})


class Malicious:
    def __reduce__(self):
        return open, ("ran", "w")


@pytest.mark.parametrize("write", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value, protocol=2))])
def test_nothing_in_a_pickle_is_run(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write({"weight": torch.zeros(1), "other": Malicious()}, tmp_path / "weights.pth")
    with pytest.raises(ForeignFile, match=r"nothing in it was run"):
        state_dicts(tmp_path / "weights.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
@pytest.mark.parametrize("content", [b"", b"no weights at all", b"\xff" * 100], ids=["empty", "text", "noise"])
def test_a_file_of_something_else_is_refused(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ForeignFile, match=name):
        state_dicts(tmp_path / name)


@pytest.mark.slow
def test_fine_tuning_from_a_file_and_resuming_it(inceptionctl, tmp_path):
    """The second run starts from the first one's weights; taken up again, it needs their file no more."""
    assert inceptionctl("train", "outputs=first", *TINY).returncode == 0
    shutil.copy(only(tmp_path, "first/train/*/checkpoints/step-*/ema.safetensors"), tmp_path / "start.safetensors")
    words = ["train", *latest("weights=start.safetensors", *TINY, "train.epochs=1.2")]
    done = inceptionctl(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"tensors from {tmp_path / 'start.safetensors'}, by our own names" in done.stdout
    run = only(tmp_path, "outputs/train/*")
    frozen = yaml.safe_load((run / "config.yaml").read_text())
    assert (
        frozen["resolved"]["weights_sha256"]
        == hashlib.sha256((tmp_path / "start.safetensors").read_bytes()).hexdigest()
    )

    _, last = sorted(run.glob("checkpoints/step-*"))
    ended = {path.name: path.read_bytes() for path in last.glob("*.safetensors")}
    evaluations = result(run).evaluations
    shutil.rmtree(last)
    (run / "result.json").unlink()
    (tmp_path / "start.safetensors").rename(tmp_path / "moved.safetensors")
    resumed = inceptionctl("resume", str(run))
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert {path.name: path.read_bytes() for path in last.glob("*.safetensors")} == ended
    assert result(run).evaluations == evaluations

    moved = inceptionctl("train", *latest(*words[1:], "weights=moved.safetensors"))
    assert "already finished" in moved.stdout, "what the file holds counts, not its name"
    assert inceptionctl(*words).returncode == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["weights=tim"], "weights = tim: there is no file"),
        (["weights=timm"], "add arch.width=1 arch.rewrites.blocks=null"),
        (["weights=timm:gluon_in1k"], "add arch.input=imagenet"),
        (["weights=timm", "+resolved.weights_sha256=abc"], "unknown setting 'resolved.weights_sha256'"),
    ],
    ids=str,
)
def test_weights_that_cannot_fit_are_refused_before_anything_is_made(words, message):
    with pytest.raises(RequestError, match=message):
        plan(parse(compose("train", ["arch=inception_v3", *words])))


def test_settings_that_keep_every_weight_fit_the_release():
    words = ["arch=inception_v3", "weights=timm", "arch.width=1", "arch.rewrites.blocks=null", "arch.pixels=139"]
    assert plan(parse(compose("train", words))).config.weights == "timm:inception_v3.tv_in1k"


def test_weights_that_change_under_a_run_are_refused(tmp_path):
    save_file({"weight": torch.zeros(1)}, tmp_path / "start.safetensors")
    config = parse(compose("train", [f"weights={tmp_path / 'start.safetensors'}", *TINY]))
    asked = plan(replace(config, resolved=Resolved(weights_sha256="abc")))
    with pytest.raises(RequestError, match="has changed since the run was planned"):
        make_step(asked, torch.device("cpu"))
    (tmp_path / "start.safetensors").unlink()
    with pytest.raises(RequestError, match="the file does not exist"):
        make_step(asked, torch.device("cpu"))


@pytest.mark.slow
def test_a_release_is_fetched_before_the_workers_start(inceptionctl, tmp_path):
    """From a server on this machine in the hub's place; the second time it is in the hub's cache."""
    torch.manual_seed(0)
    place = tmp_path / "hub" / "timm" / "mobilenetv1_100.ra4_e3600_r224_in1k" / "resolve" / "main"
    place.mkdir(parents=True)
    save_file(timm.create_model("mobilenetv1_100").state_dict(), place / "model.safetensors")

    class Hub(http.server.SimpleHTTPRequestHandler):
        def end_headers(self):
            self.send_header("ETag", f'"{digest(place / "model.safetensors")}"')
            self.send_header("X-Repo-Commit", "c" * 40)
            super().end_headers()

        def log_message(self, *_):
            pass

    whole = ["arch.width=1", "arch.pixels=48", "arch.rewrites.blocks=null", "arch.rewrites.stem_pools=null"]
    words = ["train", *latest("arch=mobilenet_v1", "weights=timm", *TINY, *whole, "train.epochs=0.05")]
    handler = partial(Hub, directory=str(tmp_path / "hub"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub = f"http://127.0.0.1:{server.server_port}"
        there = {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1", "no_proxy": "*"}
        nobody = inceptionctl(*words, **there | {"HF_ENDPOINT": "http://127.0.0.1:1"})
        assert (nobody.returncode, "copy the folder" in nobody.stderr) == (1, True)
        assert not (tmp_path / "outputs").exists()
        assert (
            "mobilenetv1_100.ra4_e3600_r224_in1k (not downloaded yet)"
            in inceptionctl(*words, "--dry-run", **there).stdout
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        done = inceptionctl(*words, **there)
        server.shutdown()
        thread.join()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"downloading {hub}/timm/mobilenetv1_100.ra4_e3600_r224_in1k/resolve/main/model.safetensors" in done.stdout
    assert "the classifier is replaced: the weights have 1,000 classes, this data 10" in done.stdout
    frozen = yaml.safe_load(only(tmp_path, "outputs/train/*/config.yaml").read_text())
    assert frozen["weights"] == "timm:mobilenetv1_100.ra4_e3600_r224_in1k"
    assert str(tmp_path / "cache" / "hub" / "models--timm") in inceptionctl(*words, "--dry-run", **there).stdout
