"""Tar shards of webdataset: samples as Python's tarfile has them, which shards a pattern names, what is refused."""

from __future__ import annotations

import io
import json
import os
import tarfile

import numpy as np
import pytest
from PIL import Image
from support.shared_data import shared_data
from support.tar_images import jpeg, sample, write_shards, write_tar

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.decode import read_pixels
from inceptionctl.data.labels import matched
from inceptionctl.data.selection import select
from inceptionctl.data.shards import expanded, find_shards
from inceptionctl.data.sources import webdataset
from inceptionctl.data.wordnet import wordnet_ids
from inceptionctl.errors import RequestError

SAMPLES = sample("a", 1, 0) | sample("b", 2, 1, as_json=True) | sample("c", 3, 2)


def index(train, val, classes=None):
    """Listed anew: a test may have changed what lies there."""
    webdataset._find.cache_clear()
    words = ["data=webdataset", f"data.train={train}", f"data.val={val}"]
    return parse(compose("train", [*words, *([f"data.class_names={classes}"] if classes else [])])).data.index(
        dev=False
    )


def refusal(train, val, classes=None):
    with pytest.raises(RequestError) as caught:
        index(train, val, classes)
    assert len(str(caught.value)) < 800
    return str(caught.value)


@pytest.fixture
def val(tmp_path):
    return write_shards(tmp_path / "val", "val", 2, 6)


def of(tmp_path, val, files, mode="w"):
    return index(write_tar(tmp_path / "train" / "0.tar", files, mode).parent, val)


def refused(tmp_path, val, files, mode="w"):
    return refusal(write_tar(tmp_path / "train" / "0.tar", files, mode).parent, val)


def extracted(*paths):
    """The oracle: (name, label, pixels) of each sample of tars of KEY.jpg and KEY.cls."""
    for path in paths:
        with tarfile.open(path) as tar:
            for name in [name for name in tar.getnames() if name.endswith(".jpg")]:
                label = int(tar.extractfile(f"{name[:-4]}.cls").read())
                yield name.encode(), label, np.asarray(Image.open(io.BytesIO(tar.extractfile(name).read())))


def opened(files):
    for i in range(len(files)):
        yield files.paths_N[i], int(files.labels_N[i]), np.asarray(read_pixels(files, i))


def same(one, other):
    one, other = list(one), list(other)
    assert [sample[:2] for sample in one] == [sample[:2] for sample in other]
    assert all(np.array_equal(a[2], b[2]) for a, b in zip(one, other, strict=True))


def test_samples_are_those_of_tarfile_in_the_order_of_the_shards(tmp_path, val):
    train = write_shards(tmp_path / "train", "train", 3, 7)
    found = index(train, val)
    same(opened(found.files["train"]), extracted(*sorted(train.iterdir())))
    same(opened(found.files["eval"]), extracted(*sorted(val.iterdir())))
    assert found.classes == ("0", "1", "2")
    assert found.provenance == (
        "21 images of 3 classes to train on (7 each) and 12 to evaluate on (4 each): "
        f"3 shards of {train} and 2 shards of {val}"
    )


def test_a_folder_and_a_pattern_are_the_same_images(tmp_path, val):
    train = write_shards(tmp_path / "train", "train", 3, 7)
    by_folder, by_pattern = index(train, val), index(f"{train}/train-{{000000..000002}}.tar", val)
    assert by_folder.fingerprint == by_pattern.fingerprint
    one = index(train / "train-000001.tar", f"{val}/val-00000{{1,0}}.tar")
    assert one.n_train == 7
    same(opened(one.files["eval"]), extracted(val / "val-000001.tar", val / "val-000000.tar"))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a-{0..3}.tar", ["a-0.tar", "a-1.tar", "a-2.tar", "a-3.tar"]),
        ("{098..101}", ["098", "099", "100", "101"]),
        ("{9..11}", ["9", "10", "11"]),
        ("{0..11..}x", None),
        ("{x,y}{0..1}", ["x0", "x1", "y0", "y1"]),
        ("{a,}", ["a", ""]),
        ("{3..1}", None),
        ("{a..c}", None),
        ("{}", None),
        ("{one}", None),
        ("{a,a}", None),
        ("{0..999999999}", None),
        ("{0..999}{0..999}", None),
    ],
)
def test_braces_are_expanded_as_by_the_shell(pattern, names):
    if names is None:
        with pytest.raises(RequestError, match=r"data\.train"):
            expanded("data.train", pattern)
    else:
        assert expanded("data.train", pattern) == names


