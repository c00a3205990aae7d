"""Packed images: their pixels, and every damage of the folder that they lie in."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from support.data_sets import data_set
from support.image_folders import fill, plain_views, settings, smooth
from support.packed_images import pack_data_set, packed_settings

from inceptionctl.data.decode import read_pixels
from inceptionctl.data.images import Unreadable
from inceptionctl.data.index import Index
from inceptionctl.errors import DataError, RequestError
from inceptionctl.runs.index_file import read_index, write_index
from inceptionctl.runs.paths import RunDir

SIDE = 24


@pytest.fixture
def images(tmp_path):
    """Training images of 40 x 56 pixels and evaluation images of 48 x 48, and one that is smaller than SIDE."""
    root = tmp_path / "images"
    fill(root / "train", count=3), fill(root / "val", count=2, suffix=".jpg")
    for path in (root / "train").rglob("*.png"):
        smooth(int(path.stem), (40, 56)).save(path)
    smooth(77, (20, 60)).save(root / "train" / "ant" / "small.png")
    return root


def packed_index(images, kind, **how):
    out = pack_data_set(settings(images), images.parent / kind, kind, SIDE, **how)
    return packed_settings(out).index(dev=False)


def expected(files, index):
    """The image as Pillow scales it, from the file that it was packed from."""
    image = Image.fromarray(read_pixels(files, index))
    short = min(image.size)
    if short <= SIDE:
        return np.asarray(image)
    size = [round(side * SIDE / short) for side in image.size]
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def as_jpeg(pixels):
    """Encoded by Pillow, and decoded."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90, subsampling="4:2:0")
    return np.asarray(Image.open(file))


def loss(found, wanted):
    return np.abs(found.astype(int) - wanted).mean()


@pytest.mark.parametrize("kind", ["raw", "jpeg"])
@pytest.mark.parametrize("shard_images", [2, 1000])
def test_pixels_are_those_that_pillow_scales(images, kind, shard_images):
    before, after = settings(images).index(dev=False), packed_index(images, kind, shard_images=shard_images)
    assert (after.n_train, after.n_eval, after.classes) == (before.n_train, before.n_eval, before.classes)
    for split, files in after.files.items():
        assert files.paths_N.tolist() == before.files[split].paths_N.tolist()
        assert files.labels_N.tolist() == before.files[split].labels_N.tolist()
        for i in range(len(files)):
            found, wanted = read_pixels(files, i), expected(before.files[split], i)
            assert found.shape == wanted.shape
            assert found.flags.writeable
            if kind == "raw":
                assert np.array_equal(found, wanted)
            else:
                assert loss(found, wanted) < 1.3 * loss(as_jpeg(wanted), wanted) + 0.5


def test_a_smaller_image_is_not_enlarged(images):
    files = packed_index(images, "raw").files["train"]
    small = files.paths_N.tolist().index(b"ant/small.png")
    assert read_pixels(files, small).shape == (60, 20, 3)
    assert read_pixels(files, 0).shape == (round(56 * SIDE / 40), SIDE, 3)


def test_jpeg_is_420_of_the_quality(images):
    pack_data_set(settings(images), images.parent / "jpeg", "jpeg", SIDE)
    with (images.parent / "jpeg" / "train-00000.bin").open("rb") as file, Image.open(file) as image:
        assert (image.format, image.layer[0][1:3], image.layer[1][1:3]) == ("JPEG", (2, 2), (1, 1))


def test_exif_is_applied_and_not_stored(images):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    smooth(5, (60, 40)).save(images / "train" / "ant" / "00.jpg", exif=exif)
    files = packed_index(images, "jpeg").files["train"]
    turned = files.paths_N.tolist().index(b"ant/00.jpg")
    assert read_pixels(files, turned).shape == (36, 24, 3)


@pytest.mark.parametrize("name", ["webdataset", "imagenet", "cifar10", "fashion_mnist"])
@pytest.mark.parametrize("kind", ["raw", "jpeg"])
def test_images_in_larger_files_are_packed(name, kind, tmp_path):
    """Tars, and arrays of pixels in planes and in grey."""
    source = data_set(name, tmp_path / "images")
    before = source.index(dev=False)
    out = pack_data_set(source, tmp_path / "out", kind, SIDE, shard_images=7)
    after = packed_settings(out).index(dev=False)
    assert (after.n_train, after.n_eval, after.classes) == (before.n_train, before.n_eval, before.classes)
    for split in ("train", "eval"):
        for i in range(0, len(after.files[split]), 5):
            found, wanted = read_pixels(after.files[split], i), expected(before.files[split], i)
            assert found.shape == wanted.shape
            assert kind == "jpeg" or np.array_equal(found, wanted)


