"""ImageNet as it is downloaded and in every state of unpacking: the same images, order, labels and digest."""

from __future__ import annotations

import gzip
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from support.image_folders import settings as imagefolder
from support.labelled_images import balanced_labels, fill_validation, validation_name, write_devkit
from support.shared_data import shared_data
from support.tar_images import (
    WNIDS,
    jpeg,
    training_images,
    write_class_tars,
    write_folders,
    write_tar,
    write_tar_of_tars,
)  # fmt: skip

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse, parse_evaluation
from inceptionctl.data.decode import read_pixels
from inceptionctl.data.devkit import GROUND_TRUTH, META, find_blacklist
from inceptionctl.data.devkit_archive import ARCHIVE
from inceptionctl.data.imagenet_eval import SOLUTION, VAL_TAR
from inceptionctl.data.imagenet_train import TRAIN_TAR
from inceptionctl.data.labels import matched
from inceptionctl.data.sources import imagenet
from inceptionctl.data.wordnet import wordnet_ids
from inceptionctl.errors import RequestError
from inceptionctl.planning.evaluation.images import images_of

IMAGES = training_images(count=5)
KAGGLE = "ILSVRC/Data/CLS-LOC"
NUMBERS = (np.flatnonzero(balanced_labels() < len(WNIDS))[:6] + 1).tolist()
VALIDATION = {validation_name(n): jpeg(n) for n in NUMBERS}


def index(root, devkit=None):
    """Listed anew: a test may have changed what lies there."""
    imagenet._find.cache_clear()
    words = ["data=imagenet", f"data.root={root}", *([f"data.devkit={devkit}"] if devkit else [])]
    return parse(compose("train", words)).data.index(dev=False)


def refusal(root, devkit=None):
    with pytest.raises(RequestError) as caught:
        index(root, devkit)
    assert len(str(caught.value)) < 800
    return str(caught.value)


def facts(files, classes):
    pixels = [np.asarray(read_pixels(files, i)) for i in range(len(files))]
    return files.digest(classes), files.paths_N.tolist(), files.labels_N.tolist(), pixels


def alike(one, other):
    return one[:3] == other[:3] and all(map(np.array_equal, one[3], other[3]))


@pytest.fixture(scope="module")
def devkit(tmp_path_factory):
    return write_devkit(tmp_path_factory.mktemp("kits") / "kit" / "data")


@pytest.fixture
def labelled(tmp_path, devkit):
    """A folder with validation images and the devkit, that training images are added to."""
    shutil.copytree(devkit, tmp_path / "data")
    write_tar(tmp_path / VAL_TAR, VALIDATION)
    return tmp_path


# Training images


TRAIN = {
    "tar of tars": lambda root: write_tar_of_tars(root / TRAIN_TAR, IMAGES, root / "parts"),
    "folders": lambda root: write_folders(root / "train", IMAGES),
    "folders of the tar's name": lambda root: write_folders(root / "ILSVRC2012_img_train", IMAGES),
    "kaggle": lambda root: write_folders(root / KAGGLE / "train", IMAGES),
    "tars of classes": lambda root: write_class_tars(root / "train", IMAGES),
}


@pytest.mark.parametrize("layout", TRAIN)
def test_every_layout_has_the_same_training_images(layout, labelled, tmp_path_factory):
    TRAIN[layout](labelled)
    found = index(labelled)
    assert found.classes == WNIDS
    assert found.files["train"].paths_N[0] == b"n01440764/n01440764_1.JPEG"
    oracle = tmp_path_factory.mktemp("oracle")
    write_folders(oracle / "train", IMAGES), write_folders(oracle / "val", IMAGES)
    plain = imagefolder(oracle).index(dev=False)
    assert alike(facts(found.files["train"], found.classes), facts(plain.files["train"], plain.classes))
    assert found.fingerprint == plain.fingerprint
    assert "15 of the 1,281,167 training images; 6 of the 50,000 validation images" in found.provenance


