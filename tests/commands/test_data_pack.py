"""`inceptionctl data pack`: resumed after a kill, refused folders, unreadable images, a full disk, messages."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from support.defects import with_defects
from support.image_folders import fill, smooth
from support.runs import wait_for

from inceptionctl.cli import main
from inceptionctl.commands import data_pack
from inceptionctl.data.sources import imagefolder
from inceptionctl.packing import shard_writer

ONE = ("--workers", "1")
KINDS = ("bin", "npz")


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    imagefolder._find.cache_clear()
    monkeypatch.setattr(data_pack, "SHARD_IMAGES", 3)


@pytest.fixture
def images(tmp_path):
    root = tmp_path / "images"
    fill(root / "train", count=4, suffix=".jpg"), fill(root / "val", count=2, suffix=".jpg")
    return root


def packed(capsys, *words):
    """(exit code, standard output, standard error)."""
    code = main(["data", "pack", *map(str, words), "--short-side", "16", *ONE])
    said = capsys.readouterr()
    return code, said.out, said.err


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("flags", [["--raw"], ["--quality", "80"]])
def test_a_folder_is_packed_and_trained_on(images, flags, tmp_path, capsys):
    out = tmp_path / "packed"
    for i, path in enumerate(sorted((images / "val").rglob("*.jpg"))):
        smooth(50 + i).save(path)  # none that is trained on
    code, said, err = packed(capsys, images, "--out", out, *flags)
    assert (code, err) == (0, "")
    assert "12 images to train and 6 to evaluate on" in said
    assert f"inceptionctl train data=packed data.root={out}" in said
    shards = [f"{split}-{i:05d}.{kind}" for split, n in (("train", 4), ("eval", 2)) for i in range(n) for kind in KINDS]
    assert content(out).keys() == {"plan.json", "packed.json", *shards}
    assert (
        main(["train", "scale=imagefolder", "data=packed", f"data.root={out}", "train.batch_size=6", "--dry-run"]) == 0
    )
    assert f"{out}, packed (" in capsys.readouterr().out.replace("\n", " ")
    assert main(["data", "check", "data=packed", f"data.root={out}", *ONE]) == 0


def test_the_summary_for_other_programs(images, tmp_path, capsys):
    code, said, _ = packed(capsys, images, "--out", tmp_path / "packed", "--raw", "--json")
    found = json.loads(said)
    assert (code, found["schema"], found["kind"], found["short_side"]) == (0, 1, "raw", 16)
    assert found["images"] == {"train": 12, "eval": 6}
    assert found["bytes"] == 18 * 16 * 16 * 3


def test_check_names_a_damaged_image_and_training_leaves_it_out(images, tmp_path, capsys):
    out, fix = tmp_path / "packed", tmp_path / "fix.txt"
    packed(capsys, images, "--out", out)
    shard = out / "train-00001.bin"
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    words = ["data=packed", f"data.root={out}"]
    assert main(["data", "check", *words, "--fix-list", str(fix), *ONE]) == 1
    assert fix.read_text().splitlines() == ["train-00001.bin/bee/01.jpg"]
    assert "CRC-32" in capsys.readouterr().out
    words = ["train", "scale=imagefolder", *words, f"data.leave_out={fix}", "train.batch_size=6", "--dry-run"]
    assert main(words) == 0
    assert "data.leave_out: 1 train and 0 eval images left out" in capsys.readouterr().out.replace("\n", " ")


SLOWLY = """
import sys, time
from inceptionctl.cli import main
from inceptionctl.commands import data_pack
from inceptionctl.packing import shard_writer
data_pack.SHARD_IMAGES = 3
encode = shard_writer.encode
def slow(*arguments):
    time.sleep(0.3)
    return encode(*arguments)
