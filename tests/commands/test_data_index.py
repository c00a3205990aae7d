"""`inceptionctl data index`: what it prints and keeps, when it lists again, and what it refuses."""

from __future__ import annotations

import json
import shutil

import pytest
from support.image_folders import fill, settings

from inceptionctl.cli import main
from inceptionctl.data import cached_listing, index_cache


@pytest.fixture
def images(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cached_listing, "COARSE_NS", 0)
    monkeypatch.setattr(index_cache, "_used", {})
    fill(tmp_path / "images" / "train"), fill(tmp_path / "images" / "val", count=2)
    settings()  # forgets what this process has listed
    return tmp_path / "images"


def data(capsys, *words):
    """(exit code, standard output, standard error)."""
    code = main(["data", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def report(capsys, *words):
    code, out, _ = data(capsys, *words, "--json")
    assert code == 0
    return json.loads(out)


def test_a_tree_is_listed_once(images, capsys):
    first, again = (report(capsys, "index", images) for _ in range(2))
    assert (first["schema"], first["up_to_date"], again["up_to_date"]) == (1, False, True)
    assert first | {"up_to_date": True} == again
    assert first["classes"] == ["ant", "bee", "cat"]
    train = first["splits"]["train"]
    sizes = [path.stat().st_size for path in (images / "train").rglob("*.png")]
    assert (train["images"], train["bytes"], train["root"]) == (12, sum(sizes), f"{images}/train")
    index = settings(images).index(dev=False)
    assert [one["digest"] for one in first["splits"].values()] == [index.fingerprint, index.eval_fingerprint]


def test_a_person_reads_what_there_is_and_where_it_is_kept(images, capsys):
    code, out, err = data(capsys, "index", images)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == f"{images}/train and {images}/val: 3 classes"
    assert lines[1].startswith("train: 12 images, ")
    assert "digest" in lines[2]
    assert lines[3].startswith("listed in ")
    assert lines[4].startswith(f"kept in {images.parent}/cache/inceptionctl/index/imagefolder-")
    assert data(capsys, "index", images)[1].splitlines()[3].startswith("up to date: no folder has changed since ")


def test_a_change_is_listed_and_rebuild_lists_in_any_case(images, capsys):
    report(capsys, "index", images)
    settings()  # forgets what this process has listed
    assert report(capsys, "index", images, "--rebuild")["up_to_date"] is False
    shutil.copytree(images / "train" / "ant", images / "train" / "dog")
    shutil.copytree(images / "val" / "ant", images / "val" / "dog")
    settings()
    code, out, err = data(capsys, "index", images)
    assert (code, "4 classes" in out) == (0, True)
    assert f"{images}/train has changed since the images were listed on" in err


def test_train_uses_it_and_says_so(images, capsys):
    report(capsys, "index", images)
    words = ["train", "scale=imagefolder", f"data.root={images}", "train.batch_size=4", "--dry-run"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.err.startswith(f"inceptionctl: {images}/train and {images}/val: 18 images as listed on ")
    assert "12 images of 3 classes to train on" in said.out


def test_a_cache_that_cannot_be_written_is_an_error(images, capsys, monkeypatch):
    (images.parent / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(images.parent / "file"))
    code, out, err = data(capsys, "index", images)
    assert (code, out) == (1, "")
    assert f"cannot write {images.parent}/file/inceptionctl/index/imagefolder-" in err.splitlines()[-1]


WRONG = [
    (["check", ".", "--rebuild"], "--rebuild has no effect on check"),
    (["index", ".", "--workers", "2"], "--workers has no effect on index"),
    (["index", ".", "--sample", "2"], "--sample has no effect on index"),
    (["index", ".", "--fix-list", "x"], "--fix-list has no effect on index"),
    (["index", ".", "--out", "x"], "--out has no effect on index"),
    (["index", "data=digits"], "data=digits has no index to keep"),
    (["index", "data=cifar10"], "data=cifar10 has no index to keep"),
    (["index", "data=labelled", "data.root=."], "data=labelled has no index to keep"),
    (["index", ".", "data.leave_out=x"], "data.leave_out has no effect on index"),
    (["index", ".", "data.train_fraction=0.5"], "data.train_fraction has no effect on index"),
    (["index", ".", "data.eval_split=dev"], "data.eval_split has no effect on index"),
    (["index", "."], "has no train/ with val/ or test/"),
]


@pytest.mark.parametrize(("words", "message"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_a_wrong_request_gets_one_message(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    code, out, err = data(capsys, *words)
    assert (code, out) == (2, "")
    assert message in err
    assert list(tmp_path.iterdir()) == []
