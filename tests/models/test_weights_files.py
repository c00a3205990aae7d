"""Files of weights as people have them: wrapped, averaged, converted, damaged, or something else altogether."""

from __future__ import annotations

import collections
import gzip
import io
import json
import os
import pickle
import tarfile
import zipfile
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from inceptionctl.errors import RequestError
from inceptionctl.files import FileError
from inceptionctl.models.torch.build import build
from inceptionctl.models.weights.load import load_opened, shapes_of
from inceptionctl.models.weights.maps import name_map
from inceptionctl.models.weights.open import open_weights
from inceptionctl.models.weights.read import state_dicts
from inceptionctl.models.zoo.registry import network

ARCH = "mobilenet_v1"
FIRST, LAST = "conv_stem.weight", "classifier.weight"


def tiny(seed=0, classes=7):
    torch.manual_seed(seed)
    return build(network(ARCH, classes, width=0.05), (48, 48)).eval()


def timm_state(seed=0, classes=7):
    """As timm saves it."""
    ours, theirs = tiny(seed, classes).state_dict(), {own: name for name, own in name_map(ARCH, "timm").items()}
    return {theirs[key]: value.clone() for key, value in ours.items()}


PLAIN, OTHER = timm_state(), timm_state(seed=1)


def under(prefix, state=PLAIN):
    return {f"{prefix}{key}": value for key, value in state.items()}


def with_tensor(name, value, state=PLAIN):
    return state | {name: value}


def written(value, path, name=None):
    target = path / (name or "weights.pth")
    save_file(value, target) if target.suffix == ".safetensors" else torch.save(value, target)
    return target


def opened(path, key=None):
    return open_weights(path, ARCH, shapes_of(tiny()), key)


def assert_gives(path, state, key=None):
    """A network filled from the file has the tensors of `state`. Returns what was said."""
    model, weights = tiny(seed=5), opened(path, key)
    weights.check_values()
    load_opened(model, weights)
    names, found = name_map(ARCH, "timm"), model.state_dict()
    assert [key for key in state if not torch.equal(found[names[key]], state[key].to(found[names[key]].dtype))] == []
    return weights.notes


def refusal(path, key=None):
    """The message about a file that is refused with exit code 2."""
    with pytest.raises((RequestError, FileError)) as found:
        opened(path, key).check_values()
    assert found.value.exit_code == 2
    assert str(path) in str(found.value)
    assert "weights_only" not in str(found.value)
    return str(found.value)


WRAPPED = {
    "bare": lambda: PLAIN,
    "compile": lambda: under("_orig_mod."),
    "ddp": lambda: under("module."),
    "lightning": lambda: under("model."),
    "ddp of compiled": lambda: under("module._orig_mod."),
    "compiled ddp": lambda: under("_orig_mod.module."),
    "lightning of compiled": lambda: under("model._orig_mod."),
    "lightning of ddp of compiled": lambda: under("model.module._orig_mod."),
    "two wrappers": lambda: under("model.module."),
    "fsdp": lambda: under("_fsdp_wrapped_module."),
    "backbone": lambda: under("backbone."),
    "a name of one's own": lambda: under("my_net.inner."),
}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("wrapped", WRAPPED)
def test_prefixes_of_wrappers_are_removed_and_said(wrapped, suffix, tmp_path):
    state = WRAPPED[wrapped]()
    notes = assert_gives(written(state, tmp_path, f"w{suffix}"), PLAIN)
    prefix = next(iter(state)).removesuffix(FIRST)
    assert notes == ([f"the prefix {prefix} is removed from the names"] if prefix else [])


def test_what_compile_inserts_within_names_is_removed(tmp_path):
    inside = {key.replace("blocks.", "blocks._orig_mod."): value for key, value in PLAIN.items()}
    (note,) = assert_gives(written(inside, tmp_path), PLAIN)
    assert "blocks._orig_mod.0.0.conv_dw.weight" in note


