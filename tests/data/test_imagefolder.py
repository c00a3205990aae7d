"""Image folders: which splits are found, what is left out or refused, how images are opened from an index."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.image_folders import fill, settings, smooth

from inceptionctl.data.file_images import FileImages
from inceptionctl.data.images import Views
from inceptionctl.data.index import Index
from inceptionctl.data.order import generator
from inceptionctl.data.transforms import CentreCrop, CropFlip
from inceptionctl.errors import RequestError

PLAIN = CentreCrop(16, 1.0)
FLIP = CropFlip(name="crop_flip", padding=0.125, flip=0.5)
VIEWS = Views(16, FLIP.transform(16), PLAIN)


def sizes(index):
    return index.n_train, index.n_eval


def names(files):
    return [str(files.path(i).relative_to(files.root)) for i in range(len(files))]


@pytest.fixture
def folder(tmp_path):
    fill(tmp_path / "train"), fill(tmp_path / "val", count=2)
    return tmp_path


@pytest.mark.parametrize("name", ["val", "test"])
def test_train_with_val_or_test_is_found(tmp_path, name):
    fill(tmp_path / "train"), fill(tmp_path / name, count=2)
    index = settings(tmp_path).index(dev=False)
    assert sizes(index) == (12, 6)
    assert index.classes == ("ant", "bee", "cat")
    counts = "12 images of 3 classes to train on (4 each) and 6 to evaluate on (2 each)"
    assert index.provenance == f"{counts}: {tmp_path}/train and {tmp_path}/{name}"
    assert names(index.files["eval"])[:3] == ["ant/00.png", "ant/01.png", "bee/00.png"]
    assert index.files["eval"].labels_N.tolist() == [0, 0, 1, 1, 2, 2]


def test_two_folders_may_be_named(tmp_path):
    fill(tmp_path / "a"), fill(tmp_path / "b", count=1)
    where = {"train": str(tmp_path / "a"), "val": str(tmp_path / "b")}
    assert sizes(settings(**where).index(dev=False)) == (12, 3)
    with pytest.raises(RequestError, match=r"no effect beside data.train and data.val"):
        settings(split=0.1, **where).index(dev=False)


def test_a_fraction_of_each_class_is_evaluated_on_and_is_always_the_same(tmp_path):
    fill(tmp_path, count=10)
    one, two = (settings(tmp_path, split=0.2).index(dev=False) for _ in range(2))
    assert names(one.files["eval"]) == names(two.files["eval"])
    assert np.bincount(one.files["eval"].labels_N).tolist() == [2, 2, 2]
    assert not {*names(one.files["train"])} & {*names(one.files["eval"])}
    assert "20% of it to evaluate on" in one.provenance


def test_a_dev_split_lies_in_the_training_images(tmp_path):
    fill(tmp_path / "train", count=10), fill(tmp_path / "val", count=3)
    plain = settings(tmp_path).index(dev=False)
    reported, chosen = settings(tmp_path, eval_split="dev").index(dev=False), settings(tmp_path).index(dev=True)
    assert (sizes(plain), sizes(reported), sizes(chosen)) == ((30, 9), (27, 3), (27, 9))
    assert names(reported.files["eval"]) == names(chosen.files["dev"])
    assert {*names(chosen.files["train"]), *names(chosen.files["dev"])} == {*names(plain.files["train"])}
    assert "dev split: 10% of the training images" in chosen.provenance


def test_digests_follow_files_and_classes_of_their_split(folder):
    def digests():
        index = settings(folder).index(dev=False)
        return index.fingerprint, index.eval_fingerprint

    before = digests()
    assert digests() == before
    (folder / "val" / "ant" / "00.png").unlink()
    without = digests()
    assert (without[0] == before[0], without[1] == before[1]) == (
        True,
        False,
    )  # how a run is evaluated is no part of it
    for split in ("train", "val"):
        (folder / split / "cat").rename(folder / split / "dog")
    renamed = digests()
    smooth(99, (64, 64)).save(folder / "train" / "ant" / "00.png")
    assert len({before, without, renamed, digests()}) == 4


def test_a_path_is_absolute_with_its_tilde_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path)), monkeypatch.chdir(tmp_path)
    assert settings("~/images").root == str(tmp_path / "images")
    assert settings(train="a", val="b").val == str(tmp_path / "b")


WRONG = [
    ({}, "needs data.root"),
    ({"train": "x"}, "go together"),
    ({"root": "nowhere"}, "nowhere is not a folder"),
    ({"root": "."}, r"(?s)has no train/ with val/ or test/, but other/, train/\n.*data.split=0.1"),
    ({"root": ".", "split": 0.5}, r"data.split divides class folders, .*set data.root=.*/train"),
    ({"root": "other", "split": 0.5}, "other has no class folders: it holds 1 file of other kinds"),
    ({"train": "train", "val": "nowhere"}, "nowhere is not a folder that can be reached"),
]


@pytest.mark.parametrize(("changed", "message"), WRONG, ids=[str(changed) for changed, _ in WRONG])
def test_what_is_missing_is_said(changed, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "train"), (tmp_path / "other").mkdir(), (tmp_path / "other" / "a.txt").touch()
    with pytest.raises(RequestError, match=message):
        settings(**changed).index(dev=False)


def test_different_classes_are_refused(tmp_path):
    fill(tmp_path / "train"), fill(tmp_path / "val", ("ant", "bee", "cta"))
    (tmp_path / "val" / "dog").mkdir()
    with pytest.raises(
        RequestError, match=r"cat only in .*/train; cta, dog \(it holds nothing\) only in .*/val\n.*check"
    ):
        settings(tmp_path).index(dev=False)


@pytest.mark.parametrize("forbidden", ["train/bee", "val", "train/bee/2019"])
def test_a_folder_that_may_not_be_listed_is_named(forbidden, folder, monkeypatch):
    """Root may list every folder."""
    (folder / "train" / "bee" / "2019").mkdir()

    def scandir(path):
        if Path(path) == folder / forbidden:
            raise PermissionError(13, "Permission denied")
        return real(path)

    real = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(RequestError, match=f"{forbidden} cannot be listed: Permission denied"):
        settings(folder).index(dev=False)


def test_hidden_names_are_neither_classes_nor_images(folder):
    """Of Jupyter, of macOS on foreign disks, of file managers."""
    (folder / "train" / ".ipynb_checkpoints").mkdir()
    (folder / "train" / ".DS_Store").touch()
    for path in list(folder.glob("*/*/*.png")):
        path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07".ljust(4096, b"\x00"))
    index = settings(folder).index(dev=False)
    assert (index.classes, sizes(index)) == (("ant", "bee", "cat"), (12, 6))
    assert index.provenance.endswith("; left out: 20 hidden")
    flat = settings(folder / "train", split=0.25).index(dev=False)
    assert (flat.classes, sizes(flat)) == (("ant", "bee", "cat"), (9, 3))


def test_folders_of_operating_systems_and_file_servers_are_no_classes(folder):
    """macOS's archives, Windows' disks, Synology's thumbnails beside the images, the root of a Linux disk."""
    for split in ("train", "val"):
        image = next((folder / split / "ant").glob("*.png"))
        for name in ("__MACOSX", "System Volume Information", "lost+found", "ant/@eaDir"):
            (folder / split / name).mkdir()
            shutil.copy(image, folder / split / name / "a.png")
    index = settings(folder).index(dev=False)
    assert (index.classes, sizes(index)) == (("ant", "bee", "cat"), (12, 6))
    assert index.provenance.endswith("; left out: 8 folders of the operating system")