def test_shards_that_are_missing_are_named(tmp_path, val):
    train = write_shards(tmp_path / "train", "train", 2, 7)
    message = refusal(f"{train}/train-{{000000..000003}}.tar", val)
    assert "2 of the 4 shards of data.train = " in message
    assert message.endswith(f"are missing: {train}/train-000002.tar, {train}/train-000003.tar")
    assert "data.train = " in refusal(tmp_path / "nowhere", val)
    assert "has no .tar files: it holds 2 folders below" in refusal(tmp_path, val)
    for missing in ("train", "val"):
        words = ["data=webdataset", f"data.{missing}={val}"]
        with pytest.raises(RequestError, match=r"needs data\.train and data\.val"):
            parse(compose("train", words)).data.index(dev=False)


def test_a_file_with_braces_in_its_name_is_that_file(tmp_path):
    path = write_tar(tmp_path / "a{0..1}.tar", SAMPLES)
    assert find_shards("data.train", str(path)).paths == (path.name,)


def test_samples_without_a_label_or_an_image_are_counted(tmp_path, val):
    odd = {
        "d.jpg": b"x", "e.cls": b"1", "f.jpg": b"", "f.cls": b"1", "g.json": b'{"other": 1}', "g.jpg": b"x",
        "README": b"x", "__meta__": b"x", ".hidden": b"x", "h.txt": b"text", "h.seg.png": b"x", "h\x1b.jpg": b"x",
    }  # fmt: skip
    found = of(tmp_path, val, SAMPLES | odd)
    assert found.n_train == 3
    for words in (
        "2 samples without a label", "2 samples without an image", "1 sample with an image of 0 bytes",
        "2 files without a key and a suffix", "1 file with control characters in its name",
        "not used of the samples of data.train: .json, .seg.png, .txt",
    ):  # fmt: skip
        assert words in found.provenance, words


def test_names_that_lead_elsewhere_are_only_names(tmp_path, val):
    hostile = sample("../../d", 4, 0) | sample("/etc/passwd", 5, 1) | sample("a/../e", 6, 2)
    found = of(tmp_path, val, SAMPLES | hostile)
    files = found.files["train"]
    assert files.paths_N.tolist()[3:] == [b"../../d.jpg", b"/etc/passwd.jpg", b"a/../e.jpg"]
    assert {files.path(i) for i in range(6)} == {tmp_path / "train" / "0.tar"}
    assert np.array_equal(np.asarray(read_pixels(files, 4)), np.asarray(Image.open(io.BytesIO(jpeg(5)))))


def test_keys_have_folders_and_suffixes_are_in_any_case(tmp_path, val):
    files = {"x/1.JPG": jpeg(1), "x/1.CLS": b"0\n", "y/1.png": jpeg(2), "y/1.cls": b" 1 ", "y.v2/1.jpeg": jpeg(3),
             "y.v2/1.cls": b"2"}  # fmt: skip
    found = of(tmp_path, val, files)
    assert found.files["train"].paths_N.tolist() == [b"x/1.JPG", b"y/1.png", b"y.v2/1.jpeg"]
    assert found.files["train"].labels_N.tolist() == [0, 1, 2]


def test_names_that_shards_share_are_told_apart(tmp_path, val):
    write_tar(tmp_path / "train" / "0.tar", SAMPLES), write_tar(tmp_path / "train" / "1.tar", SAMPLES)
    found = index(tmp_path / "train", val)
    assert found.files["train"].paths_N.tolist()[2:4] == [b"0.tar/c.jpg", b"1.tar/a.jpg"]


