"""`inceptionctl data check|stats`: each defect is named, a list of them is left out; messages, exit codes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import struct
import tarfile
import zlib

import numpy as np
import pytest
from PIL import Image
from support.defects import FACTS, UNREADABLE, healthy, with_defects, with_facts
from support.image_folders import plain_views, settings, smooth

from inceptionctl.cli import main
from inceptionctl.data.byte_ranges import ByteRanges
from inceptionctl.data.index import FileList
from inceptionctl.data.leave_out import leave_out_of, lines_of
from inceptionctl.data.sources import imagefolder
from inceptionctl.data.survey import pool
from inceptionctl.data.survey.findings import findings
from inceptionctl.data.survey.inspect import inspect
from inceptionctl.data.survey.survey import take
from inceptionctl.errors import DataError, RequestError

ONE = ("--workers", "1")


@pytest.fixture(autouse=True)
def listed_anew():
    imagefolder._find.cache_clear()


def data(capsys, *words):
    """(exit code, standard output, standard error)."""
    code = main(["data", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def checked(capsys, *words):
    """(exit code, the findings by kind) of a check."""
    code, out, _ = data(capsys, "check", *words, "--json", *ONE)
    report = json.loads(out)
    assert report["schema"] == 1
    return code, {finding["kind"]: finding for finding in report["findings"]}


def names(finding):
    return [item["name"] for item in finding["items"]]


def test_images_without_fault(tmp_path, capsys):
    code, out, err = data(capsys, "check", healthy(tmp_path), *ONE)
    assert (code, err) == (0, "")
    assert f"train: 6 images of 2 classes below {tmp_path}/train" in out
    assert "no faults: all 12 images can be read" in out


def test_files_that_are_not_read_are_said_to_be_left_out(tmp_path, capsys):
    """A telephone's HEIC files would else be missing without a word."""
    healthy(tmp_path)
    (tmp_path / "train/ant/IMG_1.HEIC").write_bytes(b"heic")
    assert "; left out: 1 file of other kinds (.heic)" in data(capsys, "check", tmp_path, *ONE)[1].splitlines()[0]
    splits = json.loads(data(capsys, "check", tmp_path, "--json", *ONE)[1])["splits"]
    assert {name: split["left_out"] for name, split in splits.items()} == {"train": {".heic": 1}, "eval": {}}


def test_another_name_than_val_or_test_is_not_read_in_silence(tmp_path, capsys):
    healthy(tmp_path)
    (tmp_path / "val").rename(tmp_path / "validation")
    assert "eval: there is no val/ or test/ beside train/" in data(capsys, "check", tmp_path, *ONE)[1]


def test_images_that_cannot_be_read_are_named_with_the_reason(tmp_path, capsys):
    code, found = checked(capsys, with_defects(tmp_path))
    assert (code, found.keys()) == (1, {"unreadable"})
    items = {item["name"]: item for item in found["unreadable"]["items"]}
    assert items.keys() == set(UNREADABLE)
    assert "truncated" in items["train/ant/cut.jpg"]["note"]
    assert items["train/ant/empty.jpg"]["note"] == "a file of 0 bytes"
    assert "no format" in items["train/bee/text.jpg"]["note"]
    assert [name for name, item in items.items() if item["tolerant_decoder"]] == [
        "train/ant/cut.jpg",
        "val/bee/cut.jpg",
    ]
    assert items["val/bee/cut.jpg"] | {"note": ""} == {
        "split": "eval",
        "name": "val/bee/cut.jpg",
        "class": "bee",
        "note": "",
        "same_as": [],
        "tolerant_decoder": True,
    }


def test_a_person_reads_a_table_what_it_means_and_what_to_do(tmp_path, capsys):
    code, out, err = data(capsys, "check", with_defects(tmp_path), *ONE)
    assert (code, err) == (1, "inceptionctl: 4 faults found in data=imagefolder\n")
    assert any(line.split()[:5] == ["cannot", "be", "read", "3", "1"] for line in out.splitlines())
    assert "train/ant/empty.jpg (a file of 0 bytes)" in out
    assert "and 1 more" in out
    assert "a run ends at the first one" in out
    assert "data.leave_out=FILE" in out


