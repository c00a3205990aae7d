"""Comparing two evaluations: image by image, or refused with what differs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from support.made_up_evaluations import evaluation, with_arrays

from inceptionctl.errors import RequestError
from inceptionctl.report.evaluation.compare import Evaluated, compare, comparison_lines

TEN = {"name": "crops10", "resize": 256, "averaging": "softmax"}


@pytest.fixture
def pair():
    """Two networks on the same images; the second is right where the first is, and on every second of its mistakes."""
    record, predictions = evaluation(n=400)
    mistakes = np.flatnonzero(~predictions.correct_N)[::2]
    top5 = predictions.top5_NK.copy()
    top5[mistakes] = (predictions.label_N[mistakes, None] + np.arange(5)) % 10
    better = with_arrays(record, predictions, top5_NK=top5)
    return Evaluated("A", record, predictions), Evaluated("B", *better)


def test_the_difference_is_paired(pair):
    first, second = pair
    found = compare(first, second)
    gained = int(second.predictions.correct_N.sum() - first.predictions.correct_N.sum())
    assert found.top1.only_second == gained
    assert found.top1.only_first == 0
    assert found.top1.change == pytest.approx(second.record.top1_error - first.record.top1_error)
    assert found.top1.p == pytest.approx(stats.binomtest(0, gained).pvalue)
    assert found.notes == []
    lines = comparison_lines(found)
    assert lines[0] == "B against A, 400 images:"
    assert "p < 0.001 (McNemar): lower" in lines[1]


def changed(one, **changes):
    return Evaluated(one.label, replace(one.record, **changes), one.predictions)


def refusal(first, second):
    with pytest.raises(RequestError) as refused:
        compare(first, second)
    head, *differences = str(refused.value).splitlines()
    assert head == f"{first.label} and {second.label} cannot be compared: they differ in"
    return [line.strip() for line in differences]


def test_another_protocol_is_refused_with_every_difference(pair):
    first, second = pair
    single, ten = (replace(first.record.protocol, name=name, resize=resize, crops=crops, averaging=averaging)
                   for name, resize, crops, averaging in
                   (("single", 224, 1, None), ("crops10", 256, 10, "softmax")))  # fmt: skip
    assert refusal(changed(first, protocol=ten), changed(second, protocol=single)) == [
        "protocol.name = crops10, not single",
        "protocol.resize = 256, not 224",
        "protocol.crops = 10, not 1",
        "protocol.averaging = softmax, not None",
    ]


def test_sizes_that_follow_from_the_input_are_no_difference(pair):
    first, second = pair
    sides = [replace(first.record.protocol, name="crops10", resize=pixels, settings=TEN | {"resize": resize})
             for pixels, resize in ((224, 256), (299, 342))]  # fmt: skip
    assert compare(changed(first, protocol=sides[0]), changed(second, protocol=sides[1])).notes == []


def test_settings_are_listed_where_protocols_differ(pair):
    first, second = pair
    usual = replace(first.record.protocol, name="crops10", settings=TEN)
    other = replace(usual, name="crops10-012345", settings=TEN | {"averaging": "logits"})
    assert refusal(changed(first, protocol=usual), changed(second, protocol=other)) == [
        "protocol.name = crops10, not crops10-012345",
        "protocol.averaging = softmax, not logits",
    ]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("blacklist", True, "image_set.blacklist = False, not True"),
        ("labels", "real", "image_set.labels = own, not real"),
        ("digest", "0123456789ab", "image_set.digest = None, not 0123456789ab"),
        ("split", "dev", "image_set.split = test, not dev"),
    ],
)
def test_other_images_or_labels_are_refused(pair, field, value, message):
    first, second = pair
    other = changed(second, image_set=replace(second.record.image_set, **{field: value}))
    assert refusal(first, other) == [message]


def test_the_folder_may_have_moved_and_been_renamed(pair):
    first, second = pair
    moved = replace(second.record.image_set, root="/elsewhere", name="imagefolder-val-012345")
    assert compare(first, changed(second, image_set=moved)).top1.n_images == 400


def test_averaged_weights_are_not_compared_with_raw_ones(pair):
    first, second = pair
    assert refusal(first, changed(second, weights="raw")) == ["weights = ema, not raw"]
    assert compare(first, changed(second, weights="timm:inception_v3.tf_in1k")).notes == []


def test_images_that_only_one_has_read_are_counted(pair):
    first, second = pair
    arrays = {name: getattr(second.predictions, name)[3:] for name in
              ("label_N", "group_N", "top5_NK", "p_true_N", "confidence_N", "index_N")}  # fmt: skip
    shorter = Evaluated("B", *with_arrays(second.record, second.predictions, **arrays))
    assert refusal(first, shorter) == ["images: 3 only in the first, 0 only in the second"]


def test_other_labels_of_the_same_images_are_counted(pair):
    first, second = pair
    labels = second.predictions.label_N.copy()
    labels[:2] = (labels[:2] + 1) % 10
    relabelled = Evaluated("B", *with_arrays(second.record, second.predictions, label_N=labels))
    assert refusal(first, relabelled) == ["labels: of 2 images"]


def test_the_padding_of_real_labels_is_no_difference(pair):
    first, second = pair
    label = first.predictions.label_N
    wide = np.stack([label, np.full(400, -1), np.full(400, -1)], axis=1)
    sides = [Evaluated(one.label, *with_arrays(one.record, one.predictions, labels_NL=labels))
             for one, labels in ((first, wide), (second, wide[:, :2]))]  # fmt: skip
    assert compare(*sides).top1.n_images == 400


@pytest.mark.parametrize("name", ["decoder", "resizer"])
def test_another_decoder_or_resizer_is_a_note(name, pair):
    first, second = pair
    other = changed(second, protocol=replace(second.record.protocol, **{name: "pillow 12.0"}))
    assert compare(first, other).notes == [f"note: protocol.{name} = None, not pillow 12.0"]