def test_packed_images_are_packed_again(images):
    first = packed_settings(pack_data_set(settings(images), images.parent / "one", "raw", 36))
    files = packed_settings(pack_data_set(first, images.parent / "two", "raw", SIDE)).index(dev=False).files["eval"]
    assert read_pixels(files, 0).shape == (SIDE, SIDE, 3)


def test_what_is_said_of_the_source(images):
    source = packed_settings(pack_data_set(settings(images), images.parent / "raw", "raw", SIDE))
    assert source.shown_title == f"image folder (packed: raw pixels, short side at most {SIDE} pixels)"
    assert f"from {settings(images).index(dev=False).provenance}" in source.index(dev=False).provenance


@pytest.mark.parametrize("kind", ["raw", "jpeg"])
def test_checksums_and_shapes_are_kept_by_a_stored_index_and_a_subset(images, kind, tmp_path):
    index, run = packed_index(images, kind, shard_images=4), RunDir(tmp_path / "run")
    run.path.mkdir()
    write_index(run, index)
    for again in (Index.from_arrays(index.to_arrays()), read_index(run, index.fingerprint)):
        chosen_N = np.array([7, 2, 5])
        part, whole = again.files["train"].subset(chosen_N), index.files["train"]
        assert np.array_equal(part.ranges.crc32_N, whole.ranges.crc32_N[chosen_N])
        assert all(np.array_equal(read_pixels(part, i), read_pixels(whole, k)) for i, k in enumerate(chosen_N))


def test_other_pixels_of_the_same_size_are_another_data_set(images):
    before = packed_index(images, "raw")
    smooth(99, (40, 56)).save(images / "train" / "ant" / "00.png")
    images.rename(images.parent / "again")
    after = packed_settings(pack_data_set(settings(images.parent / "again"), images.parent / "new", "raw", SIDE)).index(
        dev=False
    )
    assert np.array_equal(before.files["train"].sizes_N, after.files["train"].sizes_N)
    assert before.fingerprint != after.fingerprint
    assert before.eval_fingerprint == after.eval_fingerprint


@pytest.mark.parametrize("kind", ["raw", "jpeg"])
def test_a_flipped_byte_is_that_images_alone(images, kind):
    index = packed_index(images, kind)
    files = index.files["train"]
    assert files.name(4).endswith("train-00000.bin: bee/00.png")
    path, place = files.path(4), int(files.ranges.offset_N[4]) + int(files.sizes_N[4]) // 2
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"bin: bee/00.png cannot be read: it is damaged: .* CRC-32; remove it, or set"):
        packed_settings(path.parent).open(index, plain_views(16), 0).train.image(0, 4)
    opened = packed_settings(path.parent, on_corrupt="skip").open(index, plain_views(16), 0).train
    with pytest.raises(Unreadable):
        opened.image(0, 4)
    others = [i for i in range(len(files)) if i != 4]
    assert {opened.image(0, i).shape for i in others} == {(16, 16, 3)}


def refused(root):
    """The message for a folder that cannot be used."""
    with pytest.raises(RequestError) as error:
        packed_settings(root).index(dev=False)
    return str(error.value)


def test_folders_that_are_not_whole_are_refused(images):
    root = pack_data_set(settings(images), images.parent / "raw", "raw", SIDE, shard_images=4)
    shard = root / "train-00001.bin"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    assert f"{shard} is cut short: it has {len(whole) - 1:,} of {len(whole):,} bytes" in refused(root)
    shard.write_bytes(whole + b"x")
    assert f"{shard} is damaged: it has {len(whole) + 1:,} bytes" in refused(root)
    shard.unlink()
    assert f"{shard} cannot be read: No such file" in refused(root)
    shard.write_bytes(whole)
    (root / "packed.json").rename(root / "away")
    assert "is not complete: it has no packed.json" in refused(root)
    (root / "plan.json").unlink()
    assert "data pack ... --out DIR writes it" in refused(root)
    assert "data=packed needs data.root=DIR" in refused(None)


