"""The table of released weights: published figures, ours from stored evaluations alone, the readings of 12 crops."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from support.records import EVALUATION

from inceptionctl.papers.records import load
from inceptionctl.papers.released import published
from inceptionctl.planning.evaluation.records import label
from inceptionctl.report.released.asked import READINGS, SINGLE, Asked, asked, twelve
from inceptionctl.report.released.readings import ROWS
from inceptionctl.report.released.table import released_table
from inceptionctl.report.released.text import document, markdown, table_text
from inceptionctl.runs.io import write_record
from inceptionctl.runs.records.evaluation import ImageSet, MemberRecord

WHOLE = ImageSet(name="imagenet_val", data="imagenet_val", split="test", blacklist=False, digest="0123456789ab")
PIXELS = {"googlenet_bn": 224}


def record(one: Asked, top1: float, top5: float, **changes):
    """As the engine writes it."""
    pixels = PIXELS.get(one.arch, 299)
    protocol = replace(EVALUATION.protocol, name=one.protocol(pixels), settings={"name": one.release.publisher})
    member = MemberRecord(label=one.arch, arch=one.arch, weights=one.release.name, pixels=pixels)
    values = {"top1_error": top1, "top5_error": top5, "image_set": WHOLE, "n_images": 50_000, "n_classes": 1000}
    return replace(EVALUATION, members=[member], **(values | {"protocol": protocol} | changes))


def store(folder, number, made):
    (folder / f"{number}-0").mkdir(parents=True)
    write_record(folder / f"{number}-0" / "evaluation.json", made)


def named(name, *words):
    return next(one for one in asked() if one.release.name == name and one.words == words)


def row_of(table, one):
    return next(row for row in table.rows if row.publisher and row.asked == one)


def test_without_evaluations_our_column_is_dashes(tmp_path):
    table = released_table(tmp_path / "eval")
    columns = {column.title.replace("\n", " ").strip(): column.cells for column in table_text(table).columns}
    assert set(columns["ours top-1 / top-5"]) == {"-"}
    assert len(table.missing) == len(asked()) == len(set(asked()))
    published_ones = dict(zip(columns["weights"], columns["published top-1 / top-5"], strict=True))
    assert published_ones["torchvision:googlenet.IMAGENET1K_V1"] == "30.22 / 10.47"
    assert "not known" in table.choice.verdict


def test_every_publishers_figure_is_the_record_of_papers_yaml(tmp_path):
    records = {one["weights"]: one for one in load()["released_weights"] if "top1_accuracy_pct" in one}
    rows = [row for row in released_table(tmp_path).rows if row.publisher and row.published]
    assert len(rows) > 15
    for row in rows:
        printed = records[row.asked.release.name.partition(":")[2]]
        assert row.published.top1_error == pytest.approx(100 - printed["top1_accuracy_pct"])
        assert row.asked.words == ()


def test_figures_of_other_collections_are_what_they_are():
    figures = {(one.collection, one.weights, one.crops): one for one in published()}
    ten = figures["tensornets", "Inception3", 10]
    assert (ten.top1_error, ten.top5_error) == (None, 5.038)
    assert figures["tensornets", "Inception3", 1].top1_error == 22.102
    converted = [figures["converted Caffe collection", "inception-v4", crops] for crops in (1, 12)]
    assert [(one.top1_error, one.top5_error) for one in converted] == [(20.03, 5.09), (18.6, 4.3)]


def test_a_stored_evaluation_stands_in_its_row_alone_and_beside_collections(tmp_path):
    own, ten = (named("timm:inception_v3.tf_in1k", *words) for words in ((), ("protocol=crops10",)))
    store(tmp_path, 1, record(own, 22.25, 6.5))
    store(tmp_path, 2, record(ten, 20.75, 5.25))
    table = released_table(tmp_path)
    assert row_of(table, own).ours.top1_error == 22.25
    assert row_of(table, ten).ours.top1_error == 20.75
    others = [row for row in table.rows if row.ours and not row.publisher]
    assert {(row.published.collection, row.published.crops, row.ours.top1_error) for row in others} == {
        ("tensornets", 1, 22.25), ("tensornets", 10, 20.75), ("converted Caffe collection", 1, 22.25)
    }  # fmt: skip
    assert len(table.missing) == len(asked()) - 2
    assert "| timm:inception_v3.tf_in1k | 10 | - | 20.75 / 5.25 |" in markdown(table).splitlines()


@pytest.mark.parametrize(
    "changes",
    [
        {"n_images": 48_238},
        {"image_set": replace(WHOLE, blacklist=True)},
        {"image_set": replace(WHOLE, labels="real")},
        {"n_classes": 10},
        {"protocol": replace(EVALUATION.protocol, name="timm-012345")},
    ],
    ids=["fewer images", "blacklist", "other labels", "other classes", "other protocol"],
)
def test_evaluations_of_something_else_do_not_count(tmp_path, changes):
    store(tmp_path, 1, record(named("timm:inception_v3.tf_in1k"), 22.25, 6.5, **changes))
    assert all(row.ours is None for row in released_table(tmp_path).rows)


def test_images_that_could_not_be_read_are_part_of_the_set(tmp_path):
    one = named("timm:inception_v4.tf_in1k")
    store(tmp_path, 1, record(one, 20.0, 5.0, n_images=49_999, unreadable=1))
    assert row_of(released_table(tmp_path), one).ours.n_images == 49_999


def test_a_damaged_record_is_named_and_the_others_count(tmp_path):
    one = named("timm:inception_v4.tf_in1k")
    store(tmp_path, 1, record(one, 20.0, 5.0))
    (tmp_path / "2-0").mkdir()
    (tmp_path / "2-0" / "evaluation.json").write_text("{")
    table = released_table(tmp_path)
    assert row_of(table, one).ours
    (problem,) = table.problems
    assert "2-0/evaluation.json" in problem


def store_readings(folder, gains, networks=tuple(ROWS)):
    """Evaluations whose 12 crops gain `gains[reading]` over one, in top-1 and half of it in top-5."""
    number = 0
    for network in networks:
        single = next(one for one in asked() if one.arch == network and one.words == SINGLE)
        store(folder, f"{network}-single", record(single, 22.0, 6.0))
        for reading, gain in gains.items():
            number += 1
            many = twelve(network, single.release, reading)
            store(folder, f"{network}-{number}", record(many, 22.0 + gain, 6.0 + 0.6 * gain))


def test_the_reading_whose_gains_are_the_papers_is_nearest(tmp_path):
    store_readings(tmp_path, {"centre_square": -1.55, "squeezed": -2.1, "scales_and_squares": -0.8})
    choice = released_table(tmp_path).choice
    assert choice.nearest == "centre_square"
    assert choice.verdict.startswith("nearest is reading=centre_square: ")
    (nearest,) = (one for one in choice.readings if one.name == "centre_square")
    assert nearest.distance < 0.15
    assert set(nearest.gains) == set(ROWS)


def test_readings_that_are_as_near_are_not_told_apart(tmp_path):
    store_readings(tmp_path, {"centre_square": -1.5, "squeezed": -1.52, "scales_and_squares": -0.8})
    choice = released_table(tmp_path).choice
    assert choice.nearest is None
    assert choice.verdict.startswith("not told apart: ")


def test_a_reading_that_is_missing_leaves_the_choice_open(tmp_path):
    store_readings(tmp_path, {"centre_square": -1.5, "squeezed": -1.9})
    choice = released_table(tmp_path).choice
    assert choice.nearest is None
    assert choice.verdict.startswith("not known: ")


def test_the_papers_gains_are_on_the_same_images_or_a_range(tmp_path):
    gains = {one.network: one for one in released_table(tmp_path).choice.papers}
    assert gains["inception_v3"].top1 == pytest.approx((19.47 - 21.2, 19.47 - 21.2))
    assert gains["inception_v4"].top1 == pytest.approx((18.7 - 20.0 - 0.3, 18.7 - 20.0 - 0.2))
    assert gains["inception_resnet_v2"].top5 == pytest.approx((4.1 - 4.9 - 0.15, 4.1 - 4.9 - 0.1))


def test_the_document_is_json_and_names_what_is_missing(tmp_path):
    store_readings(tmp_path, {"centre_square": -1.5}, ["inception_v3"])
    found = json.loads(json.dumps(document(released_table(tmp_path)), allow_nan=False))
    assert found["schema"] == 1
    assert ["arch=inception_v4", "weights=timm:inception_v4.tf_in1k", "data=imagenet_val"] in found["missing"]
    assert len(found["missing"]) == len(asked()) - 2


@pytest.mark.parametrize("one", [one for one in asked() if one.words], ids=lambda one: " ".join(one.command))
def test_what_is_asked_for_is_what_eval_calls_it(one):
    """The protocol's name in a record is the one that `eval` gives for these words."""
    from inceptionctl.config.compose import compose
    from inceptionctl.config.validate import parse_evaluation

    settings = parse_evaluation(compose("eval", [f"arch={one.arch}", *one.words]))
    assert label(settings.protocol, settings.arch.pixels) == one.protocol(settings.arch.pixels)


def test_the_three_readings_have_names_of_their_own():
    entry = named("timm:inception_v4.tf_in1k", *SINGLE).release
    names = {twelve("inception_v4", entry, reading).protocol(299) for reading in READINGS}
    assert len(names) == 3
