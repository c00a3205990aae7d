"""Decoded images held in memory, in one file for all processes of a machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
from support.image_folders import fill, plain_views, settings, smooth

from inceptionctl.caches import cache_folder
from inceptionctl.data.decoded import cache as decoded_cache
from inceptionctl.data.decoded import pixel_file, size, store
from inceptionctl.data.decoded.cache import choose, open_cached
from inceptionctl.data.decoded.pixel_file import FOOTER, TooLarge
from inceptionctl.data.images import Unreadable, Views
from inceptionctl.data.index import FileList
from inceptionctl.data.transforms import CentreCrop, CropFlip
from inceptionctl.errors import RequestError

FLIP = CropFlip(name="crop_flip", padding=0.125, flip=0.5)
VIEWS = Views(16, FLIP.transform(16), CentreCrop(16, 1.0))
MOST = 1 << 30
pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def folder(tmp_path):
    fill(tmp_path / "train", count=10, suffix=".jpg")
    fill(tmp_path / "val", count=2)
    return tmp_path


@pytest.fixture
def train(folder):
    return settings(folder).index(False).files["train"]


@pytest.fixture
def reads(monkeypatch):
    """The names of the images whose files are read."""
    read, real = [], FileList.read
    monkeypatch.setattr(FileList, "read", lambda files, index: read.append(files.name(index)) or real(files, index))
    return read


def opened(source, dev=False):
    return source.open(source.index(dev), VIEWS, 3)


def all_of(images, n):
    return [images.image(index) for index in range(n)]


@pytest.mark.parametrize("dev", [False, True])
@pytest.mark.parametrize("value", ["memory", "auto"])
def test_images_in_memory_are_those_of_the_files_bit_for_bit(folder, dev, value):
    held, read = (opened(settings(folder, cache=one), dev) for one in (value, "none"))
    for split in ("train", "monitor", "eval"):
        one, other = getattr(held, split), getattr(read, split)
        assert one.cached
        assert not other.cached
        assert len(one) == len(other) > 0
        for epoch in (0, 1):
            for index in range(len(one)):
                assert np.array_equal(one.image(epoch, index), other.image(epoch, index))


def test_files_are_read_once_by_all_runs(folder, reads, capsys):
    for run in range(3):
        images = opened(settings(folder, cache="memory"))
        for epoch in range(3):
            for index in range(len(images.train)):
                images.train.image(epoch, index)
        assert len(reads) == len(set(reads)) == 30 + 6
        assert capsys.readouterr().err.count("are decoded once, into") == (0 if run else 2)


def test_several_processes_decode_the_same(train, monkeypatch):
    serial = all_of(store.alone(train, MOST), 30)
    monkeypatch.setattr(store, "IMAGES_PER_PROCESS", 10)
    monkeypatch.setattr(store, "num_cores", lambda: 3)
    assert all(map(np.array_equal, serial, all_of(store.shared(train, MOST), 30)))


def open_in_process(train, start, done):
    start.wait()
    reads, real = [], FileList.read
    FileList.read = lambda files, index: reads.append(index) or real(files, index)
    images = store.shared(train, MOST)
    done.put((len(reads), [int(image.sum()) for image in all_of(images, 30)]))


def test_processes_that_begin_together_decode_once_in_all(train):
    fork = multiprocessing.get_context("fork")
    start, done = fork.Event(), fork.Queue()
    size.estimated_bytes(train)  # reads the heads
    processes = [fork.Process(target=open_in_process, args=(train, start, done)) for _ in range(4)]
    for process in processes:
        process.start()
    start.set()
    found = [done.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert sorted(reads for reads, _ in found) == [0, 0, 0, 30]
    assert len({tuple(sums) for _, sums in found}) == 1


def hold_lock(folder, key, held, release):
    with store._locked(folder, key):
        held.set()
        release.wait(60)


def test_a_run_that_waits_for_another_says_so(train, cache, monkeypatch):
    fork, said = multiprocessing.get_context("fork"), []
    taken, release = fork.Event(), fork.Event()
    cache.mkdir(parents=True)
    process = fork.Process(target=hold_lock, args=(cache, store.key_of(train), taken, release))
    process.start()
    assert taken.wait(60)
    monkeypatch.setattr(store, "warn", lambda message: said.append(message) or release.set())
    assert store.shared(train, MOST).image(0) is not None
    process.join()
    assert said[0] == "another process decodes the same images for all: waiting for it"


def die_while_decoding(train):
    store.decoded = lambda files, index: os.kill(os.getpid(), signal.SIGKILL) if index == 9 else real(files, index)
    real = pixel_file.decoded
    store.shared(train, MOST)


def test_a_process_that_was_killed_leaves_nothing_in_the_way(train, cache):
    process = multiprocessing.get_context("fork").Process(target=die_while_decoding, args=(train,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert [path.suffix for path in cache.glob(".*.pixels*")] == [".part"]
    assert store.shared(train, MOST).image(29) is not None
    assert [path.suffix for path in cache.iterdir() if path.name != ".lock"] == [".pixels"]
    assert cache.stat().st_mode & 0o077 == 0


def test_an_unreadable_image_is_reported_when_its_turn_comes(folder):
    (folder / "train" / "ant" / "00.jpg").write_bytes(b"no image at all")
    for _ in range(2):
        images = opened(settings(folder, cache="memory", on_corrupt="skip")).train
        with pytest.raises(Unreadable, match=r"ant/00.jpg cannot be read"):
            images.image(0, 0)
        assert images.image(0, 1).shape == (16, 16, 3)


@pytest.mark.parametrize("change", ["content", "gone", "time"])
def test_an_image_that_was_changed_is_decoded_anew(folder, train, change, reads):
    before, path = store.shared(train, MOST).image(0), train.path(0)
    if change == "content":  # of the same size, as the time alone tells
        path.write_bytes(path.read_bytes()[:-40] + b"\0" * 38 + b"\xff\xd9")
    if change == "time":
        os.utime(path, ns=(1, 1))
    if change == "gone":
        path.unlink()
    del reads[:]
    after = store.shared(train, MOST).image(0)
    assert len(reads) == 30
    assert {"content": after is not None, "gone": after is None, "time": np.array_equal(before, after)}[change]


def test_what_the_pixels_depend_on_is_in_the_key(train, monkeypatch):
    keys = {
        store.key_of(train),
        store.key_of(train.subset(np.arange(29))),
        store.key_of(train.subset(np.arange(29, -1, -1))),
    }
    monkeypatch.setattr(store, "decoder", lambda: "another decoder")
    assert len(keys | {store.key_of(train)}) == 4
    labels_N = np.zeros(30, np.int64)
    assert store.key_of(replace(train, labels_N=labels_N)) == store.key_of(train)


def damaged(data, how):
    match how:
        case "cut short":
            return data[: len(data) // 2]
        case "empty":
            return b""
        case "foreign":
            return b"something else " * 1000
        case "another version":
            return data[: -FOOTER.size] + data[-FOOTER.size :].replace(b"pixels 1", b"pixels 0")
        case "a row":
            at = len(data) - FOOTER.size - 40
            return data[:at] + b"\xff" + data[at + 1 :]
    raise AssertionError(how)


@pytest.mark.parametrize("how", ["cut short", "empty", "foreign", "another version", "a row"])
def test_a_damaged_file_is_made_anew(train, cache, how, capsys):
    whole = all_of(store.shared(train, MOST), 30)
    (path,) = cache.glob("*.pixels")
    data = path.read_bytes()
    path.write_bytes(damaged(data, how))
    capsys.readouterr()
    assert all(map(np.array_equal, whole, all_of(store.shared(train, MOST), 30)))
    assert f"{path} is damaged: " in capsys.readouterr().err
    assert path.read_bytes() == data


@pytest.mark.parametrize("how", ["other pixels", "cut short while it is read"])
def test_damaged_pixels_are_noticed_when_they_are_read(folder, cache, how, capsys):
    images = opened(settings(folder, cache="memory")).train
    expected = [image.copy() for image in all_of(images.cached, 30)]
    (path,) = cache.glob(f"{folder.name}-train-*.pixels")
    with path.open("r+b") as file:
        file.truncate(100) if how != "other pixels" else file.write(b"\x00\x01\x02")
    capsys.readouterr()
    assert images.cached.image(0) is None
    assert all(np.array_equal(images._read(index).whole(), expected[index]) for index in range(30))
    assert capsys.readouterr().err.count(f"{path} is damaged: ") == 1
    assert not path.exists()
    assert np.array_equal(opened(settings(folder, cache="memory")).train.cached.image(0), expected[0])


def test_a_reader_of_a_damaged_file_leaves_the_one_that_replaced_it(train, cache):
    old = store.shared(train, MOST)
    (path,) = cache.glob("*.pixels")
    path.unlink()
    store.shared(train, MOST)
    old.damaged("it is cut short")
    assert path.exists()


@pytest.mark.parametrize("why", ["no folder", "full", "written meanwhile"])
def test_images_that_cannot_be_kept_are_held_by_the_process(train, cache, why, monkeypatch, capsys):
    if why == "no folder":
        cache.parent.parent.write_text("a file")
    if why == "full":
        monkeypatch.setattr(store, "SPARE", 1 << 60)
    if why == "written meanwhile":
        keys = iter([b"1" * 32, b"2" * 32])
        monkeypatch.setattr(store, "key_of", lambda files: next(keys))
    images = store.shared(train, MOST)
    err = capsys.readouterr().err
    assert f"decoded images cannot be kept in {cache}: " in err
    assert "each rank of each run holds its own" in err
    assert images.image(29).shape == (48, 48, 3)
    assert [*cache.glob("*.pixels*")] == [] if cache.is_dir() else True


def test_what_was_not_used_for_the_longest_is_removed(train, cache, monkeypatch, capsys):
    parts = [train.subset(np.arange(at, at + 10)) for at in (0, 10, 20)]
    for at, part in enumerate(parts[:2]):
        store.shared(part, MOST)
        for path in cache.glob("*.pixels"):
            os.utime(path, (at, at))
    first = {path: path.stat().st_mtime for path in cache.glob("*.pixels")}
    used = store.shared(parts[0], MOST)
    (unused,) = (path for path, time in first.items() if path.stat().st_mtime == time)
    monkeypatch.setattr(store, "MOST_KEPT", 3 * used.size - 1)
    store.shared(parts[2], MOST)
    assert len([*cache.glob("*.pixels")]) == 2
    assert f"{unused} (69.4 kB) is removed: " in capsys.readouterr().err


def test_what_does_not_fit_is_refused_with_its_size(folder, train, cache, monkeypatch):
    whole = store.shared(train, MOST).size
    monkeypatch.setattr(decoded_cache, "MOST_BYTES", whole - 1)
    with pytest.raises(RequestError, match=r"data.cache=memory: the decoded images need about 249 kB, and 207 kB is"):
        settings(folder, cache="memory").index(False)
    monkeypatch.setattr(size, "SAMPLE", 2)
    for path in cache.glob("*.pixels"):
        path.unlink()
    with pytest.raises(TooLarge):
        store.shared(train, whole - 1)
    assert [*cache.glob("*.pixels*")] == []


def test_an_estimate_that_was_too_low_is_noticed(folder, monkeypatch, capsys):
    splits = settings(folder).index(False).files
    monkeypatch.setattr(decoded_cache, "MOST_BYTES", 100_000)
    monkeypatch.setattr(decoded_cache, "estimated_bytes", lambda files: 1000)
    with pytest.raises(RequestError, match=r"data.cache=memory: the first 15 decoded images need more than 100 kB"):
        open_cached(splits, "memory")
    assert open_cached(splits, "auto") == {}
    assert (
        "data.cache=auto: the first 15 decoded images need more than 100 kB: images are read as"
        in capsys.readouterr().err
    )


def test_auto_looks_at_no_image_of_a_large_set(train, reads, monkeypatch):
    monkeypatch.setattr(decoded_cache, "AUTO_BYTES", int(train.sizes_N.sum()))
    monkeypatch.setattr(decoded_cache, "estimated_bytes", lambda files: pytest.fail("an image was looked at"))
    assert open_cached({"train": train}, "auto") == {}
    said = "images are read as they are needed (data.cache=auto): decoded, they need at least "
    assert choose({"train": train}, "auto").sentence.startswith(said)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (207_360, "images are read as they are needed (data.cache=auto): decoded, they need about 207 kB"),
        (207_361, "decoded images are held in memory (data.cache=auto): 30 images, 207 kB"),
    ],
    ids=["large", "small"],
)
def test_auto_holds_small_sets(train, limit, said, monkeypatch):
    monkeypatch.setattr(decoded_cache, "AUTO_BYTES", limit)
    chosen = choose({"train": train}, "auto")
    assert chosen.sentence == said
    assert bool(open_cached({"train": train}, "auto")) == chosen.holds == (limit > 3 * 48**2 * 30)


def test_the_estimate_is_that_of_a_sample(tmp_path, monkeypatch):
    fill(tmp_path / "train", count=30)
    smooth(7, (480, 480)).save(tmp_path / "train" / "ant" / "00.png")
    monkeypatch.setattr(size, "SAMPLE", 10)
    fill(tmp_path / "val")
    files = settings(tmp_path).index(False).files["train"]
    assert size.estimated_bytes(files) == 9 * (9 * 3 * 48**2 + 3 * 480**2)  # of 90, the first of each nine or ten


def test_the_folder_is_in_the_cache_of_the_user(monkeypatch, tmp_path):
    assert store.folder() == cache_folder("pixels") == tmp_path / "cache" / "inceptionctl" / "pixels"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder("pixels") == tmp_path / ".cache" / "inceptionctl" / "pixels"


def test_a_cached_view_is_that_of_the_protocol(folder):
    source = settings(folder, cache="memory")
    splits = source.open(source.index(False), plain_views(32), 0)
    assert splits.eval.image(0, 0).shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("auto", "cache     decoded images are held in memory (data.cache=auto): 36 images, 249 kB"),
        (
            "device",
            "cache     decoded images are held on the device of each rank, those to evaluate on in memory "
            "(data.cache=device): 36 images, 249 kB",
        ),
        ("none", "cache     images are read as they are needed (data.cache=none)"),
    ],
    ids=["auto", "device", "none"],
)
def test_a_dry_run_says_what_is_held_and_decodes_nothing(folder, cache, value, line, inceptionctl_here):
    words = ["scale=imagefolder", f"data.root={folder}", f"data.cache={value}", "train.batch_size=4"]
    words += ["data.augment_on=device"] if value == "device" else []
    done = inceptionctl_here("train", *words, "--dry-run")
    assert done.returncode == 0
    assert line in done.stdout.splitlines()
    assert not cache.exists()


def test_an_earlier_setting_is_answered_with_this_one(folder, inceptionctl_here):
    done = inceptionctl_here("train", "data=imagefolder", f"data.root={folder}", "data.in_memory=true", "--dry-run")
    assert done.returncode == 2
    assert "data.cache=memory decodes images once, data.cache=none whenever" in done.stderr