def test_what_training_reads_all_the_same_is_a_fact_and_no_fault(tmp_path, capsys):
    code, found = checked(capsys, with_facts(tmp_path))
    assert code == 0
    for fact, name in FACTS.items():
        assert not found[fact]["fault"]
        assert f"train/ant/{name}" in names(found[fact]), fact
    assert names(found["cmyk"]) == ["train/ant/cmyk.jpg"]
    assert found["other_suffix"]["items"][0]["note"] == "PNG RGB"
    assert {*found} == {*FACTS}


def test_sixteen_bits_of_colour_which_pillow_hides(tmp_path, capsys):
    """A PNG by hand: Pillow writes none and reads it as RGB of 8 bits."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + bytes(48) for _ in range(8))
    head = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (healthy(tmp_path) / "train/bee/deep.png").write_bytes(png)
    with Image.open(tmp_path / "train/bee/deep.png") as image:
        assert image.mode == "RGB"
    assert names(checked(capsys, tmp_path)[1]["sixteen_bits"]) == ["train/bee/deep.png"]


def test_duplicates_are_those_that_sha256_finds(tmp_path, capsys):
    healthy(tmp_path)
    shutil.copy(tmp_path / "train/ant/0.jpg", tmp_path / "val/ant/other.jpg")
    shutil.copy(tmp_path / "train/ant/1.jpg", tmp_path / "train/bee/9.jpg")
    shutil.copy(tmp_path / "train/ant/2.jpg", tmp_path / "train/ant/8.jpg")
    code, found = checked(capsys, tmp_path)
    by_digest = {}
    for path in sorted(tmp_path.rglob("*.jpg")):
        by_digest.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), set()).add(str(path.relative_to(tmp_path)))
    pairs = {frozenset((item["name"], *item["same_as"])) for one in found.values() for item in one["items"]}
    assert pairs == {frozenset(group) for group in by_digest.values() if len(group) > 1}
    assert code == 1
    assert names(found["across_splits"]) == ["val/ant/other.jpg"]
    assert [item["note"] for item in found["other_labels"]["items"]] == ["class bee, and class ant there"]
    assert (names(found["copies"]), found["copies"]["fault"]) == (["train/ant/8.jpg"], False)


def test_classes_that_index_refuses_are_reported(tmp_path, capsys):
    healthy(tmp_path)
    (tmp_path / "train" / "cat").mkdir()
    (tmp_path / "val" / "dog").mkdir()
    code, found = checked(capsys, tmp_path)
    assert code == 1
    assert names(found["class_without_images"]) == ["cat"]
    assert [(item["split"], item["name"]) for item in found["classes_differ"]["items"]] == [
        ("train", "cat"),
        ("eval", "dog"),
    ]
    assert names(found["class_not_evaluated"]) == ["dog"]


def test_a_class_of_damaged_images_alone_has_none(tmp_path, capsys):
    healthy(tmp_path)
    for path in (tmp_path / "train" / "bee").iterdir():
        path.write_bytes(b"no image")
    _, found = checked(capsys, tmp_path)
    assert [item["note"] for item in found["class_without_images"]["items"]] == ["none can be read"]


def test_class_folders_with_numbers_are_in_the_order_of_text(tmp_path, capsys):
    for i, name in enumerate(("0", "2", "10")):
        (tmp_path / name).mkdir()
        smooth(i).save(tmp_path / name / "a.png")
    code, found = checked(capsys, tmp_path)
    assert (code, found.keys()) == (0, {"class_order"})
    assert [(i["split"], i["name"], i["note"]) for i in found["class_order"]["items"]] == [
        ("all", "10", "class 1 of the network")
    ]


def test_a_list_of_what_to_leave_out_makes_a_run_possible(tmp_path, capsys):
    images, fix = with_defects(tmp_path / "images"), tmp_path / "fix.txt"
    code, _, err = data(capsys, "check", images, "--fix-list", fix, *ONE)
    assert code == 1
    assert "4 names written to" in err
    assert sorted(fix.read_text().splitlines()) == sorted(UNREADABLE)
    words = ["data=imagefolder", f"data.root={images}", f"data.leave_out={fix}"]
    assert data(capsys, "check", *words, *ONE)[0] == 0
    source = settings(images, leave_out=str(fix))
    index = source.index(dev=False)
    assert (index.n_train, index.n_eval) == (6, 6)
    assert f"data.leave_out: 2 train and 1 eval images left out ({fix})" in index.provenance
    opened = source.open(index, plain_views(16), 0)
    assert [opened.train.image(0, i).shape for i in range(6)] == [(16, 16, 3)] * 6
    assert main(["train", "scale=imagefolder", *words, "train.batch_size=6", "--dry-run"]) == 0
    assert "data.leave_out: 2 train and 1 eval images left out" in capsys.readouterr().out.replace("\n", " ")


def test_the_list_is_not_written_over_another(tmp_path, capsys):
    images, fix = with_defects(tmp_path / "images"), tmp_path / "fix.txt"
    fix.write_text("ant/1.jpg\n")
    code, _, err = data(capsys, "check", images, "--fix-list", fix, *ONE)
    assert code == 2
    assert "is there with other names" in err
    fix.unlink()
    assert [data(capsys, "check", images, "--fix-list", fix, *ONE)[0] for _ in range(2)] == [1, 1]
    again = tmp_path / "none.txt"
    code, _, err = data(capsys, "check", healthy(tmp_path / "fine"), "--fix-list", again, *ONE)
    assert (code, again.exists()) == (0, False)
    assert "there is no image to leave out" in err


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("train/ant/0.jpg", (5, 6)),
        ("val/ant/0.jpg", (6, 5)),
        ("./val//ant/0.jpg", (6, 5)),
        ("ROOT/val/ant/0.jpg", (6, 5)),
        ("own.jpg", (6, 6)),
        ("ant/own.jpg", (6, 6)),
        ("ant/0.jpg", "may be train/ant/0.jpg and val/ant/0.jpg"),
        ("0.jpg", "may be train/ant/0.jpg and train/bee/0.jpg"),
        ("ant/12.jpg", "1 of its 1 name are not among the images of ROOT/train, ROOT/val: 'ant/12.jpg'"),
        ("\n", "names no images"),
    ],
)
def test_a_line_names_one_image(line, left, tmp_path):
    root, listed = healthy(tmp_path / "images"), tmp_path / "list.txt"
    own = line.endswith("own.jpg")
    if own:
        smooth(500).save(root / "val/ant/own.jpg")
    listed.write_text(line.replace("ROOT", str(root)) + "\n")
    source = settings(root, leave_out=str(listed))
    if isinstance(left, str):
        with pytest.raises(RequestError) as error:
            source.index(dev=False)
        assert left.replace("ROOT", str(root)) in str(error.value)
    else:
        index = source.index(dev=False)
        assert (index.n_train, index.n_eval) == left


def test_a_class_is_not_left_without_images(tmp_path):
    root, listed = healthy(tmp_path / "images"), tmp_path / "list.txt"
    listed.write_text("".join(f"train/bee/{i}.jpg\n" for i in range(3)))
    with pytest.raises(RequestError, match="leaves no images to train on of bee"):
        settings(root, leave_out=str(listed)).index(dev=False)


def test_images_in_a_tar_are_checked_and_left_out(tmp_path):
    """Names of images and offsets as Python's own tarfile has them."""
    root = with_defects(tmp_path / "images")
    with tarfile.open(tmp_path / "all.tar", "w") as tar:
        tar.add(root / "train", "train")
    with tarfile.open(tmp_path / "all.tar") as tar:
        members = [one for one in tar.getmembers() if one.isfile() and one.size]
    places = ByteRanges(
        ("all.tar",), np.zeros(len(members), np.int64), np.array([one.offset_data for one in members], np.int64)
    )
    paths_N, sizes_N = np.array([one.name.encode() for one in members]), np.array([one.size for one in members])
    labels_N = np.array(["bee" in one.name for one in members], dtype=np.int64)
    files = FileList(str(tmp_path), paths_N, labels_N, sizes_N, ranges=places)
    found = {one.kind: one for one in findings({"train": take(inspect, files, ("ant", "bee"), 1, lambda done: None)})}
    assert {item.name for item in found["unreadable"].items} == {
        "all.tar/train/ant/cut.jpg",
        "all.tar/train/bee/text.jpg",
    }
    (tmp_path / "fix.txt").write_text("".join(f"{item.name}\n" for item in found["unreadable"].items))
    left, _ = leave_out_of({"train": files}, tmp_path / "fix.txt")
    assert len(left["train"]) == len(files) - 2
    assert b"train/ant/cut.jpg" not in left["train"].paths_N.tolist()