BAD = {
    "a word": ({"d.cls": b"tench"}, ["0.tar: d.cls: 'tench' is no class number", "from 0 on"]),
    "below zero": ({"d.cls": b"-1"}, ["d.cls: '-1' is no class number"]),
    "nothing": ({"d.cls": b""}, ["d.cls: '' is no class number"]),
    "large": ({"d.cls": b"9" * 60}, ["is no class number"]),
    "long": ({"d.cls": b"9" * 600}, ["d.cls has 600 bytes, and 64 are the most"]),
    "escapes": ({"d.cls": b"\x1b[31m\xff"}, ["\\\\x1b[31m"]),
    "no JSON": ({"d.json": b"{"}, ["d.json is no JSON"]),
    "deep JSON": ({"d.json": b"[" * 100_000}, ["d.json is no JSON"]),
    "JSON of a word": ({"d.json": b'{"label": "1"}'}, ["d.json, \"label\": '\"1\"' is no class number"]),
    "JSON of a fraction": ({"d.json": b'{"label": 1.0}'}, ["'1.0' is no class number"]),
    "JSON of true": ({"d.json": b'{"label": true}'}, ["'true' is no class number"]),
    "two images": ({"d.png": b"x"}, ["sample d has two images, .jpg and .png"]),
    "two labels": ({"d.cls": b"1", "d.CLS": b"1"}, ["sample d has two files .cls"]),
    "a class without images": ({"d.cls": b"5"}, ["in 2 of the 6 classes of data.train", ": 3, 4"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_label_that_is_no_class_number_is_one_message(case, tmp_path, val):
    files, words = BAD[case]
    message = refused(tmp_path, val, SAMPLES | {"d.jpg": jpeg(4)} | files)
    assert [word for word in words if word not in message] == []


def test_labels_from_one_on_are_recognised(tmp_path, val):
    files = sample("a", 1, 1) | sample("b", 2, 2) | sample("c", 3, 3)
    assert "do the labels begin at 1? Class numbers begin at 0" in refused(tmp_path, val, files)


def test_shards_that_are_not_whole_are_refused_by_name(tmp_path, val):
    path = tmp_path / "train" / "0.tar"
    assert f"{path} is compressed (gzip)" in refused(tmp_path, val, SAMPLES, "w:gz")
    write_tar(path, SAMPLES).write_bytes(path.read_bytes()[:2000])
    assert f"{path} is cut short" in refusal(path.parent, val)
    assert "no images to train on in data.train = " in refused(tmp_path, val, {})
    assert "no images to evaluate on in data.val = " in refusal(val, write_tar(tmp_path / "x" / "0.tar", {}).parent)
    os.mkfifo(tmp_path / "train" / "1.tar")
    write_tar(path, SAMPLES)
    assert "1.tar cannot be read: it is a FIFO" in refusal(path.parent, val)


def test_labels_to_evaluate_on_are_those_to_train_on(tmp_path, val):
    message = refused(tmp_path, val, sample("a", 1, 0) | sample("b", 2, 1))
    assert "val-000000.tar: val000002.jpg has the label 2, and data.train has 2 classes, 0 to 1" in message


def test_classes_may_have_names(tmp_path, val):
    train, names = write_tar(tmp_path / "train" / "0.tar", SAMPLES).parent, tmp_path / "names.txt"
    names.write_text("ant\nhoney bee\ncat\n")
    found = index(train, val, names)
    assert (found.classes, found.numbered) == (("ant", "honey bee", "cat"), False)
    assert found.fingerprint != index(train, val).fingerprint
    for text, words in {
        "ant\nbee\n": "c.jpg has the label 2, and data.class_names names 2 classes, 0 to 1",
        "ant\nbee\ncat\ndog\n": "in 1 of the 4 classes of data.train",
        "ant\nbee\nant\n": "'ant' is the name of two classes, in lines 1 and 3",
        "ant\n\nbee\n": "line 2: no name of a class",
        "": "line 1: no name of a class",
    }.items():
        names.write_text(text)
        assert words in refusal(train, val, names)
    assert "data.class_names: " in refusal(train, val, tmp_path / "nowhere")


def test_numbers_are_class_numbers_of_the_network_that_is_evaluated(tmp_path, val):
    found = of(tmp_path, val, SAMPLES)
    assert found.numbered
    assert matched(found, ["ant", "bee", "cat"], "run=x").classes == ("ant", "bee", "cat")
    assert "matched by number to 3 of the 1,000 classes" in matched(found, wordnet_ids(), "run=x").provenance
    lines = tmp_path / "keep.txt"
    lines.write_text("val000003.jpg\n")
    assert select(found, lines, None, "data=webdataset")[0].n_eval == 1


def test_real_images_in_shards_are_those_of_the_files(tmp_path):
    folder, lines = shared_data("ilsvrc2012/val_sample"), shared_data("ilsvrc2012/val_sample.txt")
    stated = [line.split() for line in lines.read_text().splitlines()]
    numbers = {label: k for k, label in enumerate(sorted({label for _, label in stated}, key=int))}
    files = dict[str, bytes]()
    for name, label in stated:
        key = name.partition(".")[0]
        files |= {name: (folder / name).read_bytes(), f"{key}.json": json.dumps({"label": numbers[label]}).encode()}
    found = of(tmp_path, write_tar(tmp_path / "val" / "0.tar", files).parent, files)
    read = found.files["eval"]
    assert [read.paths_N[i].decode() for i in range(100)] == [name for name, _ in stated]
    assert all(read.read(i) == (folder / name).read_bytes() for i, (name, _) in enumerate(stated))
    assert read.labels_N.tolist() == [numbers[label] for _, label in stated]