def test_members_that_lie_in_folders_have_the_same_names(labelled):
    write_class_tars(
        labelled / "parts", {w: {f"./{w}/{n}": c for n, c in files.items()} for w, files in IMAGES.items()}
    )
    members = {f"./{w}.tar": (labelled / "parts" / f"{w}.tar").read_bytes() for w in reversed(WNIDS)}
    write_tar(labelled / TRAIN_TAR, members)
    write_folders(labelled / "other" / "train", IMAGES), shutil.move(labelled / VAL_TAR, labelled / "other")
    shutil.copy(labelled / "other" / VAL_TAR, labelled / VAL_TAR)
    assert index(labelled).fingerprint == index(labelled / "other").fingerprint


def test_what_else_lies_in_the_tars_is_counted(labelled):
    parts = {"n01440764": IMAGES["n01440764"] | {".a": b"x", "b.txt": b"x", "c.JPEG": b"", "d\x1b[31m.JPEG": b"x"}}
    write_tar_of_tars(labelled / TRAIN_TAR, IMAGES | parts, labelled / "parts")
    assert (
        "left out of the training images: 1 hidden, 1 file of 0 bytes, 1 file with control characters in its name, "
        "1 file of other kinds (.txt)" in index(labelled).provenance
    )


def test_classes_are_wordnet_ids(labelled):
    write_folders(labelled / "train", {"cat": {"a.jpg": jpeg(0)}, "dog": {"a.jpg": jpeg(1)}})
    assert "'cat', 'dog', no WordNet id" in refusal(labelled)
    write_tar(labelled / TRAIN_TAR, {"cat.tar": b"x"})
    message = refusal(labelled)
    assert "has 'cat.tar', no WordNet id as n01440764" in message
    assert "data=imagefolder" in message


def test_tars_that_are_not_whole_are_refused_by_name(labelled):
    path = write_tar_of_tars(labelled / TRAIN_TAR, IMAGES, labelled / "parts")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert f"{path} is cut short" in refusal(labelled)
    path.write_bytes(gzip.compress(whole))
    assert f"{path} is compressed (gzip)" in refusal(labelled)
    parts = {f"{w}.tar": (labelled / "parts" / f"{w}.tar").read_bytes() for w in WNIDS}
    write_tar(path, parts | {"n01443537.tar": parts["n01443537.tar"][:1200]})
    assert f"{path}: n01443537.tar is cut short" in refusal(labelled)
    write_tar(path, [*parts.items(), *parts.items()])
    assert "n01440764/n01440764_1.JPEG is there twice" in refusal(labelled)
    write_tar(path, {"n01440764/a.JPEG": b"x"})
    assert "has no tars of classes: 1 image beside the classes" in refusal(labelled)
    write_tar(path, dict([*parts.items()][:1]))
    assert "has one class, n01440764: a network needs two" in refusal(labelled)


def test_a_folder_that_is_half_unpacked_is_refused(labelled):
    write_class_tars(labelled / "train", IMAGES), write_folders(labelled / "train", {"n02085620": {"a.JPEG": jpeg(0)}})
    assert "has tars of 3 classes, and of n02085620 folders alone: is it half unpacked?" in refusal(labelled)


def test_a_root_that_holds_no_training_images_is_told_what_it_holds(tmp_path):
    assert f"{tmp_path} has no training images of ImageNet" in refusal(tmp_path)
    assert f"data.root={tmp_path}" in refusal(write_folders(tmp_path / "classes", IMAGES))
    assert "is not a folder" in refusal(tmp_path / "nowhere")
    with pytest.raises(RequestError, match=r"data=imagenet needs data\.root=DIR"):
        parse(compose("train", ["data=imagenet"])).data.index(dev=False)


# Validation images


VAL = {
    "tar": lambda root: write_tar(root / VAL_TAR, VALIDATION),
    "tar with folders": lambda root: write_tar(root / VAL_TAR, {f"./val/{n}": c for n, c in VALIDATION.items()}),
    "flat": lambda root: write_folders(root, {"val": VALIDATION}),
    "flat, the tar's name": lambda root: write_folders(root, {"ILSVRC2012_img_val": VALIDATION}),
    "kaggle": lambda root: write_folders(root / KAGGLE, {"val": VALIDATION}),
}


