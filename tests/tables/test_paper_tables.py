"""Every table of the papers: its rows resolve at the small scale and by the papers' recipes, and share their runs."""

from __future__ import annotations

from functools import cache

import pytest
from support.runs import launched

from inceptionctl.config.compose import composer_for
from inceptionctl.config.identity import identity
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.papers.own import Figures
from inceptionctl.papers.records import paper_cell, stated_change
from inceptionctl.tables.check import read_table
from inceptionctl.tables.ladder import resolve_rows
from inceptionctl.tables.scales import at_scale, stated
from inceptionctl.tables.source import TableSource

IMAGENET = ("scale=imagenet", "data.root=.")
TABLES = [name for name in composer_for(None).groups("ablate")["table"] if name != "jft"]
HAS_RECIPES = ("bn_inception", "inception_v3")


def read(name):
    source = TableSource.find(name, None)
    return read_table(composer().compose("ablate", [f"table={name}"])["table"], source, Figures(), composer())


@cache
def composer():
    return composer_for(None)


@cache
def resolved(name, *words):
    """By label."""
    rows = resolve_rows(read(name), words, composer(), TableSource.find(name, None))
    return {row.row.label: row for row in rows}


def identities(name, *words):
    return {label: identity(row.config) for label, row in resolved(name, *words).items()}


@pytest.mark.parametrize("name", [name for name in TABLES if name not in ("family", "residual", "rmsprop")])
def test_a_table_resolves_at_the_small_scale(name):
    assert resolved(name)


@pytest.mark.parametrize("name", [*HAS_RECIPES, *(pytest.param(name, marks=pytest.mark.slow) for name in TABLES)])
def test_a_table_resolves_by_the_papers_recipes(name):
    assert {row.config.data.name for row in resolved(name, *IMAGENET).values()} == {"imagenet"}


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["cifar10", "imagefolder"])
@pytest.mark.parametrize("name", [name for name in TABLES if name != "family"])
def test_a_table_resolves_at_other_scales(name, scale):
    assert resolved(name, f"scale={scale}", "data.root=.")


# Networks of their own in a ladder, and recipes of papers


def test_a_row_that_stands_alone_is_no_part_of_the_ladder():
    rows = resolved("inception_v3")
    assert [rows[label].config.arch.name for label in ("GoogLeNet", "BN-GoogLeNet", "BN-Inception")] == [
        "googlenet", "bn_googlenet", "bn_inception"
    ]  # fmt: skip
    switches = ["rmsprop", "label_smoothing", "factorized_7x7", "bn_auxiliary"]
    words = ["arch=inception_v2", f"ablation=[{','.join(switches)}]"]
    assert identity(rows["BN-auxiliary"].config) == identity(parse(composer().compose("train", words)))


def test_a_row_has_the_recipe_of_its_own_paper():
    rows = resolved("inception_v3", *IMAGENET)
    assert (rows["GoogLeNet"].config.train.batch_size, rows["GoogLeNet"].config.train.epochs) == (32, 250)
    assert (rows["BN-Inception"].config.schedule.lr, rows["Inception-v2"].config.schedule.lr) == (0.045, 0.045)
    assert rows["Inception-v2"].config.train.batch_size == 1600


def test_what_is_typed_wins_over_a_recipe():
    rows = resolved("bn_inception", *IMAGENET, "train.epochs=2")
    assert {row.config.train.epochs for row in rows.values()} == {2}


def test_learning_rates_of_batch_norm_are_five_and_thirty_times_the_first():
    for words in ((), IMAGENET):
        first, *others = [row.config.schedule.lr for row in resolved("bn_inception", *words).values()]
        assert [round(rate / first, 6) for rate in others] == [1, 5, 30, 5]


def test_a_table_says_what_it_sets_at_its_scale():
    here, _ = at_scale(read("bn_inception"), [], composer())
    assert list(stated(here)) == [
        "table bn_inception sets at scale=digits: arch=bn_googlenet, arch.dropout=0.0, train.epochs=16",
        "table bn_inception at scale=digits: rows are compared by steps_to(20), final",
    ]
    there, _ = at_scale(read("bn_inception"), list(IMAGENET), composer())
    assert (there.metric, list(stated(there))) == ("steps_to(27.8)", [])


# Runs that rows share, protocols and ensembles


def test_rows_that_differ_in_their_protocol_share_their_run():
    rows = resolved("googlenet")
    assert len(set(identities("googlenet").values())) == 1
    assert [row.protocol.name for row in rows.values()] == ["single", "crops10", "crops144"] * 2
    assert [[models for _, models in row.members] for row in rows.values()] == [[], [], [], [7], [7], [7]]


def test_tables_share_the_runs_of_others():
    last = identities("inception_v3")["BN-auxiliary"]
    assert identities("inception_v3_multicrop")["Inception-v3 144 crops"] == last
    assert identities("inception_v3_ensemble")["Inception-v3 4 models"] == last
    assert identities("auxiliary")["BN-auxiliary"] == last
    assert set(identities("residual_144").values()) <= set(identities("residual").values())
    assert identities("residual_144") == identities("residual_multicrop")


def test_an_ensemble_of_two_kinds():
    mixed = resolved("residual_ensemble")["1 Inception-v4 + 3 Inception-ResNet-v2"]
    networks = [(config.arch.name, models) for config, models in mixed.members]
    assert networks == [("inception_v4", 1), ("inception_resnet_v2", 3)]
    assert mixed.config == mixed.members[0][0]


def test_a_protocol_cannot_be_overridden_where_rows_name_theirs():
    with pytest.raises(RequestError, match="protocol=single: table googlenet says by which protocol"):
        resolve_rows(read("googlenet"), ["protocol=single"], composer())


def test_a_table_that_cannot_be_reproduced_says_why():
    code, said = launched("ablate", "table=jft", "--dry-run")
    assert (code, "table jft cannot be run: JFT" in said) == (2, True), said


# Figures that are no errors, or stand in a paper's text


def test_figures_of_other_metrics():
    assert paper_cell("bn.f3.bn-x5").value("steps_to(27.8)") == 2_100_000
    assert paper_cell("xception.t3.xception").value("steps_per_second") == 28
    assert paper_cell("rethinking.t3.07").value("final") == 21.2
    seven = paper_cell("googlenet.t3.m7c144")
    assert (seven.models, seven.crops, seven.top1_error) == (7, 144, None)


def test_figures_of_a_paper_s_text():
    assert paper_cell("rethinking.linear_vs_relu.relu_relu").top1_error == 22.8
    assert stated_change("googlenet.head") == -0.6
    with pytest.raises(RequestError, match=r"unknown fact that states a change 'rethinking.subset'"):
        stated_change("rethinking.subset")
