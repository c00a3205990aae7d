"""Images of Parquet files are those that pyarrow reads and Pillow decodes, in every layout and encoding."""

from __future__ import annotations

import builtins
import io
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.parquet_files import CLASSES, COMPRESSED, PLAIN, labelled, table, write, write_hub
from support.tar_images import jpeg

from inceptionctl.cli import main
from inceptionctl.data.byte_ranges import AT_OFFSET
from inceptionctl.data.decode import read_pixels
from inceptionctl.data.parquet import split
from inceptionctl.data.parquet.pages import plain_values
from inceptionctl.data.sources import parquet
from inceptionctl.errors import DataError, RequestError
from inceptionctl.yaml_files import read_yaml

KINDS = {
    "before-4.6": COMPRESSED,
    "since-4.6": PLAIN,
    "not-compressed": {"compression": "none"},
    "zstd": {"compression": "zstd", "use_dictionary": False},
    "gzip-v2": {"compression": "gzip", "data_page_version": "2.0"},
    "plain-v2": {"compression": "none", "use_dictionary": False, "data_page_version": "2.0"},
    "small-pages": {"compression": "none", "use_dictionary": False, "data_page_size": 2000, "write_batch_size": 1},
    "deltas": {"compression": "none", "use_dictionary": False, "column_encoding": {"image.bytes": "DELTA_BYTE_ARRAY"}},
}
USUAL = read_yaml(Path(__file__).parents[2] / "conf/data/parquet.yaml")
IN_PLACE = ("since-4.6", "plain-v2", "small-pages")


def index(root, **words):
    """Listed anew: a test may have changed what lies there."""
    parquet._find.cache_clear()
    return parquet.Settings(**USUAL | {"root": root and str(root)} | words).index(dev=False)


def refusal(root, **words):
    with pytest.raises(RequestError) as caught:
        index(root, **words)
    assert len(str(caught.value)) < 800
    return str(caught.value)


def one_file(tmp_path, rows, **options):
    """Training rows as they are given, and images to evaluate on with the same columns."""
    write(tmp_path / "train.parquet", rows, **options)
    return write(tmp_path / "test.parquet", rows.slice(0, 3), **options).parent


def read_back(files):
    """The bytes and labels of `files` as pyarrow reads them, in their order."""
    names = list(dict.fromkeys(files.ranges.file(i) for i in range(len(files))))
    rows = [row for name in names for row in pq.read_table(Path(files.root, name)).to_pylist()]
    return [row["image"]["bytes"] for row in rows], [row["label"] for row in rows]


