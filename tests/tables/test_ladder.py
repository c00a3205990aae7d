"""The ladder changes exactly what it declares, and quotes the paper by its records."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from inceptionctl.config.compose import compose
from inceptionctl.config.keys import flatten
from inceptionctl.config.validate import parse, parse_as
from inceptionctl.errors import RequestError
from inceptionctl.models.zoo.registry import ARCHITECTURES
from inceptionctl.papers import records as papers
from inceptionctl.tables.ladder import Table, difference, resolve_rows, seeds_of
from inceptionctl.tables.manifest import overrides

DECLARED = {
    "RMSProp": {"optim.name", "optim.decay", "optim.eps"},
    "Label smoothing": {"loss.label_smoothing"},
    "Factorized 7x7": {"arch.rewrites.factorized_7x7"},
    "BN-auxiliary": {"arch.aux.norm"},
}


@pytest.fixture(scope="module")
def table():
    return parse_as(Table, compose("ablate", [])["table"])


def with_row(table, k, **changes):
    rows = list(table.rows)
    rows[k] = replace(rows[k], **changes)
    return replace(table, rows=rows)


def test_each_row_differs_from_the_one_before_in_the_declared_keys_alone(table):
    rungs = resolve_rows(table, [])
    trees = [flatten(asdict(rung.config)) for rung in rungs]
    for before, now, rung in zip(trees, trees[1:], rungs[1:], strict=False):
        changed = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}
        assert changed == DECLARED[rung.row.label] == set(rung.changed)


def test_the_paper_s_figures_come_from_its_records(table):
    printed = [papers.paper_cell(row.cell) for row in table.rows]
    assert [row.top1_error for row in printed] == [23.4, 23.1, 22.8, 21.6, 21.2]
    assert [row.cost_billion for row in printed] == [3.8, 3.8, 3.8, 4.8, 4.8]
    assert [papers.paper_cell(cell).top1_error for cell in table.quoted] == [29.0, 26.8, 25.2]


def test_a_row_that_changes_more_than_it_declares_is_refused(table):
    sly = with_row(table, 2, changes=["loss.aux_weight"])
    with pytest.raises(RequestError, match=r"'Label smoothing'.*also changes loss.label_smoothing"):
        resolve_rows(sly, [])


def test_a_row_that_changes_nothing_is_refused(table):
    idle = with_row(table, 2, add=None)
    with pytest.raises(RequestError, match=r"'Label smoothing'.*changes nothing of loss.label_smoothing"):
        resolve_rows(idle, [])


@pytest.mark.parametrize(
    "override", ["loss.label_smoothing=0.2", "optim=rmsprop", "optim.eps=0.1", "arch.aux.norm=true"]
)
def test_an_override_of_what_a_row_changes_is_refused(override, table):
    with pytest.raises(RequestError, match=override.partition("=")[0]):
        resolve_rows(table, [override])


def test_other_overrides_apply_to_every_row(table):
    rungs = resolve_rows(table, ["train.batch_size=16", "seeds=5"])
    assert {rung.config.train.batch_size for rung in rungs} == {16}


def test_a_switch_of_the_user_s_joins_every_row(table):
    no_stem_row = replace(table, rows=[row for row in table.rows if row.add != "factorized_7x7"])
    rungs = resolve_rows(no_stem_row, ["ablation=[separable_stem]"])
    assert {rung.config.arch.rewrites.separable_stem for rung in rungs} == {True}


@pytest.mark.parametrize(("asked", "seeds"), [(3, [0, 1, 2]), ([5, 6], [5, 6]), (1, [0])])
def test_seeds(asked, seeds):
    assert seeds_of(asked) == seeds


@pytest.mark.parametrize("asked", [0, -1, [], "three", [1, 1], [0.5], None, True])
def test_seeds_that_make_no_sense(asked):
    with pytest.raises(RequestError, match="seeds"):
        seeds_of(asked)


def test_a_report_lists_what_the_scale_sets_against_the_paper():
    paper, here = parse(compose("train", ["scale=imagenet"])), parse(compose("train", []))
    listed = {one.key: (one.paper, one.here) for one in overrides(paper, here)}
    assert listed["train.batch_size"] == ("1600", "32")
    assert listed["schedule.lr"] == ("0.045", "0.3")
    assert listed["arch.width"] == ("1.0", "0.25")
    assert "optim.eps" not in listed


# Tables whose rows stand by themselves.


def independent(name):
    return parse_as(Table, compose("ablate", [f"table={name}"])["table"])


def test_the_family_has_every_network_once():
    rungs = resolve_rows(independent("family"), [])
    assert sorted(rung.config.arch.name for rung in rungs) == sorted(ARCHITECTURES)


def test_the_residual_table_sets_each_residual_network_beside_its_twin():
    table = independent("residual")
    configs = {rung.row.label: flatten(asdict(rung.config)) for rung in resolve_rows(table, [])}
    for row in table.rows:
        if row.add == "non_residual":
            pair = difference(configs[row.against], configs[row.label])
            assert pair == {"arch.rewrites.non_residual": (False, True)}
    assert sum(row.add == "non_residual" for row in table.rows) == 3


def test_an_independent_row_builds_on_the_base_alone():
    table = independent("residual")
    by_label = {rung.row.label: rung for rung in resolve_rows(table, ["ablation=[label_smoothing]"])}
    assert "arch.rewrites.non_residual" not in by_label["Inception-v4"].changed
    assert by_label["Xception plain"].changed["arch.rewrites.non_residual"] == (False, True)
    assert {rung.config.loss.label_smoothing for rung in by_label.values()} == {0.1}


def test_an_independent_row_that_changes_more_than_the_table_allows_is_refused():
    sly = with_row(independent("family"), 3, set=["arch=bn_inception", "train.batch_size=16"])
    with pytest.raises(RequestError, match=r"'BN-Inception'.*also changes train.batch_size"):
        resolve_rows(sly, [])


def test_what_networks_bring_along_can_be_overridden_for_all():
    rungs = resolve_rows(independent("family"), ["train.epochs=2", "arch.width=0.5", "schedule.lr=0.1"])
    assert {(r.config.train.epochs, r.config.arch.width, r.config.schedule.lr) for r in rungs} == {(2, 0.5, 0.1)}


def test_a_table_s_network_cannot_be_overridden():
    with pytest.raises(RequestError, match="arch=xception sets what a row of table family"):
        resolve_rows(independent("family"), ["arch=xception"])


def test_the_rmsprop_table_changes_epsilon_and_what_goes_with_it():
    by_label = {rung.row.label: rung for rung in resolve_rows(independent("rmsprop"), [])}
    sgd, paper, middle, small = by_label.values()
    assert [rung.config.optim.eps for rung in (paper, middle, small)] == [1.0, 1e-3, 1e-8]
    assert set(paper.changed) == {"optim.name", "optim.decay", "optim.eps"}
    assert paper.config.schedule == sgd.config.schedule
    for rung in (middle, small):
        between = difference(flatten(asdict(paper.config)), flatten(asdict(rung.config)))
        assert set(between) == {"optim.eps", "schedule.lr"}
        assert rung.row.cell is None  # the paper has no such row
