"""Listings in the user's cache: used while nothing has changed, made anew otherwise, and never trusted if damaged."""

from __future__ import annotations

import os
import shutil
import time

import numpy as np
import pytest
from support.data_sets import data_set
from support.image_folders import fill, settings
from support.tar_images import write_folders, write_shards

from inceptionctl.data import cached_listing, index_cache
from inceptionctl.data.cached_listing import Key, read, write
from inceptionctl.data.index_cache import found_of, list_anew
from inceptionctl.data.registry import SOURCES
from inceptionctl.data.training_source import TrainingSource
from inceptionctl.npz import read_npz, save_npz

NAMES = sorted(name for name, source in SOURCES.items() if issubclass(source, TrainingSource) and source.caches_listing)
LONG_AGO = (1e9, 1e9)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Empty. Trees of tests have been made just now: that is no reason to distrust them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cached_listing, "COARSE_NS", 0)
    monkeypatch.setattr(index_cache, "_used", {})
    return tmp_path / "cache" / "inceptionctl" / "index"


def forget():
    """What this process has listed or used."""
    settings()
    index_cache._used.clear()


def age(folder):
    for path in (folder, *folder.rglob("*")):
        os.utime(path, LONG_AGO)


def keep(source):
    """The listing of `source`, as the first command of several keeps it."""
    listed = list_anew(source.key, source.find)
    write(source.key, listed)
    return listed.found


def facts(found):
    return (
        found.classes, found.where, found.notes, found.numbered,
        {split: (files.root, files.digest(found.classes)) for split, files in found.splits.items()},
    )  # fmt: skip


def no_listing():
    raise AssertionError("the images are listed again")


def why_anew(source, capsys):
    """What is said as a listing that is kept is not used."""
    capsys.readouterr()
    forget()
    asked = []
    found_of(source.key, lambda: asked.append(1) or source.find())
    assert asked == [1]
    return capsys.readouterr().err.splitlines()[0].removeprefix("inceptionctl: ")