@pytest.mark.parametrize(
    "name", ["w", "w.ckpt", "w.pth.tar", "w.pt", "w.bin", "w.safetensors.pth", "epoch=3-step=9.ckpt"]
)
def test_the_format_is_told_by_the_content(name, tmp_path):
    assert_gives(written(PLAIN, tmp_path, name), PLAIN)
    (tmp_path / "s.safetensors").unlink(missing_ok=True)
    save_file(PLAIN, tmp_path / "s.safetensors")
    (tmp_path / "s.safetensors").rename(tmp_path / name)
    os.utime(tmp_path / name, ns=(1, 1))
    assert_gives(tmp_path / name, PLAIN)


CONTAINERS = [
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "weights",
    "params",
    "module",
    "generator",
    "ckpt.inner",
]


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("key", CONTAINERS)
def test_state_dicts_in_checkpoints(key, zipped, tmp_path):
    inner, _, outer = key.partition(".")[::-1]
    moments = {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(3)}}
    checkpoint = {
        "epoch": 3,
        (outer or inner): {inner: PLAIN} if outer else PLAIN,
        "optimizer": {"state": moments, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999)}]},
        "args": Namespace(lr=0.1, data="/data", out=Path("/x")),
        "best": np.float64(76.1),
        "history": np.arange(4.0),
        "when": {"seen": collections.Counter(a=1), "default": collections.defaultdict(list)},
        "rng": torch.get_rng_state(),
        "dtype": torch.float32,
        "device": torch.device("cpu"),
    }
    path = tmp_path / "checkpoint.pth"
    torch.save(checkpoint, path, _use_new_zipfile_serialization=zipped)
    assert assert_gives(path, PLAIN) == []


class Settings(dict):
    """Of a library that nobody knows here."""


def test_objects_of_other_libraries_beside_the_weights_are_never_made(tmp_path):
    path = written({"state_dict": PLAIN, "hyper_parameters": Settings(lr=0.1), "cls": Settings}, tmp_path)
    assert assert_gives(path, PLAIN) == []


AVERAGES = {
    "timm": (lambda: {"state_dict": OTHER, "state_dict_ema": PLAIN}, "state_dict_ema", "state_dict"),
    "torchvision": (
        lambda: {"model": OTHER, "model_ema": {"n_averaged": torch.tensor(9)} | under("module.")},
        "model_ema",
        "model",
    ),
    "ema_state_dict": (lambda: {"model": OTHER, "ema_state_dict": PLAIN}, "ema_state_dict", "model"),
    "ema": (lambda: {"ema": PLAIN, "net": OTHER}, "ema", "net"),
    "swa": (lambda: {"swa_model": PLAIN, "model": OTHER}, "swa_model", "model"),
    "prefixes": (lambda: {"state_dict": under("model.", OTHER) | under("ema_model.")}, "ema_model", "model"),
    "lightning": (
        lambda: {"state_dict": under("model."), "current_model_state": under("model.", OTHER)},
        "state_dict",
        "current_model_state",
    ),
    "mmengine": (
        lambda: {"state_dict": PLAIN, "ema_state_dict": {"steps": torch.tensor(9)} | under("module.", OTHER)},
        "state_dict",
        "ema_state_dict",
    ),
}


@pytest.mark.parametrize("kind", AVERAGES)
def test_the_average_is_taken_and_said_and_the_key_takes_the_last_weights(kind, tmp_path):
    make, average, last = AVERAGES[kind]
    path = written(make(), tmp_path)
    (said, *_) = assert_gives(path, PLAIN)
    assert said.startswith("of 2 state dicts in the file, ")
    assert ", an average, is taken" in said
    assert f"weights_key={last}" in said or f".{last} takes" in said
    (said, *_) = assert_gives(path, OTHER, key=last)
    assert "an average" not in said
    assert_gives(path, PLAIN, key=average)