def empty(cat):
    for path in cat.iterdir():
        path.unlink()


def one_folder_deeper(cat):
    (cat / "2019").mkdir()
    for path in cat.glob("*.png"):
        path.rename(cat / "2019" / path.name)


def two_folders_deeper(cat):
    (cat / "loop").symlink_to(cat)
    one_folder_deeper(cat), (cat / "2019").rename(cat / "05"), (cat / "2019").mkdir()
    (cat / "05").rename(cat / "2019" / "05")


def of_another_kind(cat):
    for i, path in enumerate(sorted(cat.iterdir())):
        path.rename(path.with_suffix((".txt", ".pdf")[i % 2]))


@pytest.mark.parametrize(
    ("change", "instead"),
    [
        (empty, r"cat \(it holds nothing\)"),
        (one_folder_deeper, r"cat \(it holds 4 images one folder deeper\)"),
        (two_folders_deeper, r"cat \(it holds 4 images several folders deeper, 1 link to a folder\)"),
        (of_another_kind, r"cat \(it holds 4 files of other kinds \(.pdf, .txt\)\)"),
        (shutil.rmtree, "cat only in .*/val"),
    ],
)
def test_a_class_without_training_images_is_refused_with_what_lies_there(change, instead, folder):
    change(folder / "train" / "cat")
    with pytest.raises(RequestError, match=instead):
        settings(folder).index(dev=False)