@pytest.mark.parametrize("kind", KINDS)
def test_images_are_those_that_pyarrow_reads_and_pillow_decodes(kind, tmp_path):
    found = index(write_hub(tmp_path, KINDS[kind]))
    assert found.classes == CLASSES
    assert (found.n_train, found.n_eval) == (36, 9)
    for files in found.files.values():
        expected, labels = read_back(files)
        order = np.random.default_rng(0).permutation(len(files)).tolist()
        assert [files.read(i) for i in order] == [expected[i] for i in order]
        assert files.labels_N.tolist() == labels
        assert (files.ranges.groups_N == AT_OFFSET).all() == (kind in IN_PLACE)
        pixels = np.asarray(Image.open(io.BytesIO(expected[4])))
        assert np.array_equal(read_pixels(files, 4), pixels)
        assert kind not in IN_PLACE or files.sizes_N.tolist() == [len(data) for data in expected]


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.binary(max_size=300), min_size=1, max_size=60),
    nullable=st.booleans(),
    version=st.sampled_from(["1.0", "2.0"]),
    page=st.integers(1, 3000),
    checksum=st.booleans(),
)
def test_places_of_values_are_those_of_any_pages(values, nullable, version, page, checksum, tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "x.parquet"
    rows = pa.table([pa.array(values, pa.binary())], schema=pa.schema([pa.field("x", pa.binary(), nullable)]))
    pq.write_table(
        rows, path, compression="none", use_dictionary=False, data_page_size=page, write_batch_size=1,
        data_page_version=version, write_page_checksum=checksum,
    )  # fmt: skip
    chunk = pq.read_metadata(path).row_group(0).column(0)
    place = chunk.data_page_offset, chunk.total_compressed_size
    with path.open("rb") as file:
        offsets_N, sizes_N = plain_values(file.fileno(), *place, len(values), nullable)
        with pytest.raises(ValueError, match="a column chunk ends after"):
            plain_values(file.fileno(), *place, len(values) + 1, nullable)
    data = path.read_bytes()
    assert [data[at : at + size] for at, size in zip(offsets_N, sizes_N, strict=True)] == values


LAYOUTS = {
    "hub": ["data/train-00000-of-00001.parquet", "data/validation-00000-of-00001.parquet"],
    "hashes": [
        "data/train-00000-of-00001-12fbee7b981cecdc.parquet",
        "data/test-00000-of-00001-3cc2a56602cbbc75.parquet",
    ],
    "subset": ["plain_text/train-00000-of-00001.parquet", "plain_text/test-00000-of-00001.parquet"],
    "converted": ["default/train/0000.parquet", "default/valid/0000.parquet"],
    "parts": ["train/part.0.parquet", "val/part.0.parquet"],
    "two files": ["train.parquet", "dev.parquet"],
    "numbered": ["train_0.parquet", "eval_0.parquet"],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_splits_are_found_in_every_layout(layout, tmp_path):
    train, val = LAYOUTS[layout]
    write(tmp_path / train, table(12)), write(tmp_path / val, table(3, 50))
    found = index(tmp_path)
    assert (found.n_train, found.n_eval) == (12, 3)
    assert found.files["eval"].read(0) == jpeg(50)


def hub_cache(folder, state="0a1b", *, main="0a1b"):
    """A data set in the cache of huggingface_hub: links to files named by their digests."""
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    (folder / "refs/main").write_text(main)
    made = write_hub(folder / "made")
    for number, path in enumerate(sorted(made.glob("data/*.parquet"))):
        blob = folder / "blobs" / f"{number:064d}"
        blob.parent.mkdir(exist_ok=True)
        path.rename(blob)
        link = folder / "snapshots" / state / "data" / path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    return folder


def test_the_cache_of_huggingface_hub_is_read_at_its_branch_main(tmp_path):
    folder = hub_cache(tmp_path / "datasets--org--name")
    (folder / "snapshots/ffff").mkdir()
    plain = index(write_hub(tmp_path / "plain"))
    for root in (folder, folder / "snapshots/0a1b"):
        found = index(root)
        assert found.fingerprint == plain.fingerprint
        assert found.files["train"].root == str(folder / "snapshots/0a1b")
        assert found.files["train"].read(20) == jpeg(20)
    (folder / "refs/main").write_text("eeee")
    message = refusal(folder)
    assert "2 snapshots, and none that refs/main names" in message
    assert f"{folder}/snapshots/ffff" in message


def test_names_have_the_file_the_row_and_the_name_of_the_image(tmp_path):
    files = index(write_hub(tmp_path)).files["train"]
    assert files.name(20) == f"{tmp_path}/data/train-00001-of-00002.parquet: row 2/0020.jpg"
    rows = labelled([{"bytes": jpeg(k), "path": None} for k in range(6)], [0, 1, 2, 0, 1, 2])
    assert index(one_file(tmp_path / "other", rows)).files["train"].name(4).endswith("train.parquet: row 4")


def test_a_column_of_bytes_and_labels_that_are_text(tmp_path):
    names = ["cat", "ant", "bee"] * 4
    rows = pa.table({"img": pa.array([jpeg(k) for k in range(12)], pa.large_binary()), "class": names})
    found = index(one_file(tmp_path, rows))
    assert found.classes == CLASSES
    assert [found.classes[k] for k in found.files["train"].labels_N] == names
    assert not found.numbered
    assert found.files["train"].read(7) == jpeg(7)
    as_categories = rows.set_column(1, "class", pa.array(names).dictionary_encode())
    assert index(one_file(tmp_path / "pandas", as_categories)).fingerprint == found.fingerprint


def test_numbers_without_names_are_classes_by_number_or_get_names_from_a_file(tmp_path):
    folder, names = one_file(tmp_path / "data", table(6, features={})), tmp_path / "names.txt"
    found = index(folder)
    assert (found.classes, found.numbered) == (("0", "1", "2"), True)
    names.write_text("dog\neel\nfox\n")
    named = index(folder, class_names=str(names))
    assert (named.classes, named.numbered) == (("dog", "eel", "fox"), False)
    others = one_file(tmp_path / "named", table(6))
    assert index(others, class_names=str(names)).classes == named.classes
    texts = one_file(tmp_path / "texts", table(6).append_column("x", pa.array(["a", "b"] * 3)))
    message = refusal(texts, label_column="x", class_names=str(names))
    assert message == "data.class_names has no effect: column x has names already\n  leave it out"
    names.write_text("dog\neel\n")
    message = refusal(folder, class_names=str(names))
    assert message == f"{folder}/train.parquet: row 2/0002.jpg has the label 2, and the classes are 0 to 1"


def test_names_that_two_classes_have_get_their_numbers(tmp_path):
    feature = {"label": {"_type": "ClassLabel", "names": ["crane", "bee", "crane"]}}
    assert index(one_file(tmp_path, table(6, features=feature))).classes == ("crane (0)", "bee", "crane (2)")


@pytest.mark.parametrize("options", [COMPRESSED, PLAIN], ids=["compressed", "plain"])
def test_rows_without_an_image_or_a_label_are_left_out_and_counted(options, tmp_path):
    images = [{"bytes": jpeg(k), "path": f"{k}.jpg"} for k in range(9)]
    images[1], images[4] = {"bytes": None, "path": "elsewhere.jpg"}, None
    rows = labelled(images, [0, 1, 2, 0, 1, 2, None, -1, 1])
    write(tmp_path / "train.parquet", rows, **options), write(tmp_path / "test.parquet", table(3), **options)
    found = index(tmp_path)
    files = found.files["train"]
    assert [files.name(k).rpartition("/")[2] for k in range(len(files))] == [
        "0.jpg",
        "2.jpg",
        "3.jpg",
        "5.jpg",
        "8.jpg",
    ]
    assert [files.read(k) for k in range(len(files))] == [jpeg(k) for k in (0, 2, 3, 5, 8)]
    assert files.labels_N.tolist() == [0, 2, 0, 2, 1]
    assert "left out of train: 2 rows without an image; left out of train: 2 rows without a label" in found.provenance


def test_one_split_is_divided_and_others_are_chosen(tmp_path):
    folder = write_hub(tmp_path / "hub")
    write(folder / "data/test-00000-of-00001.parquet", labelled([{"bytes": jpeg(0), "path": "0.jpg"}] * 3, [-1] * 3))
    assert index(folder, val="train").n_eval == 36
    assert "both are the same split" in index(folder, val="train").provenance
    divided = index(folder, split=0.25)
    assert (divided.n_train, divided.n_eval) == (27, 9)
    assert "25% of it to evaluate on (data.split)" in divided.provenance
    assert refusal(folder, val="test") == (
        "data.val = test: none of its 3 images has a label in column label\n"
        "  name another split, or divide that to train on with data.split=0.1"
    )
    assert "no such split, but test, train, validation" in refusal(folder, train="training")
    assert "data.split has no effect beside data.val" in refusal(folder, val="test", split=0.1)


def test_large_row_groups_that_are_read_for_each_image_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(split, "LARGE_GROUP", 2000)
    assert "slow: for each image of train a row group is read, 4 images of" in index(write_hub(tmp_path)).provenance
    assert "slow" not in index(write_hub(tmp_path / "plain", PLAIN)).provenance


NO_LABEL = "has no column of labels; its columns: image (image)\n  name one with data.label_column=NAME"
TWO_IMAGES = "has 2 columns that may be of images; its columns: image (image), label (int64), mask (image)\n  name one"
# Labels in a column `x`, and what is said of them.
OF_LABELS = {
    "fractions": ([0.5] * 6, "is double: labels are integers or text"),
    "a negative number": ([-2, 0, 1, 2, 3, 4], "row 0/0000.jpg has the label -2, and the classes are 0 to 4"),
    "a number out of all reason": ([10**12] * 6, "a label is 1,000,000,000,000: class numbers go to 1,000,000"),
    "a number that 64 bits do not hold": (
        pa.array([0, 1, 2, 3, 4, 2**64 - 1], pa.uint64()),
        "a label is 18,446,744,073,709,551,615",
    ),
    "negative numbers alone": ([-2] * 6, "row 0/0000.jpg has the label -2, and the classes are 0 to 0"),
    "one class": (["a"] * 6, "one class, a: a network needs two"),
    "a class without images": ([0, 2, 2, 2, 2, 2], "no images of 1 of the 3 classes: 1"),
    "nothing": ([None] * 6, "is null: labels are integers or text"),
}


@pytest.mark.parametrize("case", OF_LABELS)
def test_labels_that_cannot_be_used_are_refused(case, tmp_path):
    values, message = OF_LABELS[case]
    rows = table(6).append_column("x", values if isinstance(values, pa.Array) else pa.array(values))
    assert message in refusal(one_file(tmp_path, rows), label_column="x")


def test_columns_that_are_not_there_or_may_be_several_are_refused(tmp_path):
    rows = table(6)
    assert TWO_IMAGES in refusal(one_file(tmp_path / "two", rows.append_column("mask", rows["image"])))
    assert "has no column of images; its columns: label (int64)" in refusal(
        one_file(tmp_path / "a", rows.drop("image"))
    )
    assert NO_LABEL in refusal(one_file(tmp_path / "b", rows.drop("label")))
    folder = one_file(tmp_path / "whole", rows)
    assert "data.label_column = fine: " in refusal(folder, label_column="fine")
    assert "is int64: no images as bytes" in refusal(folder, image_column="label")
    write(folder / "other-00000-of-00002.parquet", rows)
    write(folder / "other-00001-of-00002.parquet", rows.rename_columns(["image", "class"]))
    message = refusal(folder, val="other")
    assert f"data.label_column = label: {folder}/other-00001-of-00002.parquet has no such column, but image" in message
    for other in (rows.set_column(1, "label", pa.array(["ant", "bee"] * 3)), table(6, features={})):
        write(folder / "other-00001-of-00002.parquet", other)
        message = refusal(folder, val="other")
        assert message.endswith("has images or labels of another kind than the first file of its split")


def test_folders_that_cannot_be_used_are_refused(tmp_path):
    assert "needs data.root=DIR" in refusal(None)
    assert "is not a folder" in refusal(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/a.jpg").write_bytes(b"x")
    assert "has no .parquet files: it holds 1 file of other kinds (.jpg)" in refusal(tmp_path / "empty")
    folder = write_hub(tmp_path / "hub")
    (folder / "data/train-00000-of-00002.parquet").unlink()
    message = refusal(folder)
    assert "1 of the 2 files of split train" in message
    assert "train-00000-of-00002.parquet" in message
    write_hub(tmp_path / "several/one"), write_hub(tmp_path / "several/two")
    assert f"several sets of .parquet files: name one of {tmp_path}/several/one/data" in refusal(tmp_path / "several")
    write(tmp_path / "single/train.parquet", table(6))
    assert "no split to evaluate on, but train\n  name one with data.val" in refusal(tmp_path / "single")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a pointer of Git LFS, and not the data"),
        (b"", "is no Parquet file, or a damaged one"),
        (b"PAR1" + b"\0" * 500, "is no Parquet file, or a damaged one"),
    ],
    ids=["pointer", "empty", "no footer"],
)
def test_files_that_are_none_are_refused(content, message, tmp_path):
    folder = write_hub(tmp_path)
    for name in ("train-00000-of-00002", "train-00001-of-00002"):
        (folder / f"data/{name}.parquet").write_bytes(content)
        assert f"{name}.parquet {message}" in refusal(folder)
        write_hub(tmp_path)


def test_splits_with_other_classes_are_refused(tmp_path):
    write(tmp_path / "train.parquet", table(6))
    other = {"label": {"_type": "ClassLabel", "names": ["x", "y", "z"]}}
    write(tmp_path / "test.parquet", table(3, features=other))
    assert "the classes of train and test differ: ant, bee, cat and x, y, z" in refusal(tmp_path)


@pytest.mark.parametrize("options", [COMPRESSED, PLAIN], ids=["compressed", "plain"])
def test_a_damaged_image_is_named_by_file_and_row(options, tmp_path):
    images = [{"bytes": jpeg(k), "path": f"{k}.jpg"} for k in range(6)]
    images[4]["bytes"] = images[4]["bytes"][:300]
    files = index(one_file(tmp_path, labelled(images, [0, 1, 2, 0, 1, 2]), **options)).files["train"]
    with pytest.raises(DataError, match=r"train\.parquet: row 4/4\.jpg cannot be read: "):
        read_pixels(files, 4)
    assert np.array_equal(read_pixels(files, 5), np.asarray(Image.open(io.BytesIO(jpeg(5)))))


def test_a_row_group_that_has_been_damaged_is_named(tmp_path):
    folder = write_hub(tmp_path)
    files = index(folder).files["eval"]
    assert files.read(0)
    path = files.path(0)
    data = bytearray(path.read_bytes())
    data[4:2000] = bytes(1996)
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))
    with pytest.raises(DataError, match=r"validation-00000-of-00001\.parquet: row 0/0100\.jpg cannot be read: "):
        read_pixels(files, 0)


def test_images_are_left_out_by_name_and_packed(tmp_path, capsys):
    folder, leave_out = write_hub(tmp_path / "hub"), tmp_path / "fix.txt"
    leave_out.write_text("0020.jpg\ndata/train-00000-of-00002.parquet/row 3/0003.jpg\n")
    words = ["data=parquet", f"data.root={folder}", f"data.leave_out={leave_out}"]
    found = index(folder, leave_out=str(leave_out))
    assert found.n_train == 34
    assert main(["data", "pack", *words, "--out", str(tmp_path / "packed"), "--workers", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == {"train": 34, "eval": 9}
    assert main(["data", "check", *words[:2], "--workers", "1"]) == 0


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    folder, import_ = write_hub(tmp_path), builtins.__import__

    def refuse(name, *rest):
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError(name)
        return import_(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    message = "data=parquet needs pyarrow, which is not installed: pip install 'inceptionctl[parquet]'"
    assert refusal(folder) == message
