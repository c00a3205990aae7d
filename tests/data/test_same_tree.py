"""An index of another tree: told before training begins, or when the first image that differs is read."""

from __future__ import annotations

import shutil

import pytest
from support.data_sets import data_set
from support.image_folders import fill, plain_views, settings, smooth

from inceptionctl.data.images import IGNORED, Unreadable
from inceptionctl.data.index import Index
from inceptionctl.errors import DataError, RequestError

VIEWS = plain_views(8)


@pytest.fixture
def root(tmp_path):
    fill(tmp_path / "data" / "train", count=9), fill(tmp_path / "data" / "val")
    return tmp_path / "data"


def opened(source, index):
    return source.open(index, VIEWS, 0)


def refusal(source, index):
    with pytest.raises(RequestError) as caught:
        opened(source, index)
    return str(caught.value)


def test_images_of_other_names_are_told_from_those_of_the_index(root):
    source = settings(root)
    index = source.index(dev=False)
    for path in list(root.rglob("*.png")):
        path.rename(path.with_stem(f"other-{path.stem}"))
    said = refusal(source, index)
    assert said.startswith(
        f"{root}/train does not hold the images that this run was planned with: "
        f"{root}/train/ant/00.png: No such file or directory; so 16 of 16 that were looked at\n"
    )


def test_images_of_other_sizes_are_told_too(root):
    source = settings(root, on_corrupt="skip")
    index = source.index(dev=False)
    for number, path in enumerate(sorted(root.rglob("*.png"))):
        smooth(number, (30, 30)).save(path)
    size, before = (root / "train/ant/00.png").stat().st_size, int(index.files["train"].sizes_N[0])
    assert f"/train/ant/00.png: it has {size:,} bytes, and had {before:,} when the images were listed" in refusal(
        source, index
    )


def test_evaluation_images_alone_are_told(root):
    source = settings(root)
    index = source.index(dev=False)
    shutil.rmtree(root / "val"), fill(root / "val", ("x", "y"))
    assert refusal(source, index).startswith(f"{root}/val does not hold the images that this run was planned with")


def test_another_tar_is_told(tmp_path):
    source = data_set("webdataset", tmp_path)
    index = Index.from_arrays(source.index(dev=False).to_arrays())  # as it is stored with a run
    first = index.files["train"].name(0)
    before, other = (tmp_path / name for name in ("train/train-000000.tar", "val/val-000000.tar"))
    lengths = f"it has {other.stat().st_size:,} bytes, and had {before.stat().st_size:,} when"
    for path in (tmp_path / "train").iterdir():
        shutil.copy(other, path)
    assert f"{first}: {lengths}" in refusal(source, index)
    for path in (tmp_path / "train").iterdir():
        path.unlink()
    assert f"{first}: No such file or directory; so 16 of 16" in refusal(source, index)


@pytest.mark.parametrize("policy", ["error", "skip", "replace"])
def test_a_few_that_differ_are_met_as_they_are_read(policy, root):
    source = settings(root, on_corrupt=policy)
    index = source.index(dev=False)
    changed = root / "train/ant/00.png"
    before = changed.stat().st_size
    smooth(77, (30, 30)).save(changed)  # can be decoded, and is not what was listed
    assert changed.stat().st_size != before
    images = opened(source, index).train
    message = f"{changed} cannot be read: it has .* bytes, and had {before:,} when the images were listed"
    with pytest.raises(DataError, match=message) as caught:
        images.image(0, 0)
    if policy == "error":
        assert str(caught.value).endswith("remove it, or set data.on_corrupt=skip or replace")
    else:
        assert isinstance(caught.value, Unreadable)
        assert caught.value.label == (IGNORED if policy == "skip" else 0)
    assert images.image(0, 1).shape == (8, 8, 3)