def test_a_class_that_a_split_would_empty_is_refused(tmp_path):
    fill(tmp_path), fill(tmp_path, ("dog",), count=1)
    with pytest.raises(RequestError, match=r"class dog of .* has too few images to set 20% of them apart: 1"):
        settings(tmp_path, split=0.2).index(dev=False)


def test_a_class_without_evaluation_images_is_told(folder):
    empty(folder / "val" / "cat")
    index = settings(folder).index(dev=False)
    assert sizes(index) == (12, 4)
    assert index.provenance.endswith("; no images to evaluate on of cat")


def test_what_is_left_out_is_counted(folder):
    ant = folder / "train" / "ant"
    fill(ant, ("deeper",), count=3), (ant / "notes").mkdir()
    (ant / "Thumbs.db").touch(), (ant / "README").touch(), (ant / "gone.png").symlink_to("nowhere")
    smooth(0).save(folder / "val" / "loose.png")
    index = settings(folder).index(dev=False)
    assert sizes(index) == (12, 6)
    assert index.provenance.partition("; left out: ")[2] == (
        "3 images one folder deeper, 1 link to nothing, 1 folder without images, 1 image beside the class folders, "
        "2 files of other kinds (.db, no suffix)"
    )


def test_classes_of_unequal_size_are_told(folder):
    fill(folder / "train", ("bee",), count=7)
    assert "15 images of 3 classes to train on (4 to 7 each)" in settings(folder).index(dev=False).provenance


def test_a_file_of_no_bytes_is_left_out_and_counted(folder):
    for name in ("00.png", "01.png"):
        (folder / "train" / "bee" / name).write_bytes(b"")
    index = settings(folder).index(dev=False)
    assert (sizes(index), index.provenance.partition("; left out: ")[2]) == ((10, 6), "2 files of 0 bytes")


def test_links_that_lead_to_themselves_and_pipes_are_left_out(folder):
    for name in ("train/loop", "train/ant/loop.png"):
        (folder / name).symlink_to(Path(name).name)
    os.mkfifo(folder / "train" / "ant" / "pipe.jpg")
    index = settings(folder).index(dev=False)
    assert sizes(index) == (12, 6)
    assert index.provenance.endswith("left out: 2 links to nothing, 1 pipe or socket")


def test_a_class_folder_may_be_a_link(folder, tmp_path):
    (folder / "train" / "bee").rename(tmp_path / "elsewhere")
    (folder / "train" / "bee").symlink_to(tmp_path / "elsewhere")
    assert sizes(settings(folder).index(dev=False)) == (12, 6)


def test_the_search_for_images_that_lie_too_deep_is_bounded(folder):
    deep = folder / "train" / "ant" / "/".join("d" * 30)
    deep.mkdir(parents=True)
    smooth(0).save(deep / "a.png")
    assert settings(folder).index(dev=False).provenance.endswith("left out: 1 folder without images")