def damaged(root, **changed):
    """The message for a shard with other arrays."""
    path = root / "train-00000.npz"
    with np.load(path) as found:
        arrays = dict(found)
    for name, change in changed.items():
        arrays[name] = change(arrays[name])
    with path.open("wb") as file:
        np.savez(file, **arrays)
    return refused(root)


HOSTILE = [
    ("labels", lambda a: a + 3, "a label is none of the 3 classes"),
    ("labels", lambda a: a - 1, "a label is none of the 3 classes"),
    ("labels", lambda a: a.astype(float), "'labels' is no list"),
    ("labels", lambda a: a[:-1], "its lists differ in length"),
    ("names", lambda a: np.array([b"\x1b[31m"] * len(a)), "control characters"),
    ("names", lambda a: a.astype(object), "pickles"),
    ("offsets", lambda a: a + 1, "do not lie one after the other"),
    ("offsets", lambda a: a[::-1], "do not lie one after the other"),
    ("sizes", lambda a: a * 0, "an image has no bytes"),
    ("sizes", lambda a: a - 2 * a, "an image has no bytes"),
    ("sizes", lambda a: a + (1 << 40), "or more than"),
    ("sizes", lambda a: a + (1 << 62), "or more than"),
    ("crc32", lambda a: a.astype(np.int64), "'crc32' is no list"),
    ("sides", lambda a: a * 2, "another size than its height and width say"),
    ("sides", lambda a: -a, "heights and widths"),
    ("sides", lambda a: a[:, :1], "'sides' is no list"),
    ("sides", lambda a: a[:-1], "'sides' is no list"),
    ("sides", lambda a: a.astype("S9"), "'sides' is no list"),
    ("plan", lambda a: np.array("0" * 16), "packed by another plan"),
    ("schema", lambda a: np.array(2), "of another version"),
    ("schema", lambda a: np.array([1, 1]), "of another version"),
    ("unreadable", lambda a: np.array([b"x"] * 9), "its lists differ in length"),
]


@pytest.mark.parametrize(("name", "change", "message"), HOSTILE)
def test_arrays_that_cannot_be_are_refused(images, name, change, message):
    root = pack_data_set(settings(images), images.parent / "raw", "raw", SIDE)
    assert message in damaged(root, **{name: change})


def test_arrays_that_are_missing_or_no_archive_are_refused(images):
    root = pack_data_set(settings(images), images.parent / "raw", "raw", SIDE)
    path = root / "eval-00000.npz"
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist() if name != "crc32.npy"}
    with zipfile.ZipFile(path, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    assert "is damaged: 'crc32'" in refused(root)
    path.write_bytes(b"no archive")
    assert f"{path} is damaged" in refused(root)


JSON = [
    (lambda found: found["plan"]["source"].update(classes=["one"]), "fewer than two classes"),
    (lambda found: found["plan"]["source"].update(classes=["one"] * 3), "one of them twice"),
    (lambda found: found["images"].update(train=-1), "images.train"),
    (lambda found: found["images"].update(train=9), "do not hold the train images"),
    (lambda found: found["plan"]["source"]["images"].update(eval=0), "do not hold the eval images"),
    (lambda found: found["plan"]["source"]["images"].update(eval=1 << 40), "No such file"),
    (lambda found: found["plan"]["packing"].update(short_side="9"), "plan.packing.short_side"),
    (lambda found: found["plan"]["packing"].update(short_side=9), "another plan"),
    (lambda found: found["plan"]["packing"].update(kind="png"), "plan.packing.kind"),
    (lambda found: found["plan"]["packing"].update(shard_images=0), "plan.packing.shard_images"),
    (lambda found: found.update(schema=2), "schema"),
    (lambda found: found.update(more=2), "more"),
    (lambda found: found.clear(), "Field required"),
]


@pytest.mark.parametrize(("change", "message"), JSON)
def test_a_summary_that_cannot_be_is_refused(images, change, message):
    root = pack_data_set(settings(images), images.parent / "raw", "raw", SIDE)
    found = json.loads((root / "packed.json").read_text())
    change(found)
    (root / "packed.json").write_text(json.dumps(found))
    assert message in refused(root)
