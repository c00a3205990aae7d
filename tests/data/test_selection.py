"""Image sets: lists of images to keep or to leave out, the devkits' blacklist, ReaL labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.image_folders import fill
from support.labelled_images import (
    IMAGENET_VAL,
    labelled_index,
    validation_index,
    validation_name,
    write_list,
)
from support.shared_data import shared_data

from inceptionctl.data.devkit import find_blacklist
from inceptionctl.data.index import NO_LABEL
from inceptionctl.data.labels import match_classes, relabelled
from inceptionctl.data.real_labels import image_numbers, label_sets, with_real_labels
from inceptionctl.data.selection import select
from inceptionctl.data.sources import digits
from inceptionctl.data.wordnet import wordnet_ids
from inceptionctl.errors import RequestError

BLACKLIST = "ILSVRC2014_clsloc_validation_blacklist.txt"
WHERE = "data=labelled"


@pytest.fixture
def folder(tmp_path):
    """ant/00.png, ant/01.png, bee/00.png, bee/01.png."""
    return fill(tmp_path / "images", ("ant", "bee"), 2)


def chosen(index, keep=None, leave_out=None):
    found, notes = select(index, keep, leave_out, WHERE)
    return [path.decode() for path in found.files["eval"].paths_N.tolist()], notes


def test_without_lists_nothing_changes(folder):
    index = labelled_index(folder)
    assert select(index, None, None, WHERE) == (index, [])


def test_images_are_kept_and_left_out_by_path(folder, tmp_path):
    index = labelled_index(folder)
    keep = write_list(tmp_path, "./bee/01.png", "ant/00.png", "", "bee/00.png", "ant/00.png")
    assert chosen(index, keep) == (
        ["ant/00.png", "bee/00.png", "bee/01.png"], [f"kept: the 3 images of {keep}", "3 of 4 images remain"]
    )  # fmt: skip
    leave = write_list(tmp_path, "bee/00.png", name="leave.txt")
    assert chosen(index, None, leave)[0] == ["ant/00.png", "ant/01.png", "bee/01.png"]
    both = select(index, keep, leave, WHERE)[0]
    assert both.files["eval"].paths_N.tolist() == [b"ant/00.png", b"bee/01.png"]
    assert (both.n_eval, both.n_train) == (2, 0)
    assert both.eval_fingerprint == both.files["eval"].digest(both.classes) != index.eval_fingerprint
    assert both.provenance.endswith(f"; left out: the 1 image of {leave}; 2 of 4 images remain")


def test_a_file_name_is_enough_where_it_names_one_image(folder, tmp_path):
    (folder / "bee" / "01.png").rename(folder / "bee" / "x y.png")
    assert chosen(labelled_index(folder), write_list(tmp_path, "x y.png", "01.png"))[0] == ["ant/01.png", "bee/x y.png"]


def refused(words, index, keep=None, leave_out=None):
    with pytest.raises(RequestError) as caught:
        select(index, keep, leave_out, WHERE)
    assert [word for word in words if word not in str(caught.value)] == []
    assert len(str(caught.value)) < 700


def test_a_list_that_does_not_fit_is_one_message(folder, tmp_path):
    index = labelled_index(folder)
    refused(
        ["2 images are called 00.png, ant/00.png and bee/00.png", "list the paths"],
        index,
        write_list(tmp_path, "00.png"),
    )
    missing = write_list(tmp_path, "ant/00.png", "cat/00.png", "99.png")
    refused(["images.keep = ", "2 of its 3 names are not among the 4 images", "'cat/00.png', '99.png'"], index, missing)
    refused(["images.leave_out = ", "2 of its 3 names"], index, None, missing)
    refused(
        ["numbers of ImageNet's validation images", "ILSVRC2012_val_00000001.JPEG"], index, write_list(tmp_path, "36")
    )
    refused(["names no images", "a line is a file name"], index, write_list(tmp_path, "", " "))
    refused(["images.keep: ", "cannot be read: No such file"], index, tmp_path / "nowhere.txt")
    refused(["images.leave_out: ", "it is a folder"], index, None, folder)
    refused(["cannot be read: it is not UTF-8"], index, folder / "ant" / "00.png")
    every = write_list(tmp_path, "ant/00.png", "ant/01.png", "bee/00.png", "bee/01.png")
    refused(["no image is left of the 4 of data=labelled"], index, None, every)


def test_numbers_are_of_validation_images(tmp_path):
    index = validation_index([1, 2, 36, 50])
    for wrong in ("0", "50001", "999999999"):
        refused([f": {wrong} is no number of a validation image, 1 to 50,000"], index, write_list(tmp_path, "1", wrong))
    leave = write_list(tmp_path, "36", "50", "56", validation_name(1))
    names, notes = chosen(index, None, leave)
    assert names == [validation_name(2)]
    assert notes[0] == f"left out: the 3 of 4 images of {leave} that are here"
    none_here = write_list(tmp_path, "400", "500")
    assert chosen(index, None, none_here)[1] == [
        f"left out: nothing, since none of the 2 images of {none_here} is among them", "4 of 4 images remain"
    ]  # fmt: skip
    refused(["no image is left of the 4"], index, none_here)


def test_images_without_files_are_not_chosen_among():
    index = digits.Settings(name="digits", eval_split="test", workers=0).index(dev=False)
    refused(["choose among image files, and data=labelled has none"], index, None, "blacklist")


# The blacklist


@pytest.mark.parametrize("place", ["val", ".", "ILSVRC2014_devkit/data", "data", "val/ILSVRC2017_devkit"])
def test_the_blacklist_is_found_beside_the_images(place, tmp_path):
    (tmp_path / "val").mkdir()
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    listed = write_list(tmp_path / place, "36", name=BLACKLIST)
    assert find_blacklist(tmp_path / "val").samefile(listed)


def test_a_blacklist_is_never_invented(tmp_path):
    (tmp_path / "images" / "val").mkdir(parents=True)
    index = validation_index([1, 36])
    index = index.evaluated_on(replace(index.files["eval"], root=str(tmp_path / "images" / "val")))
    refused(
        ["there is no ILSVRC20*_clsloc_validation_blacklist.txt in", "images/val, ", "images.leave_out=FILE"],
        index,
        None,
        "blacklist",
    )
    write_list(tmp_path / "images", "36", name=BLACKLIST)
    assert chosen(index, None, "blacklist")[0] == [validation_name(1)]
    write_list(tmp_path, "36", name=BLACKLIST.replace("2014", "2015"))
    assert chosen(index, None, "blacklist")[0] == [validation_name(1)]
    write_list(tmp_path, "37", name=BLACKLIST.replace("2014", "2017"))
    refused(["differ", "images.leave_out=FILE"], index, None, "blacklist")


def test_the_real_blacklist_leaves_48238_of_50000():
    listed = shared_data(f"ilsvrc2012/{BLACKLIST}")
    found, notes = select(validation_index(), None, listed, "data=imagenet_val")
    assert found.n_eval == 48_238
    assert notes == [f"left out: the 1,762 images of {listed}", "48,238 of 50,000 images remain"]
    assert set(image_numbers(found.files["eval"])).isdisjoint(map(int, listed.read_text().split()))


def test_ten_of_the_sample_are_on_the_real_blacklist():
    root = shared_data("ilsvrc2012/val_sample")
    index = replace(IMAGENET_VAL, root=str(root)).index(dev=False)
    found, notes = select(index, None, "blacklist", "data=imagenet_val")
    assert found.n_eval == 90
    assert notes[0] == f"left out: the 10 of 1,762 images of {root.parent / BLACKLIST} that are here"


# ReaL labels


def test_real_labels_are_those_of_timm():
    from timm.data import RealLabelsImagenet

    names = [validation_name(number) for number in range(1, 50_001)]
    theirs = RealLabelsImagenet(names).real_labels
    ours = [set(row.tolist()) - {NO_LABEL} for row in label_sets()]
    assert ours == [set(theirs[name]) for name in names]


def test_images_without_a_real_label_are_left_out():
    found = with_real_labels(validation_index(), "weights=timm")
    sets_NL = found.files["eval"].label_sets_NL
    assert (found.n_eval, sets_NL.shape[0]) == (46_837, 46_837)
    assert (sets_NL[:, 0] >= 0).all()
    assert found.provenance.endswith("ReaL labels, which 46,837 of these 50,000 images have")
    assert found.eval_fingerprint != found.files["eval"].subset(slice(None)).digest(found.classes[::-1])


def test_real_labels_are_classes_of_the_network_whatever_their_order():
    index = validation_index([1, 2, 3])
    turned = relabelled(index, match_classes(index.classes, wordnet_ids()[::-1], "run=A"))
    one, other = (with_real_labels(found, "w").files["eval"].label_sets_NL for found in (index, turned))
    assert np.array_equal(np.where(one == NO_LABEL, NO_LABEL, 999 - one), other)


def test_real_labels_need_imagenet_and_its_names(folder, tmp_path):
    with pytest.raises(
        RequestError, match=r"labels of ImageNet's 1,000 classes, .* by a network of other classes, ant, bee"
    ):
        with_real_labels(labelled_index(folder), "run=A")
    fill(tmp_path / "own", ("ant",), 1)
    own = labelled_index(tmp_path / "own")
    with pytest.raises(RequestError, match=r"under their own names, .*: 00\.png is none"):
        with_real_labels(relabelled(own, match_classes(own.classes, 1000, "w")), "weights=timm")
    without = int(np.flatnonzero((label_sets() == NO_LABEL).all(axis=1))[0]) + 1
    with pytest.raises(RequestError, match="none of the 1 images has a ReaL label"):
        with_real_labels(validation_index([without]), "weights=timm")