@pytest.mark.parametrize(
    ("there", "here"), [("caf\u00e9", "cafe\u0301"), ("Cat", "cat"), ("cat ", "cat")], ids=["form", "capitals", "blank"]
)
def test_classes_that_look_alike_are_named(there, here, tmp_path):
    fill(tmp_path / "train", ("ant", there)), fill(tmp_path / "val", ("ant", here))
    with pytest.raises(RequestError, match="differ only in capitals") as refused:
        settings(tmp_path).index(dev=False)
    assert repr(there) in str(refused.value)


def test_one_class_is_refused(tmp_path):
    fill(tmp_path / "train", ("ant",)), fill(tmp_path / "val", ("ant",))
    with pytest.raises(RequestError, match="has one class folder, ant: a network needs two"):
        settings(tmp_path).index(dev=False)


def test_the_same_folder_to_train_and_to_evaluate_on_is_told(tmp_path):
    fill(tmp_path / "train"), (tmp_path / "val").symlink_to("train")
    assert (
        settings(tmp_path)
        .index(dev=False)
        .provenance.endswith("; evaluated on the training images, since both folders are the same")
    )


def test_folders_that_are_not_used_are_told(folder):
    fill(folder / "test"), fill(folder / "extra")
    assert settings(folder).index(dev=False).provenance.endswith("; not used: extra/, test/")


def test_control_characters_in_a_class_are_shown_not_obeyed(tmp_path):
    for split in ("train", "val"):
        fill(tmp_path / split, ("ant", "\x1b[31mred\n"))
    assert settings(tmp_path).index(dev=False).classes == ("\\x1b[31mred\\n", "ant")


def test_a_class_folder_that_is_not_utf_8_is_named_in_text(folder):
    for split in ("train", "val"):
        os.rename(folder / split / "cat", os.fsencode(folder / split) + b"/cat\xff")
    index = settings(folder).index(dev=False)
    assert index.classes == ("ant", "bee", r"cat\xff")
    assert settings(folder).open(index, VIEWS, 0).train.image(0, 11).shape == (16, 16, 3)


@pytest.mark.parametrize("suffix", [".jfif", ".gif", ".pgm", ".JPG", ".tga"])
def test_every_suffix_that_pillow_reads_is_an_image(suffix, tmp_path):
    fill(tmp_path / "train", suffix=suffix), fill(tmp_path / "val")
    index = settings(tmp_path).index(dev=False)
    assert sizes(index) == (12, 12)
    assert settings(tmp_path).open(index, VIEWS, 0).train.image(0, 0).shape == (16, 16, 3)


def test_tiny_imagenet_is_read_as_it_unpacks(tmp_path):
    fill(tmp_path / "train", ("ant/images", "bee/images"), suffix=".JPEG")
    fill(tmp_path / "val", ("images",), count=3, suffix=".JPEG")
    lines = [f"{i:02d}.JPEG\t{name}\t0\t0\t62\t62\n" for i, name in enumerate(["bee", "ant", "bee"])]
    (tmp_path / "val" / "val_annotations.txt").write_text("".join(lines))
    index = settings(tmp_path).index(dev=False)
    assert (index.classes, sizes(index)) == (("ant", "bee"), (8, 3))
    assert index.files["eval"].labels_N.tolist() == [1, 0, 1]
    assert settings(tmp_path).open(index, VIEWS, 0).eval.image(0, 2).shape == (16, 16, 3)
    (tmp_path / "val" / "images" / "notes.txt").touch()
    (tmp_path / "val" / "val_annotations.txt").write_text("".join([*lines, "03.JPEG\tant\n"]))
    notes = "left out: 1 file of other kinds (.txt); 1 image of val_annotations.txt missing: 03.JPEG"
    assert settings(tmp_path).index(dev=False).provenance.endswith(notes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"00.JPEG\tbee\n", "states no class of train/ for 01.JPEG"),
        (b"00.JPEG\tbee\n01.JPEG ant\n", "val_annotations.txt, line 2: not an image and its class"),
        (b"00.JPEG\tfl\xffoh\n", "val_annotations.txt cannot be read: it is not UTF-8"),
        (b"\0" * 100, "line 1: not an image and its class"),
        (None, "val_annotations.txt cannot be read: it is a folder"),
    ],
)
def test_annotations_of_tiny_imagenet_that_are_damaged_are_named(content, message, tmp_path):
    fill(tmp_path / "train", ("ant/images", "bee/images"), suffix=".JPEG")
    fill(tmp_path / "val", ("images",), count=2, suffix=".JPEG")
    path = tmp_path / "val" / "val_annotations.txt"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(RequestError, match=message):
        settings(tmp_path).index(dev=False)