def test_splits_in_folders_apart_are_listed_from_the_root_on(tmp_path):
    one, two = (FileList(str(tmp_path / name), np.array([b"a.png"]), *np.zeros((2, 1), int)) for name in ("x/y", "z"))
    assert lines_of({"train": one, "eval": two}, [("eval", 0)]) == [f"{tmp_path}/z/a.png"]
    assert lines_of({"train": one}, [("train", 0)]) == ["a.png"]


def test_a_process_that_is_killed_is_an_error(tmp_path):
    def die(files, index):
        os.kill(os.getpid(), signal.SIGKILL)

    files = settings(healthy(tmp_path)).index(dev=False).files["train"]
    with pytest.raises(DataError, match="was killed"):
        list(pool.each(die, files, np.arange(6), 1))


def test_any_number_of_processes_finds_the_same(tmp_path):
    files = settings(healthy(tmp_path)).index(dev=False).files["train"]
    one, two = (list(pool.each(inspect, files, np.arange(6), workers)) for workers in (1, 2))
    assert one == two
    assert all(image.width == 48 and image.format == "JPEG" and not image.error for image in one)


def test_statistics_are_those_of_numpy(tmp_path, capsys):
    root = healthy(tmp_path)
    smooth(9, (96, 24)).save(root / "train/ant/wide.png")
    code, out, _ = data(capsys, "stats", root, "--json", *ONE)
    report = json.loads(out)
    paths = sorted((root / "train").rglob("*.*g"))
    pixels = [np.asarray(Image.open(path).convert("RGB")) / 255 for path in paths]
    mean_3 = np.mean([image.mean(axis=(0, 1)) for image in pixels], axis=0)
    second_3 = np.mean([(image**2).mean(axis=(0, 1)) for image in pixels], axis=0)
    assert (code, report["schema"], report["channels"]["images"]) == (0, 1, 7)
    assert np.allclose(report["channels"]["mean"], mean_3)
    assert np.allclose(report["channels"]["std"], np.sqrt(second_3 - mean_3**2))
    train = report["splits"]["train"]
    assert (train["class_counts"], train["formats"]) == ({"ant": 4, "bee": 3}, {"JPEG": 6, "PNG": 1})
    assert train["quantiles"]["width"] | {"5%": 0, "95%": 0} == {"min": 48, "5%": 0, "median": 48, "95%": 0, "max": 96}
    assert train["quantiles"]["aspect"]["max"] == 4
    assert train["quantiles"]["bytes"]["max"] == max(path.stat().st_size for path in paths)


