"""Lists of images to train and to evaluate on: labels, names of classes, paths, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.image_folders import fill
from support.labelled_images import write_list

from inceptionctl.cli import main
from inceptionctl.data.sources import list as listed
from inceptionctl.errors import RequestError

SETTINGS = listed.Settings(
    name="list", train=None, val=None, root=None, class_names=None, leave_out=None, train_fraction=None,
    cache="none", augment_on="cpu", decode_on="cpu", eval_split="test", on_corrupt="error", workers=0,
)  # fmt: skip
TRAIN = ("ant/00.png ant", "ant/01.png ant", "bee/00.png bee", "bee/01.png bee")


@pytest.fixture
def folder(tmp_path):
    listed._find.cache_clear()
    return fill(tmp_path, ("ant", "bee"))


def source(folder: Path, trained, evaluated, **changed):
    paths = [
        str(write_list(folder, *lines, name=f"{name}.txt")) for name, lines in (("train", trained), ("val", evaluated))
    ]
    return replace(SETTINGS, **{"train": paths[0], "val": paths[1]} | changed)


def numbers(*lines):
    return [line.replace(" ant", " 0").replace(" bee", " 1") for line in lines]


def test_labels_mean_the_same_class_in_both_lists(folder):
    """The first class of the evaluation list alone is not class 0."""
    index = source(folder, TRAIN, ["bee/02.png bee", "bee/03.png bee"]).index(dev=False)
    assert (index.classes, index.n_train, index.n_eval) == (("ant", "bee"), 4, 2)
    assert index.files["train"].labels_N.tolist() == [0, 0, 1, 1]
    assert index.files["eval"].labels_N.tolist() == [1, 1]
    assert "no images to evaluate on of ant" in index.provenance


def test_numbers_are_classes_and_may_have_names(folder):
    val = numbers("bee/02.png bee")
    assert source(folder, numbers(*TRAIN), val).index(dev=False).classes == ("0", "1")
    names = write_list(folder, "an ant", "a bee", name="names.txt")
    index = source(folder, numbers(*TRAIN), val, class_names=str(names)).index(dev=False)
    assert (index.classes, index.files["eval"].labels_N.tolist()) == (("an ant", "a bee"), [1])


def test_numbers_are_in_the_order_of_numbers(folder):
    fill(folder, tuple(map(str, range(11))), 1)
    lines = [f"{k}/00.png {k}" for k in range(11)]
    index = source(folder, lines, lines[10:]).index(dev=False)
    assert index.classes == tuple(map(str, range(11)))
    assert index.files["eval"].labels_N.tolist() == [10]


def test_paths_begin_at_the_folder_of_each_list_or_at_root(folder, tmp_path):
    fill(tmp_path / "images", ("ant", "bee"))
    index = source(folder, TRAIN, TRAIN[:1], root=str(tmp_path / "images")).index(dev=False)
    assert index.files["train"].path(0) == tmp_path / "images" / "ant" / "00.png"
    with pytest.raises(RequestError, match=r"data.root = /nowhere is not a folder"):
        source(folder, TRAIN, TRAIN, root="/nowhere").index(dev=False)


def test_images_of_both_lists_are_counted(folder):
    assert source(folder, TRAIN, TRAIN[:1]).index(dev=False).provenance.endswith("; 1 image in both lists")


@pytest.mark.parametrize(
    ("train", "val", "changed", "message"),
    [
        (TRAIN, ["bee/02.png wasp"], {}, "train.txt has no images of 1 of the 3 classes: wasp"),
        (numbers(*TRAIN), ["bee/02.png 3"], {}, "has no images of 2 of the 4 classes: 2, 3"),
        (TRAIN, numbers("bee/02.png bee"), {}, "are names, those of .* numbers"),
        (TRAIN[:2], TRAIN[:2], {}, "train.txt has one class, ant"),
        (TRAIN, TRAIN, {"class_names": "x"}, "data.class_names has no effect"),
        (numbers(*TRAIN), numbers(*TRAIN), {"class_names": "/nowhere"}, "data.class_names: /nowhere cannot be read"),
        (TRAIN, ["bee/09.png bee"], {}, r"1 of the 1 images of .*val.txt are not below"),
        (TRAIN, TRAIN, {"val": "/nowhere"}, "data.val: /nowhere cannot be read"),
        (TRAIN, TRAIN, {"train": None}, "data=list needs data.train=FILE and data.val=FILE"),
    ],
)
def test_what_lists_are_refused(folder, train, val, changed, message):
    with pytest.raises(RequestError, match=message):
        source(folder, train, val, **changed).index(dev=False)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("ant",), "names classes 0 to 0, and the lists have class 1"),
        (("x", "x"), "'x' is the name of two classes, in lines 1 and 2"),
        (("ant", "", "bee"), "line 2: no name of a class"),
    ],
)
def test_names_of_classes_are_as_many_as_there_are_and_differ(folder, names, message):
    path = write_list(folder, *names, name="names.txt")
    with pytest.raises(RequestError, match=message):
        source(folder, numbers(*TRAIN), numbers(*TRAIN[:1]), class_names=str(path)).index(dev=False)


def test_a_damaged_image_of_a_list_is_found_and_left_out(folder, capsys):
    (folder / "bee" / "00.png").write_bytes(b"")
    write_list(folder, *TRAIN, name="train.txt"), write_list(folder, "bee/02.png bee", name="val.txt")
    words = ["data=list", f"data.train={folder}/train.txt", f"data.val={folder}/val.txt"]
    fix = folder / "fix.txt"
    assert main(["data", "check", *words, "--fix-list", str(fix), "--workers", "1"]) == 1
    assert fix.read_text() == "bee/00.png\n"
    assert main(["data", "check", *words, f"data.leave_out={fix}", "--workers", "1"]) == 0
    assert "train: 3 images" in capsys.readouterr().out
