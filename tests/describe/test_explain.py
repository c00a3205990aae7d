"""`explain`: what differs between runs and papers' rows, by which provenance and with which published effect."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import cache

import pytest
import yaml
from support.records import EVALUATION, RESULT
from support.runs import launched

from inceptionctl.config.compose import compose
from inceptionctl.config.idle import effective_settings
from inceptionctl.config.keys import key_paths
from inceptionctl.config.validate import parse
from inceptionctl.papers import provenance
from inceptionctl.papers.records import load
from inceptionctl.runs.config_file import write_config
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import RunDir


@cache
def config(*words):
    return parse(compose("train", list(words)))


def make_run(folder, *words, error=None):
    run = RunDir(folder)
    (run.path / "evaluations").mkdir(parents=True)
    write_config(run, config(*words))
    if error is not None:
        summaries = [replace(one, top1_error=error) for one in RESULT.evaluations]
        for one in summaries:
            write_record(run.path / one.file, replace(EVALUATION, weights=one.weights, top1_error=error))
        write_record(run.result, replace(RESULT, evaluations=summaries))
    return run.path


def explained(*sides):
    code, said = launched("explain", *sides, "--json")
    assert code == 0, said
    return json.loads(said)


def points(found):
    return {one["key"]: [effect["points"] for effect in one["effects"]] for one in found["settings"] if one["effects"]}


def test_the_rows_of_table_3_differ_by_what_the_paper_says_each_is_worth():
    found = explained("rethinking.t3.03", "inception_v3:bn-auxiliary")
    assert points(found) == {
        "arch.rewrites.factorized_7x7": [1.2],
        "arch.aux.norm": [0.4, 0.4],
        "optim.name": [0.3],
        "loss.label_smoothing": [0.3, 0.2],
    }
    assert found["settings"][0]["key"] == "arch.rewrites.factorized_7x7", "the largest first"
    errors = [found[side]["evaluation"]["error"] for side in "ab"]
    assert (found["sum_of_effects"], errors) == (2.2, [23.4, 21.2]), "these are the paper's own steps"
    assert points(explained("rethinking.t3.07", "rethinking.t3.03"))["optim.name"] == [-0.3], "the other way round"


def test_crops_and_networks_are_worth_what_the_paper_prints():
    found = explained("rethinking.t3.07", "rethinking.t4.07")
    assert found["settings"] == []
    assert {one["key"]: [effect["points"] for effect in one["effects"]] for one in found["evaluation"]}["crops"] == [
        2.43
    ]


def test_every_setting_of_a_paper_is_stated_read_or_not(tmp_path):
    found = explained(make_run(tmp_path / "run", "arch=inception_v2"), "rethinking_v3")
    status = {one["key"]: one["source"]["status"] for one in found["settings"] if one["source"]}
    assert (status["schedule.lr"], status["train.batch_size"]) == ("stated", "read")
    assert (status["train.ema.decay"], status["augment.name"]) == ("not_stated", "not_stated")
    assert "seed" not in {one["key"] for one in found["settings"]}


def test_momentum_inside_rmsprop_is_not_stated_but_momentum_alone_is():
    of = [
        provenance.source_of("rethinking", "optim.momentum", {"optim.name": name}) for name in ("rmsprop", "momentum")
    ]
    assert [source and source.status for source in of] == ["not_stated", "stated"]


def test_two_runs_differ_by_their_settings_seeds_and_evaluations(tmp_path):
    a = make_run(tmp_path / "a", "loss.label_smoothing=0.05", "seed=1", error=12.5)
    b = make_run(tmp_path / "b", "protocol=crops144", "train.log_every=3")
    found = explained(a, b)
    assert {one["key"] for one in found["settings"]} == {"loss.label_smoothing", "loss.smooth_aux", "seed"}
    (effect, _) = next(one["effects"] for one in found["settings"] if one["key"] == "loss.label_smoothing")
    assert (effect["points"], effect["values"]) == (-0.3, "0.0 to 0.1"), "published for another change"
    assert (found["sum_of_effects"], found["evaluation"]) == (None, [])
    said = launched("explain", a, b)[1]
    assert f"how they were evaluated is not compared: {b} has no error" in said


def test_evaluations_on_other_images_are_a_difference(tmp_path):
    runs = [make_run(tmp_path / name, error=error) for name, error in (("a", 12.5), ("b", 25.0))]
    record = RunDir(runs[1]).evaluation("test", "single", "ema")
    images = replace(EVALUATION.image_set, digest="0123")
    write_record(record, replace(EVALUATION, image_set=images, top1_error=25.0))
    (one,) = explained(*runs)["evaluation"]
    assert (one["key"], one["a"], one["b"]) == ("set", "digits test", "digits test 0123")


def test_the_same_settings_have_no_difference(tmp_path):
    runs = [make_run(tmp_path / name, error=12.5) for name in "ab"]
    code, said = launched("explain", *runs)
    assert (code, said.splitlines()[-1]) == (0, "no setting differs")


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ("nothing", "It may be a run folder"),
        ("inception_v3:BN-auxilary", "unknown row of table inception_v3 'BN-auxilary'. Did you mean BN-auxiliary?"),
        ("rethinking.t4.02", "No table has this row."),
        ("nosuch:row", "nosuch"),
    ],
)
def test_what_is_no_side_is_a_wrong_request(side, message):
    code, said = launched("explain", "rethinking_v3", side)
    assert (code, message in said, "Traceback" in said) == (2, True, False), said


def test_provenance_names_settings_papers_and_facts_that_exist():
    known = {*key_paths(), *effective_settings(config("optim=rmsprop"))} | {"augment"}
    ids = {one["id"] for part in ("records", "text_facts") for one in load()[part]}
    document = yaml.safe_load((provenance.files("inceptionctl.papers") / provenance.FILE).read_text())
    entries = [(paper, entry) for paper, one in document["papers"].items() for entry in one["settings"]]
    assert document["papers"].keys() <= load()["papers"].keys()
    assert [key for _, entry in entries for key in entry["keys"] if key not in known] == []
    assert [entry["fact"] for _, entry in entries if entry.get("fact", next(iter(ids))) not in ids] == []
    assert {entry["is"] for _, entry in entries} == {"stated", "read", "not_stated"}


def test_an_effect_of_two_rows_is_of_the_same_number_of_images():
    document = yaml.safe_load((provenance.files("inceptionctl.papers") / provenance.FILE).read_text())
    pairs = [[provenance.record(row) for row in one["rows"]] for one in document["effects"] if "rows" in one]
    assert len(pairs) > 10
    assert [pair for pair in pairs if len({one["eval"].get("n_images") for one in pair}) > 1] == []


def test_an_effect_has_the_sign_of_the_change():
    (gain,) = provenance.effects_of("arch.rewrites.fully_connected", False, True, {})
    (loss,) = provenance.effects_of("arch.rewrites.fully_connected", True, False, {})
    assert (gain.points, loss.points) == (0.6, -0.6), "a fully connected layer costs what average pooling gains"
    assert asdict(loss)["ids"] == ["googlenet.head"]