def test_statistics_for_a_person_say_what_they_are_over(tmp_path, capsys):
    code, out, _ = data(capsys, "stats", healthy(tmp_path), "--sample", "4", *ONE)
    assert code == 0
    assert "train: 6 images" in out
    assert "2 classes of 3 images" in out
    assert "a sample of 4 images of train" in " ".join(out.split())


def test_data_without_files(capsys):
    code, _, err = data(capsys, "check", "data=digits")
    assert code == 2
    assert "data=digits has no image files to check" in err
    code, out, _ = data(capsys, "stats", "data=digits")
    assert code == 0
    assert "scikit-learn's digits: 1,437 to train on" in out


def test_labelled_images_without_a_training_split(tmp_path, capsys):
    root = with_defects(tmp_path) / "val"
    code, found = checked(capsys, "data=labelled", f"data.root={root}")
    assert (code, names(found["unreadable"])) == (1, ["bee/cut.jpg"])


WRONG = [
    (["chekc"], "Did you mean check"),
    ([], "data:"),
    (["check"], "data needs a folder"),
    (["check", "nowhere"], "data.root = "),
    (["check", "data=imagefolder"], "data=imagefolder needs data.root=DIR"),
    (["check", "data=imagefoldr"], "imagefolder"),
    (["check", "a", "b"], "b is one data set too many"),
    (["check", "a", "data=digits"], "a is one data set too many"),
    (["check", "data=digits", "arch=inception_v3"], "arch=inception_v3: data takes settings of data sets"),
    (["check", ".", "--workers", "0"], "--workers 0"),
    (["check", ".", "--sample", "3"], "--sample has no effect on check"),
    (["stats", ".", "--fix-list", "x"], "--fix-list has no effect on stats"),
    (["check", ".", "--fix-list", "nowhere/x"], "there is no folder nowhere"),
    (["check", "."], "there are no images"),
]


@pytest.mark.parametrize(("words", "message"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_a_wrong_request_gets_one_message(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, out, err = data(capsys, *words)
    assert (code, out) == (2, "")
    assert message in err
    assert list(tmp_path.iterdir()) == []
