"""What is written after an evaluation: every number in files, figures that can be opened, and nothing that breaks."""

from __future__ import annotations

import csv
import math
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import brier_score_loss, confusion_matrix
from support.made_up_evaluations import evaluation, with_arrays

from inceptionctl.report.evaluation.details import Details, find
from inceptionctl.report.evaluation.matrix import chosen_classes, left_out
from inceptionctl.report.evaluation.worst import worst_figure, worst_images
from inceptionctl.report.evaluation.write import write_details
from inceptionctl.runs.io import read_record

SVG = "{http://www.w3.org/2000/svg}"
FIGURES = ("confusion", "reliability", "coverage")
STRANGE = [
    "кошка",
    "猫",
    "[bold]x[/]",
    "$x_1$\u3000",
    "a\nb\ue000",
    "\udcff\ufffe",
    "_x\u200d",
    "حصان",
    "x" * 300,
    "x" * 150 + "y" * 150,
]


def names(n_classes):
    return [f"class {k}" for k in range(n_classes)]


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder_of_images(tmp_path):
    """A folder with eight images, and the arrays of an evaluation of 200 of them; every fifth file is gone."""
    for number in range(8):
        Image.new("RGB", (40 + 10 * number, 60), (30 * number, 80, 120)).save(tmp_path / f"{number}.png")
    paths = np.array([b"gone.png" if i % 5 == 0 else b"%d.png" % (i % 8) for i in range(200)])
    return tmp_path, evaluation(path_N=paths)


def test_all_files_are_written_and_listed(folder_of_images, tmp_path):
    root, (record, predictions) = folder_of_images
    details, paths = write_details(record, predictions, names(10), root, tmp_path / "details")
    expected = {"classes.csv", "confusion.csv", "details.json", "worst.png"}
    expected |= {f"{name}.{kind}" for name in FIGURES for kind in ("svg", "png")}
    assert {path.name for path in paths} == expected
    assert sorted(paths) == sorted((tmp_path / "details").iterdir())
    assert read_record(tmp_path / "details/details.json", Details) == details


def test_the_numbers_are_scikit_learns(tmp_path):
    record, predictions = evaluation(n=500)
    write_details(record, predictions, names(10), None, tmp_path)
    expected = confusion_matrix(predictions.label_N, predictions.top5_NK[:, 0], labels=range(10))
    for line in read(tmp_path / "classes.csv"):
        k = int(line["index"])
        assert float(line["accuracy"]) == pytest.approx(100 * expected[k, k] / expected[k].sum())
        assert int(line["images"]) == expected[k].sum()
        assert line["most_confused_with"] == f"class {(k + 1) % 10}"
    pairs = read(tmp_path / "confusion.csv")
    assert sum(int(line["images"]) for line in pairs) == expected.sum() - np.trace(expected)
    assert [int(line["images"]) for line in pairs] == sorted((int(line["images"]) for line in pairs), reverse=True)


def test_the_brier_score_needs_the_probabilities_of_all_classes():
    record, predictions = evaluation(n_classes=4)
    p = np.random.default_rng(0).dirichlet(np.ones(4), 200).astype(np.float16)
    assert find(record, predictions, names(4)).details.calibration.brier is None
    found = find(record, replace(predictions, p_NK=p), names(4)).details.calibration.brier
    expected = brier_score_loss(
        predictions.label_N, p / p.sum(axis=1, keepdims=True), labels=range(4), scale_by_half=False
    )
    assert found == pytest.approx(expected, rel=1e-2)


def test_figures_say_what_they_are_and_are_the_same_every_time(folder_of_images, tmp_path):
    root, (record, predictions) = folder_of_images
    for folder in ("first", "second"):
        write_details(record, predictions, names(10), root, tmp_path / folder)
    for name in FIGURES:
        first, second = ((tmp_path / folder / f"{name}.svg").read_bytes() for folder in ("first", "second"))
        assert first == second
        tree = ET.fromstring(first)
        assert tree[0].tag == f"{SVG}title"
        assert "test · single · ema weights" in tree[0].text
        assert tree[1].tag == f"{SVG}desc"
        assert len(tree[1].text) > 30
        assert b"<dc:date>" not in first
    for name in (*FIGURES, "worst"):
        with Image.open(tmp_path / f"first/{name}.png") as image:
            assert min(image.size) > 300