@pytest.mark.parametrize("dev", [False, True])
def test_a_stored_index_opens_the_same_images_without_listing(dev, tmp_path, monkeypatch):
    fill(tmp_path / "train", count=10), fill(tmp_path / "val", count=2)
    os.rename(tmp_path / "train" / "ant" / "00.png", os.fsencode(tmp_path / "train" / "ant") + b"/\xff.png")
    source = settings(tmp_path)
    index = source.index(dev)
    np.savez(tmp_path / "index.npz", **index.to_arrays())
    with np.load(tmp_path / "index.npz", allow_pickle=False) as arrays:
        again = Index.from_arrays(arrays)
    assert [getattr(again, key) for key in FACTS] == [getattr(index, key) for key in FACTS]
    for name in ("scandir", "listdir", "walk"):
        monkeypatch.setattr(os, name, None)
    one, other = source.open(index, VIEWS, 1), source.open(again, VIEWS, 1)
    for split in ("train", "monitor", "eval"):
        ours, theirs = getattr(one, split), getattr(other, split)
        assert ours.labels_N.tolist() == theirs.labels_N.tolist()
        assert all((ours.image(3, i) == theirs.image(3, i)).all() for i in range(len(ours)))
    assert len(one.monitor) == (3 if dev else 6)


FACTS = ("n_train", "n_eval", "classes", "provenance", "fingerprint", "eval_fingerprint", "dev")


def test_images_that_are_gone_are_named(folder):
    index = settings(folder).index(dev=False)
    shutil.rmtree(folder / "val")
    with pytest.raises(RequestError, match=f"images of this run were in {folder}/val"):
        settings(folder).open(index, VIEWS, 0)


def test_training_images_are_pure_functions_of_seed_epoch_and_index(folder):
    index = settings(folder).index(dev=False)
    one, other = (settings(folder).open(index, VIEWS, seed) for seed in (1, 2))
    assert (one.train.image(0, 0) == one.train.image(0, 0)).all()
    assert len({one.train.image(epoch, 0).tobytes() for epoch in range(6)}) > 1
    assert any((one.train.image(0, i) != other.train.image(0, i)).any() for i in range(12))
    assert (one.eval.image(0, 0) == other.eval.image(5, 0)).all()


def test_the_centre_crop_is_pillow_s():
    """Cropping first, then resizing, gives the same pixels but at the border, where the crop cuts the filter off."""
    image = Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 80, 3), dtype=np.uint8))
    ours = CentreCrop(28, 0.875)(image, generator(0, 0))
    theirs = image.crop((12, 4, 68, 60)).resize((28, 28), Image.Resampling.BILINEAR)
    assert (np.asarray(ours)[1:-1, 1:-1] == np.asarray(theirs)[1:-1, 1:-1]).all()


def test_the_first_evaluation_images_are_monitored_without_a_dev_split(folder):
    splits = settings(folder).open(settings(folder).index(dev=False), VIEWS, 0)
    assert isinstance(splits.monitor, FileImages)
    assert splits.monitor.files is splits.eval.files