shard_writer.encode = slow
sys.exit(main(sys.argv[1:]))
"""


def test_packing_that_was_killed_is_continued_to_the_same_bytes(images, tmp_path, capsys):
    out, whole = tmp_path / "out", tmp_path / "whole"
    words = ["data", "pack", str(images), "--out", str(out), "--short-side", "16", "--raw", *ONE]
    process = subprocess.Popen([sys.executable, "-c", SLOWLY, *words])

    def half_done():
        return (out / "train-00001.npz").exists() and list(out.glob(".train-*.bin.*"))

    wait_for(lambda: half_done() or process.poll() is not None)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "packed.json").exists()
    kept = (out / "train-00000.bin").stat()
    assert packed(capsys, images, "--out", out, "--raw")[0] == 0
    assert packed(capsys, images, "--out", whole, "--raw")[0] == 0
    assert content(out) == content(whole)
    now = (out / "train-00000.bin").stat()
    assert (now.st_ino, now.st_mtime_ns) == (kept.st_ino, kept.st_mtime_ns)


def test_a_shard_that_is_damaged_is_packed_again(images, tmp_path, capsys):
    out = tmp_path / "packed"
    packed(capsys, images, "--out", out)
    before = content(out)
    (out / "train-00002.bin").write_bytes(before["train-00002.bin"][:-5])
    (out / "eval-00000.npz").write_bytes(b"")
    (out / "packed.json").unlink()
    assert packed(capsys, images, "--out", out)[0] == 0
    assert content(out) == before


def test_another_plan_is_refused(images, tmp_path, capsys):
    out = tmp_path / "packed"
    packed(capsys, images, "--out", out)
    before = content(out)
    code, _, err = packed(capsys, images, "--out", out, "--quality", "70")
    assert code == 2
    assert "was begun with another plan\n  quality: 90 there, 70 asked for\n  name another folder" in err
    code, _, err = packed(capsys, images, "--out", out, "--raw")
    assert (code, "kind: jpeg there, raw asked for" in err) == (2, True)
    smooth(1).save(images / "train" / "ant" / "more.png")
    imagefolder._find.cache_clear()
    code, _, err = packed(capsys, images, "--out", out)
    assert (code, "training images: " in err, "evaluation images" in err) == (2, True, False)
    assert content(out) == before


def test_a_folder_with_other_things_is_left_alone(images, tmp_path, capsys):
    out = tmp_path / "other"
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    code, _, err = packed(capsys, images, "--out", out)
    assert (code, "holds other things: thesis.tex" in err) == (2, True)
    assert os.listdir(out) == ["thesis.tex"]
    (out / "thesis.tex").rename(out / "train-00000.bin")
    code, _, err = packed(capsys, images, "--out", out)
    assert (code, "has shards without plan.json" in err) == (2, True)
    code, _, err = packed(capsys, images, "--out", images / "train" / "packed")
    assert (code, "lies in the folder of the images" in err) == (2, True)
    code, _, err = packed(capsys, images, "--out", tmp_path / "no" / "packed")
    assert (code, "there is no folder" in err) == (2, True)


def test_unreadable_images_end_packing_or_are_listed(tmp_path, capsys):
    root, out = with_defects(tmp_path / "images"), tmp_path / "packed"
    code, said, err = packed(capsys, root, "--out", out)
    assert (code, said) == (1, "")
    assert "train/ant/cut.jpg cannot be read: " in err
    assert "--skip-unreadable leaves such images out" in err
    code, said, _ = packed(capsys, root, "--out", out, "--skip-unreadable")
    assert (code, "3 images left out" in said) == (0, True)
    listed = json.loads((out / "packed.json").read_text())["unreadable"]
    assert {(one["split"], one["name"]) for one in listed} == {
        ("train", "ant/cut.jpg"), ("train", "bee/text.jpg"), ("eval", "bee/cut.jpg"),
    }  # fmt: skip
    assert "truncated" in listed[0]["reason"]
    assert main(["data", "stats", "data=packed", f"data.root={out}", *ONE]) == 0
    capsys.readouterr()
    main(["train", "scale=imagefolder", "data=packed", f"data.root={out}", "train.batch_size=6", "--dry-run"])
    assert "3 images left out, since they could not be read: ant/cut.jpg" in capsys.readouterr().out.replace("\n", " ")
    code, _, err = packed(capsys, root, "--out", out)
    assert (code, "ant/cut.jpg cannot be read" in err) == (1, True)


def test_a_full_disk_is_one_message_and_complete_shards_stay(images, tmp_path, capsys, monkeypatch):
    real, out = shard_writer.ShardWriter._written, tmp_path / "packed"

    def full(writer, file, members_N, encoded):
        if members_N[0] >= 6:
            file.write(b"some")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(writer, file, members_N, encoded)

    monkeypatch.setattr(shard_writer.ShardWriter, "_written", full)
    code, _, err = packed(capsys, images, "--out", out)
    assert (code, err) == (1, f"inceptionctl: cannot write {out}/train-00002.bin: No space left on device\n")
    names = {f"train-0000{i}.{kind}" for i in (0, 1) for kind in KINDS}
    assert content(out).keys() == {"plan.json", ".lock", *names}


def test_two_commands_do_not_pack_into_one_folder(images, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["data", "pack", str(images), "--out", str(out), "--short-side", "16", *ONE]
    with subprocess.Popen([sys.executable, "-c", SLOWLY, *words]) as process:
        while not (out / "plan.json").exists():
            time.sleep(0.01)
        code, _, err = packed(capsys, images, "--out", out)
        assert (code, "another process packs images into" in err) == (2, True)
        assert process.wait() == 0


WRONG = [
    (["pack", "."], "data pack needs --out DIR"),
    (["pack", ".", "--out", "x", "--quality", "0"], "--quality 0 is not allowed: give 1 to 100"),
    (["pack", ".", "--out", "x", "--short-side", "8"], "--short-side 8 is not allowed: give 16 to 4,096"),
    (["pack", ".", "--out", "x", "--raw", "--quality", "9"], "--quality has no effect with --raw"),
    (["pack", ".", "--out", "x", "--sample", "9"], "--sample has no effect on pack"),
    (["pack", ".", "--out", "x", "--fix-list", "y"], "--fix-list has no effect on pack"),
    (["check", ".", "--raw"], "--raw has no effect on check: it belongs to inceptionctl data pack"),
    (["stats", ".", "--skip-unreadable"], "--skip-unreadable has no effect on stats"),
    (["pack", "data=digits", "--out", "x"], "data=digits has no image files to pack"),
    (["pack", "data=labelled", "data.root=.", "--out", "x"], "has no images to train on"),
    (["pack", "data=imagefolder", "data.root=.", "data.eval_split=dev", "--out", "x"], "data.eval_split=dev has no"),
]


@pytest.mark.parametrize(("words", "message"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_a_wrong_request_gets_one_message(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = main(["data", *words])
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert message in said.err
    assert list(tmp_path.iterdir()) == []