@pytest.mark.parametrize("n_classes", [2, 10, 60])
def test_names_may_be_anything(n_classes, tmp_path):
    """No warning of a glyph that is missing (warnings are errors here), no markup, no line breaks, and no two alike."""
    record, predictions = evaluation(n_classes=n_classes, path_N=np.array(["猫.png".encode()] * 199 + [b"\xff.png"]))
    classes = [STRANGE[k % 10] + str(k // 10) * (k > 9) for k in range(n_classes)]
    write_details(record, predictions, classes, tmp_path, tmp_path / "details")
    lines = read(tmp_path / "details/classes.csv")
    assert len(lines) >= n_classes - 5
    for line in lines:
        assert line["class"] == classes[int(line["index"])].encode("utf-8", "replace").decode()


def test_of_a_thousand_classes_the_most_confused_are_drawn_and_it_is_said():
    found = find(*evaluation(n_classes=1000, n=4000), names(1000))
    classes, what = chosen_classes(found)
    first = found.details.pairs[0]
    assert classes[:2].tolist() == [first.truth, first.predicted]
    assert what == f"Confusion matrix: the {len(classes)} most confused of 1,000 classes"
    assert 28 <= len(classes) <= 30


def test_images_are_asked_for_one_by_one_the_surest_mistake_first():
    record, predictions = evaluation(n=300)
    asked = []

    def image_of(place):
        asked.append(place)
        return Image.new("L", (8, 8)) if len(asked) % 2 else None

    details = find(record, predictions, names(10)).details
    worst_figure(details, predictions, worst_images(predictions), image_of)
    wrong = np.flatnonzero(~predictions.correct_N)
    expected = sorted(wrong, key=lambda place: (-predictions.confidence_N[place], place))[:20]
    assert asked == expected


def test_a_perfect_network_has_no_mistakes_to_show(tmp_path):
    record, predictions = evaluation(n_classes=6)
    top5 = (predictions.label_N[:, None] + np.arange(5)) % 6
    record, predictions = with_arrays(record, predictions, top5_NK=top5)
    details, paths = write_details(record, predictions, names(6), tmp_path, tmp_path)
    assert details.pairs == []
    assert tmp_path / "worst.png" not in paths
    assert read(tmp_path / "confusion.csv") == []
    assert details.coverage.risk_area == 0


def test_unreadable_images_count_as_wrong_and_are_in_no_pair():
    record, predictions = evaluation()
    top5, p_true, confidence = predictions.top5_NK.copy(), predictions.p_true_N.copy(), predictions.confidence_N.copy()
    top5[:20], p_true[:20], confidence[:20] = -1, 0, 0
    changed = with_arrays(record, predictions, top5_NK=top5, p_true_N=p_true, confidence_N=confidence)
    found = find(*changed, names(10))
    details = found.details
    assert details.unreadable == 20
    assert details.top1_error.percent == pytest.approx(changed[0].top1_error)
    images = sum(one.accuracy.n_images for one in details.of_classes)
    assert images == 200
    assert sum(one.accuracy.n_images for one in details.calibration.bins) == 180
    assert left_out(found) == "Left out are images: 20 that could not be read."


def test_images_with_several_right_classes_are_in_no_pair_and_no_class():
    record, predictions = evaluation()
    labels = np.stack([predictions.label_N, np.full(200, -1)], axis=1)
    labels[:30, 1] = (predictions.label_N[:30] + 1) % 10  # what every wrong image is taken for
    changed = with_arrays(record, predictions, labels_NL=labels)
    details = find(*changed, names(10)).details
    assert details.several == 30
    assert sum(one.accuracy.n_images for one in details.of_classes) == 170
    assert sum(pair.images for pair in details.pairs) == (~predictions.correct_N[30:]).sum()
    assert details.top1_error.percent < 100 * (1 - predictions.correct_N.mean())


def test_not_one_image_could_be_read(tmp_path):
    record, predictions = evaluation(n=30)
    zeros = np.zeros(30, np.float32)
    changed = with_arrays(record, predictions, top5_NK=np.full((30, 5), -1), p_true_N=zeros, confidence_N=zeros)
    details, _ = write_details(*changed, names(10), None, tmp_path)
    assert details.calibration is None
    assert details.unreadable == 30
    assert details.top1_error.percent == 100


def test_records_of_earlier_versions_have_no_confidence(tmp_path):
    record, predictions = evaluation()
    _, paths = write_details(
        replace(record, n_classes=0),
        replace(predictions, confidence_N=None, index_N=None),
        names(10),
        None,
        tmp_path,
        lambda place: Image.new("RGB", (9, 5)),
    )
    assert {path.name for path in paths} == {
        "classes.csv", "confusion.csv", "confusion.svg", "confusion.png", "worst.png", "details.json"
    }  # fmt: skip


def test_images_that_share_a_source_widen_the_intervals():
    record, predictions = evaluation(n=400)
    alone = find(record, predictions, names(10)).details.top1_error
    assert math.isclose(alone.design_effect, 1)
    tens = np.repeat(np.arange(40), 10)
    one_source = with_arrays(
        record,
        predictions,
        group_N=tens,
        top5_NK=np.repeat(predictions.top5_NK[::10], 10, axis=0),
        label_N=np.repeat(predictions.label_N[::10], 10),
    )
    found = find(*one_source, names(10)).details.top1_error
    assert found.design_effect == pytest.approx(10, rel=0.1)
    assert found.high - found.low > 2 * (alone.high - alone.low)
