"""Labelled images to evaluate on: class folders, and lists of files and labels."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.image_folders import fill, plain_views, smooth
from support.image_folders import settings as imagefolder
from support.labelled_images import LABELLED, labelled_index, write_list
from support.shared_data import shared_data

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.images import IGNORED, Unreadable
from inceptionctl.data.labels import matched
from inceptionctl.errors import DataError, RequestError
from inceptionctl.planning.plan import plan


@pytest.fixture
def images(tmp_path):
    """Three images in a folder, one below it in a folder with a space in its name."""
    for name in ("a.png", "b.png", "more images/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        smooth(len(name)).save(tmp_path / name)
    return tmp_path


def test_class_folders_are_evaluated_on_and_nothing_else(tmp_path):
    fill(tmp_path, ("ant", "bee"), 3)
    (tmp_path / "cat").mkdir()
    (tmp_path / "ant" / "notes.txt").write_text("not an image")
    index = labelled_index(tmp_path)
    assert (index.n_train, index.n_eval, index.classes, [*index.files]) == (0, 6, ("ant", "bee"), ["eval"])
    assert index.files["eval"].labels_N.tolist() == [0, 0, 0, 1, 1, 1]
    assert index.provenance == (
        f"6 images of 2 classes (3 each): {tmp_path}; no images in cat; left out: 1 file of other kinds (.txt)"
    )


def test_a_list_gives_each_image_its_label_in_its_own_order(images):
    lines = write_list(images, "b.png bee", "", "./more images/c.png\tant", "a.png   bee \r")
    index = labelled_index(list=lines)
    assert index.files["eval"].paths_N.tolist() == [b"b.png", b"more images/c.png", b"a.png"]
    assert [index.classes[k] for k in index.files["eval"].labels_N] == ["bee", "ant", "bee"]
    assert index.files["eval"].sizes_N.tolist() == [
        (images / p).stat().st_size for p in ("b.png", "more images/c.png", "a.png")
    ]
    assert index.provenance == f"3 images of 2 classes (1 to 2 each): {lines}, files below {images}"


def test_numbers_in_a_list_are_class_indices_whatever_their_order(images):
    index = labelled_index(images, write_list(images, "b.png 10", "a.png 9", "more images/c.png 010"))
    assert (index.classes, index.numbered) == (("9", "10"), True)
    assert index.files["eval"].labels_N.tolist() == [1, 0, 1]
    assert matched(index, 1000, "w").files["eval"].labels_N.tolist() == [10, 9, 10]


def test_a_list_may_lie_elsewhere(images, tmp_path_factory):
    lines = write_list(tmp_path_factory.mktemp("lists"), "a.png ant")
    assert labelled_index(images, lines).files["eval"].root == str(images)
    with pytest.raises(RequestError, match=r"data\.root=DIR is the folder that the paths begin at"):
        labelled_index(list=lines)


LISTS = {
    "nothing": ([], ["lists no images", "images/0001.jpg 65"]),
    "blank lines": (["", "  "], ["lists no images"]),
    "no label": (["a.png ant", "b.png"], ["line 2", "'b.png' is a path without a label"]),
    "CSV": (["a.png,ant"], ["line 1", "'a.png,ant' is a path without a label"]),
    "negative": (["a.png 0", "b.png -1"], ["line 2", "label -1", "begin at 0"]),
    "a sign": (["a.png +1"], ["line 1", "label +1"]),
    "both kinds": (["a.png 0", "b.png bee"], ["(0 in line 1)", "('bee' in line 2)", "all of one kind"]),
    "a fraction": (["a.png 0", "b.png 1.0"], ["('1.0' in line 2)"]),
    "absolute": (["/etc/passwd 0"], ["line 1", "'/etc/passwd' is no path below data.root"]),
    "above": (["../a.png 0"], ["line 1", "'../a.png' is no path below data.root"]),
    "above, later": (["x/../../a.png 0"], ["line 1", "no path below data.root"]),
    "twice": (["a.png 0", "b.png 0", "./a.png 1"], ["'a.png' twice", "lines 1 and 3"]),
    "missing": (["a.png 0", "x.png 1", "y.png 1"], ["2 of the 3 images", "x.png (line 2), y.png (line 3)"]),
    "a folder": (["more 0", "more\\ images 1"], ["2 of the 2 images"]),
    "folder": (["more images 0"], ["line 1", "'more images' is a folder, not an image"]),
    "label first": (["0 a.png", "1 b.png"], ["2 of the 2 images", "0 (line 1)"]),
    "a long name": ([f"{'x' * 300}.png 0"], ["1 of the 1 image", "xxx..."]),
    "an escape sequence": (["\x1b[2J.png 0"], ["\\x1b[2J.png (line 1)"]),
    "a NUL": (["a\0.png 0"], ["line 1", "no path below data.root"]),
    "a dot": ([". 0"], ["line 1", "no path below data.root"]),
}  # fmt: skip


@pytest.mark.parametrize("wrong", LISTS)
def test_a_wrong_list_is_one_message_with_its_line(wrong, images):
    lines, words = LISTS[wrong]
    refused(words, list=write_list(images, *lines), root=images)


def refused(words, **settings):
    with pytest.raises(RequestError) as caught:
        labelled_index(**settings)
    message = str(caught.value)
    assert [word for word in words if word not in message] == []
    assert len(message) < 600


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([b"a.png", b"b.png", b" ", b"\n", b"0", b"1", b"ant", b"/", b"..", b"\xff", b"\x1b"])))
def test_any_bytes_are_a_list_or_refused(images, parts):
    (images / "any.txt").write_bytes(b"".join(parts))
    message = ""
    try:
        index = matched(labelled_index(list=images / "any.txt"), ["ant", "1"], "run=A")
        assert set(index.files["eval"].labels_N.tolist()) <= {0, 1}
    except RequestError as error:
        message = str(error)
    assert all(c.isprintable() or c == "\n" for c in message)


def test_other_white_space_is_part_of_a_name(images):
    (images / "a.png").rename(images / "a\u00a0\u2028.png")
    index = labelled_index(list=write_list(images, "a\u00a0\u2028.png  0"))
    assert index.files["eval"].paths_N.tolist() == ["a\u00a0\u2028.png".encode()]


def test_folders_of_imagenet_v2_are_class_numbers(tmp_path):
    fill(tmp_path, ("0", "10", "2"), 1)
    index = matched(labelled_index(tmp_path), 1000, "weights=timm")
    assert index.files["eval"].labels_N.tolist() == [0, 10, 2]
    assert index.provenance.endswith("matched by number to 3 of the 1,000 classes of weights=timm")


def test_a_list_that_is_no_text_file_is_named(images):
    refused(["data.list: ", "nowhere.txt cannot be read: No such file"], list=images / "nowhere.txt")
    refused(["more images cannot be read: it is a folder"], list=images / "more images")
    refused(["a.png cannot be read: it is not UTF-8"], list=images / "a.png")
    os.mkfifo(images / "pipe")
    refused(["pipe cannot be read: it is a FIFO"], list=images / "pipe")
    refused(["data.root = ", "a.png is not a folder"], list=write_list(images, "a.png 0"), root=images / "a.png")


def test_a_folder_without_class_folders_says_what_it_has(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("other")
    refused(["data=labelled needs data.root=DIR", "data.list=FILE"])
    refused(["nowhere is not a folder"], root=images / "nowhere")
    refused(["no images in class folders: it holds nothing"], root=folder)
    fill(folder / "train", ("ant", "bee"), 1)
    fill(folder / "val", ("ant", "bee"), 1)
    refused([f"set data.root={folder}/val"], root=folder)
    os.rename(images / "more images", images / ".hidden")
    refused(["2 images beside the class folders", "data.list=FILE", "data=imagenet_val"], root=images)


def test_it_is_not_trained_on(images):
    with pytest.raises(RequestError, match="data=labelled has no images to train on: it is for inceptionctl eval"):
        plan(parse(compose("train", ["data=labelled", f"data.root={images}"])))


# Images that cannot be read


def opened(folder, on_corrupt, index=None):
    source = replace(LABELLED, root=str(folder), on_corrupt=on_corrupt)
    return source.open(index or source.index(dev=False), plain_views(8), 0)


@pytest.fixture
def damaged(tmp_path):
    """Four images, of which the second is cut off."""
    path = fill(tmp_path, ("ant", "bee"), 2) / "ant" / "01.png"
    path.write_bytes(path.read_bytes()[:-200])
    return tmp_path


def test_an_image_that_cannot_be_read_ends_with_its_name(damaged):
    with pytest.raises(DataError, match=r"ant/01.png cannot be read: .*set data.on_corrupt=skip or wrong"):
        opened(damaged, "error").eval.image(0, 1)


@pytest.mark.parametrize(("policy", "label", "wrong"), [("skip", IGNORED, False), ("wrong", 0, True)])
def test_an_image_that_cannot_be_read_is_left_out_or_counts_as_wrong(policy, label, wrong, damaged):
    with pytest.raises(Unreadable) as caught:
        opened(damaged, policy).eval.image(0, 1)
    assert (caught.value.label, caught.value.wrong) == (label, wrong)
    assert (caught.value.image == 128).all()


@pytest.mark.parametrize(("policy", "label"), [("replace", IGNORED), ("skip", IGNORED), ("wrong", 0)])
def test_an_image_folder_of_a_run_is_evaluated_alike(policy, label, damaged):
    """No other image stands for one that is evaluated on; in training nothing is wrong."""
    fill(damaged / "own" / "train", ("ant", "bee"), 2)
    (damaged / "own" / "val").mkdir()
    for name in ("ant", "bee"):
        (damaged / name).rename(damaged / "own" / "val" / name)
    source = imagefolder(damaged / "own", on_corrupt=policy)
    index = matched(source.index(dev=False), ["ant", "bee"], "run=A")
    splits = source.open(index, plain_views(8), 0)
    with pytest.raises(Unreadable) as caught:
        splits.eval.image(0, 1)
    assert (caught.value.label, caught.value.wrong) == (label, policy == "wrong")
    assert len(splits.train) == 0
    whole = source.open(source.index(dev=False), plain_views(8), 0)
    assert whole.train.on_corrupt == ("skip" if policy == "wrong" else policy)


def test_there_is_nothing_to_train_on_and_the_images_have_to_stay(damaged):
    source = replace(LABELLED, root=str(damaged))
    index = source.index(dev=False)
    splits = opened(damaged, "skip")
    assert (len(splits.train), len(splits.monitor), len(splits.eval)) == (0, 4, 4)
    damaged.rename(damaged.with_name("moved"))
    with pytest.raises(RequestError, match="is not a folder any more"):
        opened(damaged, "skip", index)


# Real folders


def test_the_sample_of_imagenet_is_matched_by_wordnet_id():
    index = matched(labelled_index(shared_data("imagenet_sample")), 1000, "weights=timm")
    assert index.provenance.startswith("238 images of 238 classes (1 each): ")
    assert index.provenance.endswith("; matched by WordNet id to 238 of the 1,000 classes of weights=timm")
    files = index.files["eval"]
    folders = [path.partition(b"/")[0].decode() for path in files.paths_N.tolist()]
    assert [index.classes[k] for k in files.labels_N] == folders


def test_ants_and_bees_are_not_classes_of_imagenet(tmp_path):
    import tarfile

    with tarfile.open(shared_data("hymenoptera.tar")) as archive:
        archive.extractall(tmp_path, filter="data")
    index = labelled_index(tmp_path / "hymenoptera" / "val")
    assert index.n_eval == 153
    assert matched(index, ["ants", "bees"], "run=A").provenance.endswith("matched by name to all 2 classes of run=A")
    with pytest.raises(RequestError, match=r"nearest: ant \(n02219486\) for 'ants', bee \(n02206856\) for 'bees'"):
        matched(index, 1000, "weights=timm")