@pytest.mark.parametrize("layout", VAL)
def test_every_flat_layout_has_the_same_validation_images(layout, tmp_path, devkit):
    write_folders(tmp_path / "train", IMAGES), VAL[layout](tmp_path)
    found = index(tmp_path, devkit)
    digest, names, labels, pixels = facts(found.files["eval"], found.classes)
    assert names == sorted(name.encode() for name in VALIDATION)
    assert labels == [int(balanced_labels()[n - 1]) for n in NUMBERS]
    flat = write_folders(tmp_path / "flat", {"val": VALIDATION, **{f"train/{w}": f for w, f in IMAGES.items()}})
    assert index(flat, devkit).eval_fingerprint == found.eval_fingerprint == digest
    assert all(np.array_equal(one, np.asarray(read_pixels(found.files["eval"], i))) for i, one in enumerate(pixels))


def test_class_folders_need_no_devkit_and_go_before_the_tar(tmp_path):
    write_folders(tmp_path / "train", IMAGES), write_tar(tmp_path / VAL_TAR, VALIDATION)
    write_folders(tmp_path / "val", {w: {f"{w}.JPEG": jpeg(0)} for w in (*WNIDS, "n02085620")})
    found = index(tmp_path)
    assert found.files["eval"].labels_N.tolist() == [0, 1, 2]
    assert "4 of the 50,000 validation images; 1 validation image of other classes left out" in found.provenance


def labels_by(root):
    return dict(zip((files := index(root).files["eval"]).paths_N.tolist(), files.labels_N.tolist(), strict=True))


STATED = {validation_name(n).encode(): int(balanced_labels()[n - 1]) for n in NUMBERS}


def test_labels_come_from_the_devkit_s_archive_as_it_is_downloaded(tmp_path, devkit):
    write_folders(tmp_path / "train", IMAGES), write_tar(tmp_path / VAL_TAR, VALIDATION)
    members = {f"ILSVRC2012_devkit_t12/data/{name}": (devkit / name).read_bytes() for name in (GROUND_TRUTH, META)}
    archive = write_tar(tmp_path / ARCHIVE, {"ILSVRC2012_devkit_t12/readme.txt": b"x", **members}, "w:gz")
    assert labels_by(tmp_path) == STATED
    assert f"{VAL_TAR} with labels of {archive}" in index(tmp_path).provenance
    archive.rename(tmp_path / "kit.tgz")
    assert "are not in" in refusal(tmp_path)
    assert index(tmp_path, tmp_path / "kit.tgz").eval_fingerprint == index(tmp_path, devkit).eval_fingerprint


DAMAGED = {
    "no gzip": (b"not gzip", "cannot be unpacked"),
    "cut short": (gzip.compress(bytes(20_000))[:-9], "is cut short"),
    "large": (gzip.compress(bytes(80 << 20)), "has more than 67,108,864 bytes unpacked"),
    "empty": (gzip.compress(bytes(10_240)), f"it has no {GROUND_TRUTH}"),
    "no tar": (gzip.compress(b"x" * 10_240), "is no tar"),
}