def test_the_key_that_was_taken_takes_the_same_again(tmp_path):
    path = written({"state_dict": OTHER, "state_dict_ema": PLAIN}, tmp_path)
    assert opened(path).chosen.key == "state_dict_ema"
    assert opened(path, "state_dict").chosen.key == "state_dict"
    assert opened(written({"state_dict": PLAIN}, tmp_path, "one.pth")).chosen.key is None


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"student": PLAIN, "teacher": OTHER}, ["weights_key=student", "weights_key=teacher"]),
        ({"model": PLAIN, "best_model": OTHER}, ["weights_key=model", "weights_key=best_model"]),
        ({"model_ema": PLAIN, "ema": OTHER, "model": OTHER | {}}, ["weights_key=ema"]),
        (under("student.") | under("teacher.", OTHER), ["student.conv_stem.weight", "teacher.conv_stem.weight"]),
        (PLAIN | under("module.", OTHER), ["conv_stem.weight and module.conv_stem.weight"]),
    ],
    ids=["student", "best", "two averages", "prefixes", "doubled"],
)
def test_several_networks_without_one_average_are_refused_and_named(value, named, tmp_path):
    message = refusal(written(value, tmp_path))
    assert [part for part in named if part not in message] == []


def test_two_names_for_the_same_state_dict_are_one(tmp_path):
    path = written({"state_dict": PLAIN, "model": PLAIN}, tmp_path)
    assert assert_gives(path, PLAIN) == assert_gives(path, PLAIN, key="model") == []
    assert opened(path, "model").chosen.key is None


