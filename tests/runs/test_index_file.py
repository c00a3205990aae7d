"""index.npz of the folder of an evaluation: images to evaluate on alone, with one or several labels each."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from support.labelled_images import validation_index

from inceptionctl.data.index import NO_LABEL
from inceptionctl.data.real_labels import with_real_labels
from inceptionctl.runs.index_file import holds_index, read_index, write_index
from inceptionctl.runs.io import RecordError
from inceptionctl.runs.paths import RunDir


@pytest.fixture
def run(tmp_path):
    return RunDir(tmp_path)


def with_sets(index, sets_NL, labels_N=None):
    """`index` with other labels, and the digest that belongs to them."""
    files = index.files["eval"]
    return index.evaluated_on(
        replace(files, label_sets_NL=sets_NL, labels_N=files.labels_N if labels_N is None else labels_N)
    )


def test_what_is_evaluated_is_read_back(run):
    index = with_real_labels(validation_index(range(1, 101)), "weights=timm")
    write_index(run, index)
    found = read_index(run, None)
    assert np.array_equal(found.files["eval"].label_sets_NL, index.files["eval"].label_sets_NL)
    assert (found.n_train, found.n_eval, found.numbered) == (0, index.n_eval, False)
    assert (found.classes, found.provenance) == (index.classes, index.provenance)
    assert holds_index(run, index)
    assert not holds_index(run, validation_index(range(1, 101)))


def test_sets_of_labels_belong_to_the_digest(run):
    index = with_real_labels(validation_index(range(1, 11)), "weights=timm")
    changed_NL = index.files["eval"].label_sets_NL.copy()
    changed_NL[0, 0] += 1
    files = {"eval": replace(index.files["eval"], label_sets_NL=changed_NL)}
    write_index(run, replace(index, files=files))
    with pytest.raises(RecordError, match="evaluation images are not those of"):
        read_index(run, None)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ([[0], [1], [1000]], "none of the classes"),
        ([[0], [1], [NO_LABEL]], "no label"),
        ([[0, 1], [1, NO_LABEL], [2, 2]], "one twice"),
        ([[0, 1], [1, NO_LABEL], [2, -2]], "no label, or one twice"),
        ([[0], [1]], "not one for each file"),
        ([0, 1, 2], "not one for each file"),
        ([[0.0], [1.0], [2.0]], "not one for each file"),
    ],
)
def test_damaged_sets_of_labels_are_named(sets, message, run):
    write_index(run, with_sets(validation_index([1, 2, 3]), np.array(sets)))
    with pytest.raises(RecordError, match=f"index.npz is damaged: .*{message}"):
        read_index(run, None)


def test_an_index_from_before_lists_of_numbers_is_read(run, monkeypatch):
    index = validation_index([1, 2])
    arrays = index.to_arrays()
    arrays["facts"] = np.array(str(arrays["facts"]).replace(', "numbered": false', ""))
    monkeypatch.setattr(type(index), "to_arrays", lambda self: arrays)
    write_index(run, index)
    assert "numbered" not in str(arrays["facts"])
    assert read_index(run, None).numbered is False


def large():
    """More than is read at once."""
    return validation_index(range(1, 50_001))


def test_the_arrays_of_a_large_index_are_mapped(run):
    index = large()
    write_index(run, index)
    files = read_index(run, None).files["eval"]
    assert np.array_equal(files.paths_N, index.files["eval"].paths_N)
    assert not any(array.flags.writeable for array in (files.paths_N, files.labels_N, files.sizes_N))
    write_index(run, validation_index([1]))  # replaces the file: what was mapped stays
    assert files.digest(index.classes) == index.eval_fingerprint


def test_a_compressed_index_of_an_earlier_version_is_read(run):
    index = large()
    with run.index.open("wb") as file:
        np.savez_compressed(file, schema=1, **index.to_arrays())
    found = read_index(run, None)
    assert found.files["eval"].digest(found.classes) == index.eval_fingerprint
    assert holds_index(run, index)


def test_a_digest_of_many_paths_is_that_of_all_together(run):
    index = large()
    files = index.files["eval"]
    names = [b"\0".join(text) + b"\n" for text in ([name.encode() for name in index.classes], files.paths_N.tolist())]
    numbers = [array.astype("<i8").tobytes() for array in (files.labels_N, files.sizes_N)]
    assert files.digest(index.classes) == hashlib.sha256(b"".join([*names, *numbers])).hexdigest()[:12]