@pytest.mark.parametrize(("content", "words"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_archive_is_one_message(content, words, tmp_path):
    write_folders(tmp_path / "train", IMAGES), write_tar(tmp_path / VAL_TAR, VALIDATION)
    (tmp_path / ARCHIVE).write_bytes(content)
    message = refusal(tmp_path)
    assert words in message
    assert ARCHIVE in message


def test_labels_come_from_kaggle_s_list(tmp_path):
    TRAIN["kaggle"](tmp_path), VAL["kaggle"](tmp_path)
    lines = [
        f"{validation_name(n)[:-5]},{wordnet_ids()[balanced_labels()[n - 1]]} 1 2 3 4 n01443537 5 6 7 8 "
        for n in NUMBERS
    ]
    (tmp_path / SOLUTION).write_text("\n".join(["ImageId,PredictionString", *lines]))
    assert labels_by(tmp_path) == STATED
    (tmp_path / SOLUTION).write_text("\n".join(["ImageId,PredictionString", *lines[1:]]))
    assert f"{SOLUTION} states no class of {validation_name(NUMBERS[0])}" in refusal(tmp_path)
    for line in ("ILSVRC2012_val_00000001,cat 1 2", "ILSVRC2012_val_00050001,n01440764", "a", "", "a,b,c"):
        (tmp_path / SOLUTION).write_text(f"ImageId,PredictionString\n{line}\n")
        assert f"{SOLUTION}, line 2: {line!r} is no validation image" in refusal(tmp_path)


def test_validation_images_without_labels_or_of_other_classes_are_refused(tmp_path, devkit):
    write_folders(tmp_path / "train", IMAGES)
    assert "has no validation images of ImageNet: none of" in refusal(tmp_path)
    (tmp_path / "val").mkdir()
    assert "has neither class folders nor validation images" in refusal(tmp_path)
    fill_validation(tmp_path / "val", NUMBERS[0])
    message = refusal(tmp_path)
    assert GROUND_TRUTH in message
    assert ARCHIVE in message
    assert "is neither a folder nor an archive" in refusal(tmp_path, tmp_path / "nowhere")
    shutil.rmtree(tmp_path / "val")
    fill_validation(tmp_path / "val", int(np.flatnonzero(balanced_labels() == 500)[0]) + 1)
    assert "is of the 3 classes to train on" in refusal(tmp_path, devkit)
    write_tar(tmp_path / VAL_TAR, {f"a/{validation_name(1)}": b"x", f"b/{validation_name(1)}": b"x"})
    assert f"{validation_name(1)} is there twice" in refusal(tmp_path, devkit)
    write_tar(tmp_path / VAL_TAR, VALIDATION).write_bytes((tmp_path / VAL_TAR).read_bytes()[:3000])
    assert f"{VAL_TAR} is cut short" in refusal(tmp_path, devkit)


# The blacklist, and real images


@pytest.mark.parametrize("layout", ["tar", "kaggle"])
def test_the_blacklist_is_found_where_the_devkit_is(layout, tmp_path, devkit):
    write_folders(tmp_path / "train", IMAGES), VAL[layout](tmp_path), shutil.copytree(devkit, tmp_path / "kit")
    (tmp_path / "ILSVRC2014_devkit").mkdir()
    path = tmp_path / "ILSVRC2014_devkit" / "ILSVRC2014_clsloc_validation_blacklist.txt"
    path.write_text(f"{NUMBERS[0]}\n{NUMBERS[2]}\n")
    for name in (GROUND_TRUTH, META):
        shutil.copy(devkit / name, tmp_path / name)
    words = ["data=imagenet", f"data.root={tmp_path}", "images.leave_out=blacklist", "run=x"]
    settings = parse_evaluation(compose("eval", words))
    network = SimpleNamespace(classes=WNIDS, record=SimpleNamespace(run=None, label="run=x"))
    _, found, images = images_of(settings, {}, [network])
    assert (found.n_eval, images.blacklist) == (4, True)
    assert find_blacklist(tmp_path / KAGGLE / "val") == path


def test_real_images_are_those_of_the_shared_folder(tmp_path):
    sample, photographs = shared_data("ilsvrc2012"), shared_data("imagenet_sample")
    images = {f.name: {p.name: p.read_bytes() for p in f.iterdir()} for f in sorted(photographs.iterdir())}
    write_tar_of_tars(tmp_path / TRAIN_TAR, images, tmp_path / "parts")
    validation = {path.name: path.read_bytes() for path in (sample / "val_sample").iterdir()}
    write_tar(tmp_path / VAL_TAR, validation)
    found = index(tmp_path, sample)
    assert found.n_train == len(images) == len(found.classes)
    lines = [line.split() for line in (sample / "val_sample.txt").read_text().splitlines()]
    stated = {name.encode(): wordnet_ids()[int(label)] for name, label in lines}
    files = found.files["eval"]
    here = dict(zip(files.paths_N.tolist(), (found.classes[k] for k in files.labels_N), strict=True))
    assert here == {name: wnid for name, wnid in stated.items() if wnid in images}
    assert len(here) > 10
    assert matched(found, wordnet_ids(), "a network").n_eval == len(here)
    whole = write_folders(tmp_path / "train", images)
    plain = imagefolder(train=str(whole), val=str(whole)).index(dev=False)
    assert plain.fingerprint == found.fingerprint
    for i in range(0, len(files), 10):
        assert files.read(i) == validation[files.paths_N[i].decode()]
