"""ImageNet's validation images with the labels of the devkit: its ids are not class numbers."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from support.image_folders import fill, smooth
from support.labelled_images import (
    IMAGENET_VAL,
    balanced_labels,
    fill_validation,
    labelled_index,
    validation_name,
    write_devkit,
    write_meta,
)
from support.shared_data import shared_data

from inceptionctl.data.devkit import GROUND_TRUTH, META, validation_labels
from inceptionctl.data.labels import matched
from inceptionctl.data.real_labels import agreement, image_numbers
from inceptionctl.data.wordnet import wordnet_ids
from inceptionctl.errors import RequestError


def index(root, devkit=None):
    return replace(IMAGENET_VAL, root=str(root), devkit=str(devkit) if devkit else None).index(dev=False)


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    return write_devkit(tmp_path_factory.mktemp("kits") / "ILSVRC2012_devkit_t12" / "data")


def test_ids_of_the_devkit_become_class_numbers(kit):
    assert np.array_equal(validation_labels(kit / GROUND_TRUTH), balanced_labels())


@pytest.mark.parametrize("place", ["ILSVRC2012_devkit_t12", ".", "data", "val/ILSVRC2012_devkit_t12/data"])
def test_images_in_one_folder_find_the_devkit_beside_or_above_them(place, tmp_path):
    kit = write_devkit(tmp_path / "images" / place)
    fill_validation(tmp_path / "images" / "val", 3, 1, 49_999)
    found = index(tmp_path / "images" / "val")
    assert found.classes == wordnet_ids()
    assert image_numbers(found.files["eval"]).tolist() == [1, 3, 49_999]
    assert found.files["eval"].labels_N.tolist() == balanced_labels()[[0, 2, 49_998]].tolist()
    assert f"3 of the 50,000 validation images, labels of {kit / GROUND_TRUTH}" in found.provenance


def test_what_else_lies_there_is_left_out_with_a_word(kit, tmp_path):
    fill_validation(tmp_path, 5)
    smooth(0).save(tmp_path / "other.png")
    (tmp_path / "notes.txt").write_text("")
    found = index(tmp_path, kit)
    assert found.n_eval == 1
    assert found.provenance.endswith(
        "left out: 1 file of other kinds (.txt); not among the validation images: other.png"
    )


def refused(words, root, devkit=None):
    with pytest.raises(RequestError) as caught:
        index(root, devkit)
    assert [word for word in words if word not in str(caught.value)] == []
    assert len(str(caught.value)) < 700


def test_folders_that_are_none_of_the_validation_set_are_told_what_they_are(kit, tmp_path):
    refused(["data.root = ", "nowhere is not a folder"], tmp_path / "nowhere", kit)
    refused(["has no validation images, ILSVRC2012_val_00000001.JPEG to", "data=labelled"], tmp_path, kit)
    fill(tmp_path / "classes", ("n01440764", "n01443537", "n01484850"), 1)
    refused(["but n01440764/, n01443537/, n01484850/", "are data=labelled data.root="], tmp_path / "classes", kit)
    fill_validation(tmp_path / "val", 1)
    refused([f"is it data.root={tmp_path}/val?"], tmp_path, kit)
    smooth(0).save(tmp_path / "val" / "ILSVRC2012_val_00000001.png")
    refused(["ILSVRC2012_val_00000001.JPEG and ILSVRC2012_val_00000001.png are the same"], tmp_path / "val", kit)


def test_a_devkit_that_is_missing_or_of_another_year_is_said(tmp_path):
    images = fill_validation(tmp_path / "images" / "val", 1)
    refused([GROUND_TRUTH, f"not in {images}", "data.devkit=DIR"], images)
    refused(["data.devkit = ", "nowhere is not a folder"], images, tmp_path / "nowhere")
    (tmp_path / "images" / "ILSVRC2014_clsloc_validation_ground_truth.txt").write_text("1\n" * 50_000)
    refused(["ILSVRC2014_clsloc_validation_ground_truth.txt is of another year"], images)


def shuffled(path):
    lines = path.read_text().split()
    path.write_text("\n".join(lines[i] for i in np.random.default_rng(1).permutation(len(lines))))


def one_of_each(kit):
    write_meta(kit / META, [(i, wnid) for i, wnid in enumerate(wordnet_ids()[:-1], start=1)])


DAMAGE = {
    "cut off": (lambda kit: (kit / GROUND_TRUTH).write_text("1\n2\n3"), ["has 3 labels, not those of the 50,000"]),
    "a word": (lambda kit: edit(kit, "tench"), [", line 7: 'tench' is no ILSVRC id, 1 to 1,000"]),
    "zero": (lambda kit: edit(kit, "0"), [", line 7: '0' is no ILSVRC id"]),
    "too large": (lambda kit: edit(kit, "1001"), [", line 7: '1001' is no ILSVRC id"]),
    "digits": (lambda kit: edit(kit, "1" * 6000), [", line 7: '111"]),
    "another id": (lambda kit: edit(kit, "999"), ["is damaged: ", "and each has 50"]),
    "another order": (lambda kit: shuffled(kit / GROUND_TRUTH), ["in their order", "ReaL labels of their images"]),
    "binary": (lambda kit: (kit / GROUND_TRUTH).write_bytes(b"\xff\xfe"), ["is not UTF-8"]),
    "no table": (lambda kit: (kit / META).unlink(), [f"{META} cannot be read: No such file", "beside"]),
    "a damaged table": (lambda kit: (kit / META).write_bytes(b"MATLAB"), [f"{META} is not the table"]),
    "a table cut off": (lambda kit: (kit / META).write_bytes((kit / META).read_bytes()[:5000]), ["is not the table"]),
    "a large table": (lambda kit: (kit / META).write_bytes(bytes(2 << 20)), ["more than 1,048,576 bytes"]),
    "2010": (lambda kit: write_meta(kit / META, [(1, "n01440764")], "ILSVRC2010_ID"), ["ILSVRC2012_ID"]),
    "few classes": (one_of_each, ["lacks 1 of ImageNet's 1,000 classes", wordnet_ids()[-1]]),
}  # fmt: skip


def edit(kit, text):
    lines = (kit / GROUND_TRUTH).read_text().split()
    lines[6] = text
    (kit / GROUND_TRUTH).write_text("\n".join(lines))


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_or_foreign_devkit_is_one_message(damage, tmp_path):
    kit, (harm, words) = write_devkit(tmp_path / "kit"), DAMAGE[damage]
    harm(kit)
    refused(words, fill_validation(tmp_path / "val", 1), kit)


def test_a_table_that_crashes_the_reader_is_one_message(tmp_path, monkeypatch):
    kit, python = write_devkit(tmp_path / "kit"), tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -SEGV $$\n")
    python.chmod(0o755)
    with (kit / META).open("ab") as file:  # a table that has not been read before
        file.write(b"changed")
    monkeypatch.setattr(sys, "executable", str(python))
    images = fill_validation(tmp_path / "val", 1)
    refused([f"{META} is not the table of the ILSVRC-2012 devkit: SciPy's reader crashes on it"], images, kit)


# The real devkit


def test_the_real_ground_truth_gives_the_labels_of_the_sample():
    images, lines = shared_data("ilsvrc2012/val_sample"), shared_data("ilsvrc2012/val_sample.txt")
    found, listed = index(images), matched(labelled_index(images, lines), 1000, "weights=timm")
    assert (found.n_eval, len(listed.files["eval"])) == (100, 100)
    stated = dict(zip(listed.files["eval"].paths_N.tolist(), listed.files["eval"].labels_N.tolist(), strict=True))
    assert dict(zip(found.files["eval"].paths_N.tolist(), found.files["eval"].labels_N.tolist(), strict=True)) == stated
    assert matched(found, 1000, "weights=timm").eval_fingerprint == listed.eval_fingerprint


def test_nine_in_ten_of_the_real_labels_are_among_the_real_labels_of_beyer():
    ground_truth = shared_data(f"ilsvrc2012/{GROUND_TRUTH}")
    labels_N = validation_labels(ground_truth)
    assert np.bincount(labels_N).tolist() == [50] * 1000
    found = index(ground_truth.parent / "val_sample")
    share = agreement(found)
    assert share is not None
    assert share > 0.85


def test_a_list_by_ilsvrc_ids_is_warned_of(tmp_path, capsys):
    images, ids = shared_data("ilsvrc2012/val_sample"), shared_data(f"ilsvrc2012/{GROUND_TRUTH}").read_text().split()
    numbers = [int(path.stem[-8:]) for path in sorted(images.iterdir())]
    lines = tmp_path / "val.txt"
    lines.write_text("".join(f"{validation_name(n)} {int(ids[n - 1]) - 1}\n" for n in numbers))
    assert "labels of another order?" in matched(labelled_index(images, lines), 1000, "weights=timm").provenance
    assert "ReaL labels" in capsys.readouterr().err
