"""Each row of a table changes exactly what it declares, and quotes the paper by its records."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from support.runs import launched

from inceptionctl.commands import train
from inceptionctl.config.compose import Composer, compose, composer_for
from inceptionctl.config.keys import flatten
from inceptionctl.config.validate import parse, parse_as
from inceptionctl.errors import RequestError
from inceptionctl.models.zoo.registry import ARCHITECTURES
from inceptionctl.papers import records as papers
from inceptionctl.planning.plan import plan as make_plan
from inceptionctl.tables import ladder
from inceptionctl.tables.ladder import difference
from inceptionctl.tables.manifest import overrides
from inceptionctl.tables.table import Table, seeds_of

DECLARED = {
    "RMSProp": {"optim.name", "optim.decay", "optim.eps"},
    "Label smoothing": {"loss.label_smoothing"},
    "Factorized 7x7": {"arch.rewrites.factorized_7x7"},
    "BN-auxiliary": {"arch.aux.norm"},
}


@pytest.fixture(scope="module")
def table():
    return parse_as(Table, compose("ablate", [])["table"])


def resolve_rows(table, words):
    return ladder.resolve_rows(table, words, composer_for(None))


def with_row(table, label, **changes):
    rows = list(table.rows)
    k = [row.label for row in rows].index(label)
    rows[k] = replace(rows[k], **changes)
    return replace(table, rows=rows)


def test_each_row_differs_from_the_one_before_in_the_declared_keys_alone(table):
    resolved = [row for row in resolve_rows(table, []) if not row.row.standalone]
    trees = [flatten(asdict(row.config)) for row in resolved]
    for before, after, now in zip(trees, trees[1:], resolved[1:], strict=False):
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        assert changed == DECLARED[now.row.label] == set(now.changed)


def test_the_paper_s_figures_come_from_its_records(table):
    printed = [papers.paper_cell(row.cell) for row in table.rows]
    assert [row.top1_error for row in printed] == [29.0, 26.8, 25.2, 23.4, 23.1, 22.8, 21.6, 21.2]
    assert [row.cost_billion for row in printed] == [1.5, 1.5, 2.0, 3.8, 3.8, 3.8, 4.8, 4.8]


def test_a_row_that_changes_more_than_it_declares_is_refused(table):
    wrong = with_row(table, "Label smoothing", changes=["loss.aux_weight"])
    with pytest.raises(RequestError, match=r"'Label smoothing'.*also changes loss.label_smoothing"):
        resolve_rows(wrong, [])


def test_a_row_that_changes_nothing_is_refused(table):
    idle = with_row(table, "Label smoothing", add=None)
    with pytest.raises(RequestError, match=r"'Label smoothing'.*does not change loss.label_smoothing"):
        resolve_rows(idle, [])


@pytest.mark.parametrize(
    "override", ["loss.label_smoothing=0.2", "optim=rmsprop", "optim.eps=0.1", "arch.aux.norm=true"]
)
def test_an_override_of_what_a_row_changes_is_refused(override, table):
    with pytest.raises(RequestError, match=override.partition("=")[0]):
        resolve_rows(table, [override])


def test_other_overrides_apply_to_every_row(table):
    rows = resolve_rows(table, ["train.batch_size=16", "seeds=5"])
    assert {row.config.train.batch_size for row in rows} == {16}


def test_a_switch_on_the_command_line_applies_to_every_row(table):
    kept = [row for row in table.rows if row.add != "factorized_7x7" and not row.standalone]
    no_stem_row = replace(table, rows=kept)
    rows = resolve_rows(no_stem_row, ["ablation=[separable_stem]"])
    assert {row.config.arch.rewrites.separable_stem for row in rows} == {True}


@pytest.mark.parametrize(("requested", "seeds"), [(3, [0, 1, 2]), ([5, 6], [5, 6]), (1, [0])])
def test_seeds(requested, seeds):
    assert seeds_of(requested) == seeds


@pytest.mark.parametrize("requested", [0, -1, [], "three", [1, 1], [0.5], None, True])
def test_invalid_seeds_are_refused(requested):
    with pytest.raises(RequestError, match="seeds"):
        seeds_of(requested)


def test_a_report_lists_what_the_scale_sets_against_the_paper():
    paper, here = parse(compose("train", ["scale=imagenet"])), parse(compose("train", []))
    listed = {one.key: (one.paper, one.here) for one in overrides(paper, here)}
    assert listed["train.batch_size"] == ("1600", "32")
    assert listed["schedule.lr"] == ("0.045", "0.3")
    assert listed["arch.width"] == ("1", "0.25")
    assert "optim.eps" not in listed


# Independent tables


@cache
def independent(name):
    return parse_as(Table, compose("ablate", [f"table={name}"])["table"])


def test_the_family_has_every_network_once():
    rows = resolve_rows(independent("family"), [])
    assert sorted(row.config.arch.name for row in rows) == sorted(ARCHITECTURES)


def test_the_residual_table_compares_each_residual_network_with_itself_without_shortcuts():
    table = independent("residual")
    configs = {resolved.row.label: resolved.config for resolved in resolve_rows(table, [])}
    for row in table.rows:
        if row.add == "non_residual":
            changed = difference(configs[row.against], configs[row.label])
            assert changed == {"arch.rewrites.non_residual": (False, True)}
    assert sum(row.add == "non_residual" for row in table.rows) == 3


def test_an_independent_row_is_compared_with_the_base():
    table = independent("residual")
    by_label = {resolved.row.label: resolved for resolved in resolve_rows(table, ["ablation=[label_smoothing]"])}
    assert "arch.rewrites.non_residual" not in by_label["Inception-v4"].changed
    assert by_label["Xception plain"].changed["arch.rewrites.non_residual"] == (False, True)
    assert {row.config.loss.label_smoothing for row in by_label.values()} == {0.1}


def test_an_independent_row_that_changes_more_than_the_table_allows_is_refused():
    wrong = with_row(independent("family"), "BN-Inception", set=["arch=bn_inception", "train.batch_size=16"])
    with pytest.raises(RequestError, match=r"'BN-Inception'.*also changes train.batch_size"):
        resolve_rows(wrong, [])


def test_settings_that_any_row_may_change_can_be_overridden_for_all_rows():
    rows = resolve_rows(independent("family"), ["train.epochs=2", "arch.width=0.5", "schedule.lr=0.1"])
    assert {(r.config.train.epochs, r.config.arch.width, r.config.schedule.lr) for r in rows} == {(2, 0.5, 0.1)}


def test_a_table_s_network_cannot_be_overridden():
    with pytest.raises(RequestError, match="arch=xception overrides a setting that table family varies"):
        resolve_rows(independent("family"), ["arch=xception"])


def test_the_rmsprop_table_changes_epsilon_and_what_goes_with_it():
    resolved = resolve_rows(independent("rmsprop"), [])
    sgd, paper, middle, small = resolved
    assert [row.config.optim.eps for row in resolved[1:]] == [1.0, 1e-3, 1e-8]
    assert set(paper.changed) == {"optim.name", "optim.decay", "optim.eps"}
    assert paper.config.schedule == sgd.config.schedule
    for other in (middle, small):
        assert set(difference(paper.config, other.config)) == {"optim.eps", "schedule.lr"}
        assert other.row.cell is None  # the paper has no such row


# Compositions: one for each row, and one more if it has tuned values, one for each switch, one for the command's own
# tree or the base that rows are compared with


@pytest.fixture
def composed(monkeypatch):
    """The overrides of every composition."""
    words, load = [], ConfigLoaderImpl.load_configuration

    def count(self, config_name, overrides, *args, **kwargs):
        words.append(overrides)
        return load(self, config_name, overrides, *args, **kwargs)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", count)
    return words


@pytest.mark.parametrize(
    ("words", "compositions"),
    [
        (["train"], 1),
        (["train", "ablation=[label_smoothing]"], 2),
        (["train", "ablation=[label_smoothing,bn_auxiliary]"], 3),
        (["ablate"], 1 + 1 + 8 + 1),
        (["ablate", "table=residual"], 1 + 1 + 8),
        (["ablate", "table=residual", "ablation=[init_he]"], 1 + 1 + 8 + 2),
    ],
    ids=str,
)
def test_nothing_is_composed_twice(words, compositions, composed):
    code, said = launched(*words, "--dry-run")
    assert (code, len(composed)) == (0, compositions), said


def test_a_run_is_planned_once(monkeypatch):
    plans = []
    monkeypatch.setattr(train, "make_plan", lambda config: plans.append(make_plan(config)) or plans[-1])
    assert launched("train", "--dry-run")[0] == 0
    assert len(plans) == 1


def test_groups_are_listed_once(monkeypatch):
    listed, options = [], ConfigRepository.get_group_options

    def count(self, group_name, *args, **kwargs):
        listed.append(group_name)
        return options(self, group_name, *args, **kwargs)

    monkeypatch.setattr(ConfigRepository, "get_group_options", count)
    composer = Composer()
    assert composer.groups("ablate").keys() > composer.groups("train").keys()
    assert len(listed) == len(set(listed)) > 10