def test_the_sets_that_are_kept():
    assert NAMES == ["imagefolder", "imagenet", "list", "packed", "parquet", "tiny_imagenet", "webdataset"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_what_was_listed_and_opens_the_same_images(name, tmp_path, monkeypatch, capsys):
    source = data_set(name, tmp_path / "data")
    listed = keep(source)
    for function in ("scandir", "listdir", "walk"):
        monkeypatch.setattr(os, function, None)
    found = found_of(source.key, no_listing)
    assert facts(found) == facts(listed)
    assert found_of(source.key, no_listing) is found
    (line,) = capsys.readouterr().err.splitlines()
    assert "images as listed on" in line
    assert [found.train.read(i) for i in range(6)] == [listed.train.read(i) for i in range(6)]


def test_settings_of_all_sets_are_applied_to_what_is_kept(tmp_path):
    root = fill(tmp_path / "data" / "train", count=10).parent
    fill(root / "val")
    (tmp_path / "list.txt").write_text("train/ant/03.png\n")
    plain, changed = settings(root), {"leave_out": str(tmp_path / "list.txt"), "train_fraction": 0.5}
    fresh = settings(root, **changed).index(dev=True)
    keep(plain)
    assert settings(root, **changed).key == plain.key
    kept = settings(root, **changed).index(dev=True)
    assert len(index_cache._used) == 1
    assert (kept.fingerprint, kept.eval_fingerprint, kept.provenance) == (
        fresh.fingerprint, fresh.eval_fingerprint, fresh.provenance,
    )  # fmt: skip
    assert settings(root, split=0.5).key != plain.key


def add_image(folder):
    shutil.copy(folder / "train/ant/00.jpg", folder / "train/ant/99.jpg")


def add_image_with_the_time_set_back(folder):
    add_image(folder)
    os.utime(folder / "train/ant", LONG_AGO)


def add_class(folder):
    for split in ("train", "val"):
        shutil.copytree(folder / split / "ant", folder / split / "dog")


def replace_root(folder):
    fill(folder.parent / "other" / "train", count=5), fill(folder.parent / "other" / "val")
    folder.rename(folder.parent / "away")
    (folder.parent / "other").rename(folder)


def rewrite(name, text):
    def change(folder):
        path = folder / name
        path.write_text(path.read_text() + text)

    return change


def unpack(folder):
    """Class folders go before the tar."""
    write_folders(folder / "val", {"n01440764": {"ILSVRC2012_val_00000001.JPEG": b"x"}})


CHANGES = {
    "an image more": ("imagefolder", add_image, "train/ant has changed"),
    "an image more, the time of the folder set back": (
        "imagefolder", add_image_with_the_time_set_back, "train/ant has changed",
    ),
    "an image less": ("imagefolder", lambda folder: (folder / "val/bee/00.jpg").unlink(), "val/bee has changed"),
    "a class more": ("imagefolder", add_class, "train has changed"),
    "another tree": ("imagefolder", replace_root, "data has changed"),
    "a line more": ("list", rewrite("train.txt", "val/ant/00.png ant\n"), "train.txt has changed"),
    "another label": ("tiny_imagenet", rewrite("val/val_annotations.txt", "\n"), "val_annotations.txt has changed"),
    "a shard anew": (
        "webdataset", lambda folder: write_shards(folder / "train", "train", 2, 19), "train-000000.tar has changed",
    ),
    "a shard more": (
        "webdataset", lambda folder: shutil.copy(folder / "val/val-000000.tar", folder / "val/x.tar"),
        "val has changed",
    ),
    "other validation images": ("imagenet", unpack, "data has changed"),
    "an archive touched": (
        "imagenet", lambda folder: os.utime(folder / "ILSVRC2012_img_train.tar"), "img_train.tar has changed",
    ),
    "a packed shard touched": (
        "packed", lambda folder: os.utime(folder / "packed/train-00001.bin"), "train-00001.bin has changed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed(change, tmp_path, capsys):
    name, apply, message = CHANGES[change]
    source = data_set(name, tmp_path / "data")
    age(tmp_path / "data")
    before = keep(source)
    apply(tmp_path / "data")
    capsys.readouterr()
    asked = []
    found = found_of(source.key, lambda: asked.append(1) or before)
    assert (asked, found) == ([1], before)
    said = capsys.readouterr().err
    assert f"{message} since the images were listed on" in said
    assert "the images are listed anew" in said


def test_what_has_changed_is_listed_and_kept_again(tmp_path, capsys):
    root = tmp_path / "data"
    source = data_set("imagefolder", root)
    age(root)
    keep(source)
    add_image(root)
    now = settings(root)
    assert why_anew(now, capsys).startswith(f"{root}/train/ant has changed")
    forget()
    assert len(found_of(now.key, no_listing).train) == 37


def test_a_link_counts_as_what_it_leads_to(tmp_path, capsys):
    fill(tmp_path / "far", ("ant",)), fill(tmp_path / "data" / "val")
    fill(tmp_path / "data" / "train", ("bee", "cat"))
    (tmp_path / "data/train/ant").symlink_to(tmp_path / "far/ant")
    source = settings(tmp_path / "data")
    age(tmp_path / "data"), age(tmp_path / "far")
    keep(source)
    shutil.copy(tmp_path / "far/ant/00.png", tmp_path / "far/ant/09.png")
    assert why_anew(settings(tmp_path / "data"), capsys).startswith(f"{tmp_path}/data/train/ant has changed")


def test_a_folder_that_had_just_changed_is_not_trusted(tmp_path, capsys, monkeypatch):
    """It may have changed again within the same tick of the file system's clock."""
    source = data_set("imagefolder", tmp_path / "data")
    monkeypatch.setattr(cached_listing, "COARSE_NS", 3600 * 10**9)
    keep(source)
    assert "had just changed when the images were listed on" in why_anew(source, capsys)
    later = time.time_ns() + 2 * 3600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later)
    forget()
    keep(source)
    found_of(source.key, no_listing)


def test_only_large_sets_are_kept_unasked(tmp_path, monkeypatch, capsys, cache):
    source = data_set("imagefolder", tmp_path / "data")
    source.index(dev=False)
    assert (cache.exists(), capsys.readouterr().err) == (False, "")
    monkeypatch.setattr(index_cache, "LEAST", 45)
    source.index(dev=False)  # as it was listed before, when nobody noted the times
    assert (cache.exists(), capsys.readouterr().err) == (False, "")
    forget()
    found = source.index(dev=False)
    (line,) = capsys.readouterr().err.splitlines()
    assert ": 45 images listed in " in line
    assert line.endswith(f"the listing is kept in {source.key.path}")
    forget()
    assert found_of(source.key, no_listing).train.digest(found.classes) == found.fingerprint


def arrays_changed(**changes):
    def change(path):
        with path.open("rb") as file:
            arrays = read_npz(file)
        with path.open("wb") as file:
            save_npz(file, {name: changes.get(name, array) for name, array in arrays.items()})

    return change


DAMAGES = {
    "empty": (lambda path: path.write_bytes(b""), "is damaged"),
    "half": (lambda path: path.write_bytes(path.read_bytes()[:999]), "is damaged"),
    "a changed byte": (lambda path: path.write_bytes(path.read_bytes().replace(b"ant/", b"anT/", 1)), "is damaged"),
    "a label of no class": (arrays_changed(**{"train.labels": np.full(36, 3)}), "is damaged: one is of none of the"),
    "labels of fewer": (arrays_changed(**{"train.labels": np.zeros(5, int)}), "is damaged: they are no list of"),
    "no times": (arrays_changed(stamps=np.zeros((1, 3), int)), "is damaged: it does not say what it was read from"),
    "no stamps": (
        arrays_changed(stamps=np.zeros((0, 3), int), stamped=np.array([], "S1")),
        "is damaged: it does not say what",
    ),
    "no facts": (arrays_changed(facts=np.array("{}")), "is damaged"),
    "no JSON": (arrays_changed(facts=np.array("[" * 9999)), "is damaged"),
    "another schema": (arrays_changed(schema=np.array(2)), "is of another version"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "is a folder, not a file"),
    "a FIFO": (lambda path: (path.unlink(), os.mkfifo(path)), "is a FIFO, not a file"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_said_and_made_anew(damage, tmp_path, capsys):
    source = data_set("imagefolder", tmp_path / "data")
    listed = keep(source)
    change, message = DAMAGES[damage]
    change(source.key.path)
    said = why_anew(source, capsys)
    assert str(source.key.path) in said
    assert message in said
    if damage != "a folder":
        assert facts(read(source.key).found) == facts(listed)


def test_the_listing_of_other_data_is_not_used(tmp_path, capsys):
    one, other = (data_set("imagefolder", tmp_path / name) for name in ("one", "other"))
    keep(one)
    shutil.copy(one.key.path, other.key.path)
    assert why_anew(other, capsys) == f"{other.key.path} is of other data: the images are listed anew"


def test_the_listing_of_another_version_is_not_used(tmp_path, capsys, monkeypatch):
    source = data_set("imagefolder", tmp_path / "data")
    monkeypatch.setattr(cached_listing, "pillow_version", "1.0")
    keep(source)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert "is of other versions (inceptionctl" in why_anew(source, capsys)


def test_without_a_cache_the_work_goes_on(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(index_cache, "LEAST", 1)
    assert data_set("imagefolder", tmp_path / "data").index(dev=False).n_train == 36
    said = capsys.readouterr().err
    assert f"inceptionctl: {tmp_path}/file/inceptionctl/index/imagefolder-" in said
    assert "cannot be read: Not a directory" in said
    assert "the next command lists the images again" in said


def test_a_name_that_is_not_utf8_is_kept(tmp_path):
    root = fill(tmp_path / "data" / "train").parent
    fill(root / "val")
    os.rename(root / "train/ant/00.png", os.path.join(os.fsencode(root), b"train/ant/\xe4.png"))
    source = settings(root)
    assert facts(keep(source)) == facts(found_of(source.key, no_listing))


def test_the_key_is_made_of_the_settings_that_name_images(tmp_path):
    first = settings(tmp_path)
    assert first.key == Key("imagefolder", (("root", str(tmp_path)), ("train", None), ("val", None), ("split", None)))
    assert settings(tmp_path, workers=3, on_corrupt="skip").key == first.key