MISFITS = {
    "some doubled": (lambda: under("module.") | {FIRST: PLAIN[FIRST]}, ["module.conv_stem.weight", "conv_stem.weight"]),
    "doubled by compile": (lambda: PLAIN | under("_orig_mod."), ["conv_stem.weight and _orig_mod.conv_stem.weight"]),
    "extra": (lambda: PLAIN | {"fc.extra": torch.zeros(1)}, ["1 unexpected (fc.extra)", "--tensors"]),
    "missing": (lambda: {k: v for k, v in PLAIN.items() if k != FIRST}, ["1 missing (conv_stem.weight)", "--tensors"]),
    "no bias": (lambda: {k: v for k, v in PLAIN.items() if k != "classifier.bias"}, ["missing (classifier.bias)"]),
    "another network": (lambda: {"a.b": torch.zeros(2), "c": torch.zeros(1)}, ["names begin with a.b, c", "--tensors"]),
    "another width": (lambda: timm_state() | {FIRST: torch.zeros(9, 3, 3, 3)}, ["conv_stem.weight 9x3x3x3, here"]),
    "other bias": (lambda: PLAIN | {"classifier.bias": torch.zeros(5)}, ["classifier.bias 5, here 7"]),
    "other classes, other bias": (lambda: timm_state(classes=9) | {"classifier.bias": torch.zeros(5)}, ["classifier."]),
    "0-dim": (lambda: PLAIN | {FIRST: torch.tensor(1.0)}, ["conv_stem.weight a number"]),
    "0-dim classifier": (lambda: PLAIN | {LAST: torch.tensor(1.0)}, ["classifier.weight a number"]),
    "0-dim bias": (lambda: PLAIN | {"classifier.bias": torch.tensor(1.0)}, ["classifier.bias a number"]),
    "no classes": (lambda: PLAIN | {LAST: torch.zeros(0, 51), "classifier.bias": torch.zeros(0)}, ["classifier"]),
    "numbers for names": (lambda: {0: torch.zeros(1), 1: torch.zeros(1)}, ["keys that are not text: 0, 1"]),
    "a number among names": (lambda: PLAIN | {3: torch.zeros(1)}, ["not text: 3"]),
    "empty": (dict, ["an empty dictionary"]),
    "no tensors": (lambda: {"epoch": 3, "loss": [1.0]}, ["a dictionary with epoch, loss"]),
    "a tensor": (lambda: torch.zeros(3), ["a single tensor"]),
    "a list": (lambda: [PLAIN[FIRST]], ["a list"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", MISFITS)
def test_what_does_not_fit_is_refused_and_named(kind, tmp_path):
    make, named = MISFITS[kind]
    message = refusal(written(make(), tmp_path))
    assert [part for part in named if part not in message] == []


def test_entries_beside_a_prefix_are_left_out_and_said(tmp_path):
    notes = assert_gives(written(under("model.") | {"criterion.weight": torch.ones(3)}, tmp_path), PLAIN)
    assert notes[-1] == "beside these weights, 1 item of the file: left out (criterion.weight)"
    notes = assert_gives(written(PLAIN | {"epoch": 3}, tmp_path, "flat.pth"), PLAIN)
    assert notes == ["beside these weights, 1 item of the file: left out (epoch)"]


def test_a_classifier_for_other_classes_is_replaced(tmp_path):
    (note,) = opened(written(timm_state(classes=9), tmp_path)).notes
    assert note == "the classifier is replaced: the weights have 9 classes, this data 7"


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_point_types_are_converted_and_said(dtype, suffix, tmp_path):
    state = {k: v.to(dtype) if v.is_floating_point() else v for k, v in PLAIN.items()}
    (note,) = assert_gives(written(state, tmp_path, f"w{suffix}"), state)
    assert f"converted from {str(dtype).removeprefix('torch.')} to float32" in note


TYPES = ["int64", "int32", "int8", "uint8", "bool", "complex64", "float8_e4m3fn", "float8_e5m2"]


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("dtype", TYPES)
def test_types_that_are_no_weights_are_refused_by_name(dtype, suffix, tmp_path):
    state = with_tensor(FIRST, PLAIN[FIRST].to(getattr(torch, dtype)))
    message = refusal(written(state, tmp_path, f"w{suffix}"))
    assert f"{FIRST} of the weights is {dtype}" in message


LAYOUTS = {
    "sparse": (lambda: PLAIN[FIRST].flatten(1).to_sparse(), "is sparse"),
    "csr": (lambda: PLAIN[FIRST].flatten(1).to_sparse_csr(), "is sparse"),
    "meta": (lambda: PLAIN[FIRST].to("meta"), "meta device"),
    "quantized": (lambda: torch.quantize_per_tensor(PLAIN[FIRST], 0.1, 0, torch.qint8), "quantized"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", LAYOUTS)
def test_tensors_without_plain_values_are_refused_by_name(kind, tmp_path):
    make, reason = LAYOUTS[kind]
    message = refusal(written(with_tensor(FIRST, make()), tmp_path))
    assert FIRST in message
    assert reason in message or "a number" in message


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_views_shared_storages_and_parameters_give_their_values(zipped, tmp_path):
    flat = torch.cat([value.flatten() for value in PLAIN.values() if value.is_floating_point()])
    state, start = dict(PLAIN), 0
    for key, value in PLAIN.items():
        if value.is_floating_point():
            state[key] = flat[start : start + value.numel()].view(value.shape)
            start += value.numel()
    state[FIRST] = torch.nn.Parameter(PLAIN[FIRST].to(memory_format=torch.channels_last))
    state["bn1.weight"] = PLAIN["bn1.weight"].repeat_interleave(2)[::2]
    state["bn1.bias"] = torch.zeros(1).expand_as(PLAIN["bn1.bias"])
    path = tmp_path / "w.pth"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    assert assert_gives(path, {key: value.detach() for key, value in state.items()}) == []


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_are_counted_and_named(value, suffix, tmp_path):
    state = {key: tensor.clone() for key, tensor in PLAIN.items()}
    state["bn1.bias"][:2] = value
    state[LAST][0, 0] = value
    message = refusal(written(under("module.", state), tmp_path, f"w{suffix}"))
    assert "2 in module.bn1.bias, and in 1 more tensor\n" in message


def test_a_float64_beyond_float32_is_not_finite(tmp_path):
    assert f"1 in {FIRST}" in refusal(written(with_tensor(FIRST, beyond(PLAIN[FIRST])), tmp_path))


def beyond(tensor):
    tensor = tensor.double()
    tensor[0, 0, 0, 0] = 1e300
    return tensor


def zip_of(**files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def tar_of(name):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return data.getvalue()


def npz():
    data = io.BytesIO()
    np.savez(data, a=np.zeros(3))
    return data.getvalue()


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 17123456\n"
FOREIGN = {
    "empty": (b"", "it is empty"),
    "zeros": (bytes(4096), "zeros"),
    "lfs": (POINTER.encode(), "git lfs pull"),
    "page": (b"<!DOCTYPE html><html><title>Sign in</title></html>", "a web page"),
    "page after blanks": (b"\n  <HTML><body>", "a web page"),
    "page with bom": (b"\xef\xbb\xbf<!doctype HTML>", "a web page"),
    "xml": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "an XML document"),
    "json": (json.dumps({"error": "not found"}).encode(), "a JSON text"),
    "index": (json.dumps({"weight_map": {"a": "model-1.safetensors"}}).encode(), "an index of several files"),
    "text": (b"Not Found", "a text that begins with 'Not Found'"),
    "annex": (b"/annex/objects/SHA256E-s1--abc", "git-annex"),
    "tar": (tar_of("a"), "a tar archive"),
    "gzip": (gzip.compress(b"x" * 99), "gzip"),
    "zip": (zip_of(a="1"), "a zip archive, with a"),
    "empty zip": (zip_of(), "a zip archive without files"),
    "npz": (npz(), "NumPy (.npz)"),
    "npy": (b"\x93NUMPY\x01\x00v\x00", "NumPy (.npy)"),
    "h5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
    "keras": (zip_of(**{"config.json": "{}", "model.weights.h5": "x"}), "Keras"),
    "onnx": (b"\x08\x08\x12\x07pytorch\x1a\x052.1.0" + bytes(99), "ONNX"),
    "gguf": (b"GGUF\x03\x00\x00\x00" + bytes(99), "GGUF"),
    "png": (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    "script": (zip_of(**{"a/data.pkl": "", "a/constants.pkl": "", "a/code/b.py": ""}), "TorchScript"),
    "pickle": (pickle.dumps({"a": 1}), "a pickle that torch.save has not written"),
    "noise": (b"\xff\x01" * 300, "of no kind that is known here"),
}  # fmt: skip


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ""])
@pytest.mark.parametrize("kind", FOREIGN)
def test_other_files_are_named_as_what_they_are(kind, suffix, tmp_path):
    content, named = FOREIGN[kind]
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    message = refusal(path)
    assert named in message
    assert len(message) < 600


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("how", ["zip", "legacy", "safetensors"])
def test_a_file_cut_short_says_so(how, share, tmp_path):
    path = tmp_path / "w"
    save_file(PLAIN, path) if how == "safetensors" else torch.save(
        PLAIN, path, _use_new_zipfile_serialization=how == "zip"
    )
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert "cut short" in refusal(path)


@pytest.mark.parametrize("how", ["zip", "legacy", "safetensors"])
def test_damage_anywhere_is_an_error_of_ours_or_none(how, tmp_path):
    """Bytes exchanged in what describes the tensors."""
    path, random = tmp_path / "w", np.random.default_rng(0)
    save_file(PLAIN, path) if how == "safetensors" else torch.save(
        PLAIN, path, _use_new_zipfile_serialization=how == "zip"
    )
    data = np.frombuffer(path.read_bytes(), np.uint8)
    ends = {"safetensors": 8000, "legacy": 15000, "zip": 20000}[how]
    for i in range(150):
        changed, at = data.copy(), random.integers(0, ends, 4)
        changed[at] = random.integers(0, 256, 4)
        path.write_bytes(changed.tobytes())
        os.utime(path, ns=(i, i))
        with suppress(RequestError, FileError):  # or nothing that matters was changed
            opened(path).check_values()


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


HEADERS = {
    "not json": b"{nothing",
    "list": b"{}".replace(b"{}", b"{[]}"),
    "deep": b"{" + b'"a":{' * 5000,
    "no shape": {"a": {"dtype": "F32"}},
    "negative": {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}},
    "huge shape": {"a": {"dtype": "F32", "shape": [1 << 59, 1 << 59], "data_offsets": [0, 4]}},
    "wrong size": {"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 4]}},
    "backwards": {"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}},
    "twice": b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{}}',
    "an entry that is none": {"a": 3},
}


@pytest.mark.parametrize("kind", HEADERS)
def test_damaged_headers_of_safetensors(kind, tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(safetensors(HEADERS[kind], bytes(8)))
    assert "damaged" in refusal(path)


def test_a_header_beyond_all_use_is_not_read(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes((1 << 35).to_bytes(8, "little") + b"{" + bytes(99))
    assert "34,359,738,368 bytes" in refusal(path)


class Call:
    def __init__(self, function, *given):
        self.function, self.given = function, given

    def __reduce__(self):
        return self.function, self.given


@pytest.mark.parametrize("where", ["beside", "tensor", "top"])
@pytest.mark.parametrize("function", [os.system, eval, exec, open, getattr, os.mkdir, io.open, np.save, torch.load])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_pickle_that_calls_something_is_refused_and_nothing_runs(function, where, zipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call = Call(function, "mkdir ran" if function is os.system else "ran")
    value = {"beside": PLAIN | {"x": call}, "tensor": {"state_dict": PLAIN, FIRST: call}, "top": call}[where]
    torch.save(value, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    message = refusal(tmp_path / "w.pth")
    assert "nothing in it was run" in message
    assert f".{function.__name__}" in message
    assert [path.name for path in tmp_path.iterdir()] == ["w.pth"]


def test_a_pickle_may_not_change_a_tensor_that_it_has_built(tmp_path):
    """BUILD on a tensor would set where its values lie."""
    path = written({"a": PLAIN[FIRST]}, tmp_path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in files if name.endswith("data.pkl"))
    files[name] = files[name].replace(b"tq", b"t", 0)
    body = files[name]
    at = body.rindex(b"R")  # after the tensor is made
    files[name] = body[: at + 1] + b"}b" + body[at + 1 :]
    with zipfile.ZipFile(path, "w") as archive:
        for each, content in files.items():
            archive.writestr(each, content)
    os.utime(path, ns=(1, 1))
    assert "damaged" in refusal(path)


def test_whole_models_are_refused_with_our_advice(tmp_path):
    for i, value in enumerate([tiny(), {"model": tiny(), "epoch": 3}, {"ema": tiny(), "model": tiny()}]):
        message = refusal(written(value, tmp_path, f"{i}.pth"))
        assert "is a whole model, an object of inceptionctl.models.torch.classifier.Classifier" in message
        assert "model.state_dict()" in message


def test_places_that_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nothing")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub").mkdir()
    save_file(PLAIN, tmp_path / "hub" / "model.safetensors")
    assert "a FIFO" in refusal(tmp_path / "pipe")
    assert "No such file" in refusal(tmp_path / "link")
    assert "symbolic link" in refusal(tmp_path / "loop")
    assert "step-N/ema.safetensors" in refusal(tmp_path / "run")
    assert f"name {tmp_path / 'hub' / 'model.safetensors'}" in refusal(tmp_path / "hub")
    assert "a device" in refusal(Path("/dev/null"))


def test_reading_never_imports_torch(tmp_path):
    import subprocess
    import sys

    written({"state_dict": under("module."), "args": Namespace(a=1)}, tmp_path)
    code = (
        "import sys; from pathlib import Path; from inceptionctl.models.weights.open import open_weights\n"
        "from inceptionctl.models.spec.tensors import tensors; from inceptionctl.models.zoo.registry import network\n"
        f"shapes = tensors(network({ARCH!r}, 7, width=0.05), (48, 48))\n"
        f"open_weights(Path(sys.argv[1]), {ARCH!r}, shapes).check_values(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "weights.pth")], check=True)


def test_every_state_dict_of_a_file_is_found(tmp_path):
    path = written({"a": PLAIN, "b": {"c": OTHER}, "lr": torch.tensor(0.1)}, tmp_path)
    assert [part.key for part in state_dicts(path)] == ["", "a", "b.c"]
