"""Switches that are crossed, in several orders, and with an A/A row: which rows there are and what is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from support.records import manifest, manifest_row
from support.runs import launched

from inceptionctl.config.compose import compose, composer_for
from inceptionctl.config.table_settings import Asked
from inceptionctl.errors import RequestError
from inceptionctl.runs.records.table import ManifestCell, SeedsAdded
from inceptionctl.scheduling.table_folder import with_cells_of
from inceptionctl.scheduling.table_seeds import null_seeds, planned_seeds, seeds_added
from inceptionctl.tables.crossed import cross_switches
from inceptionctl.tables.orders import orders_of
from inceptionctl.tables.sets import folder_name, sets_by_mode

TWO = "switches=[label_smoothing,bn_auxiliary]"
TREE = compose("ablate", [])


def asked(**changes):
    """Read with these settings instead of the defaults, all of them typed."""
    words = [
        f"{key}={'[' + ','.join(value) + ']' if isinstance(value, list) else value}" for key, value in changes.items()
    ]
    return Asked.read(TREE | changes, words)


def crossed(mode, **more):
    return cross_switches(asked(switches=["label_smoothing", "bn_auxiliary"], mode=mode, **more), composer_for(None))


def test_each_row_of_a_cumulative_crossing_adds_one_switch():
    table = crossed("cumulative")
    assert table.table.mode == "cumulative"
    assert [row.row.label for row in table.rows] == ["base", "label_smoothing", "bn_auxiliary"]
    assert [[*row.changed] for row in table.rows] == [[], ["loss.label_smoothing"], ["arch.aux.norm"]]
    assert table.rows[2].config.loss.label_smoothing == 0.1
    assert table.table.name == "cumulative-label_smoothing-bn_auxiliary"


def test_a_switch_that_is_left_out_is_compared_with_all():
    table = crossed("leave_one_out")
    assert [(row.row.label, row.row.against) for row in table.rows] == [
        ("all", None), ("without label_smoothing", "all"), ("without bn_auxiliary", "all")
    ]  # fmt: skip
    assert [row.config.loss.label_smoothing for row in table.rows] == [0.1, 0, 0.1]
    assert [row.config.arch.aux.norm for row in table.rows] == [True, True, False]


def test_a_grid_has_every_combination_compared_with_the_base():
    sets = sets_by_mode(["a", "b", "c"], "grid")
    assert Counter(len(one.on) for one in sets) == {0: 1, 1: 3, 2: 3, 3: 1}
    assert {one.against for one in sets[1:]} == {"base"}
    assert len({one.label for one in sets}) == 8


def test_all_orders_share_the_rows_of_equal_sets():
    table = crossed("cumulative", order="permute")
    assert table.orders == [["label_smoothing", "bn_auxiliary"], ["bn_auxiliary", "label_smoothing"]]
    assert sorted(table.sets.values(), key=len) == [
        [], ["label_smoothing"], ["bn_auxiliary"], ["label_smoothing", "bn_auxiliary"]
    ]  # fmt: skip
    assert table.table.mode == "independent"


def test_random_orders_are_different_and_the_same_again():
    labels, settings = [*"abcdef"], asked(order="permute", orders=20).settings
    orders = orders_of(labels, settings)
    assert len({tuple(order) for order in orders}) == 20
    assert orders[0] == labels
    assert orders == orders_of(labels, settings)
    assert orders != orders_of(labels, replace(settings, order_seed=1))


@pytest.mark.parametrize(
    ("labels", "orders", "why"),
    [("abcde", None, "orders=N"), ("abc", 6, "there are 6 orders"), ("a", None, "needs two switches")],
)
def test_a_number_of_orders_that_cannot_be_is_refused(labels, orders, why):
    settings = replace(asked(order="permute").settings, orders=orders)
    with pytest.raises(RequestError, match=why):
        orders_of([*labels], settings)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"switches": ["a", "b"]}, "needs mode=cumulative"),
        ({"switches": ["a", "b"], "mode": "grid", "table": "rmsprop"}, "do not go together"),
        ({"switches": ["a", "b"], "mode": "grid", "order": "permute"}, "mode=grid has no order"),
        ({"mode": "grid"}, "mode= has no effect without switches"),
        ({"mode": "gird"}, "mode = gird is not allowed"),
        ({"orders": 3}, "orders= has no effect without order=permute"),
        ({"order": "permute", "order_seed": 3}, "order_seed= has no effect"),
        ({"looks": 4}, "looks= has no effect without until=resolved"),
        ({"until": "resolved"}, "needs max_seeds=N"),
        ({"until": "resolved", "max_seeds": 8, "looks": 1}, "needs two"),
        ({"until": "resolved", "max_seeds": 7, "looks": 4}, "max_seeds=8 or more"),
        ({"until": "resolved", "max_seeds": 8, "looks": 4, "seeds": 3}, "leave seeds= out"),
        ({"seeds": "+0"}, "adds no seed"),
    ],
)  # fmt: skip
def test_settings_that_do_not_go_together_are_refused(settings, why):
    with pytest.raises(RequestError, match=why):
        asked(**settings)


@pytest.mark.parametrize(
    ("switches", "more", "why"),
    [
        ("label_smoothin,bn_auxiliary", [], "Did you mean label_smoothing"),
        ("rmsprop,rmsprop", [], "names rmsprop twice"),
        ("rmsprop,bn_auxiliary", ["ablation=rmsprop"], "rmsprop stands in switches= and in ablation="),
        ("rmsprop", [], "crossing needs two"),
        ("no_dropout,rmsprop", ["arch=mobilenet_v1"], "no_dropout changes nothing here"),
        ("init_he,init_xavier", [], "disagree about arch.init"),
        ("label_smoothing,rmsprop", ["loss.label_smoothing=0.2"], "was set beside it"),
        ("rmsprop,label_smoothing", ["optim.momentum=0.8", "seed=1"], "seed=1 has no effect on a table"),
    ],
)
def test_switches_that_cannot_be_crossed_are_refused(switches, more, why):
    names = switches.split(",")
    read = Asked.read(TREE | {"switches": names, "mode": "grid"}, [f"switches=[{switches}]", "mode=grid", *more])
    with pytest.raises(RequestError, match=why):
        cross_switches(read, composer_for(None))


def test_any_network_can_be_the_base():
    names = ["label_smoothing", "plain_auxiliary"]
    words = [f"switches=[{','.join(names)}]", "mode=leave_one_out", "arch=inception_v3"]
    table = cross_switches(Asked.read(TREE | {"switches": names, "mode": "leave_one_out"}, words), composer_for(None))
    assert {row.config.arch.name for row in table.rows} == {"inception_v3"}
    assert [row.config.arch.aux.norm for row in table.rows] == [False, False, True]


def test_a_grid_of_many_rows_is_refused():
    with pytest.raises(RequestError, match="128 rows: at most 64"):
        sets_by_mode([*"abcdefg"], "grid")


def test_long_names_of_folders_are_cut_and_stay_different():
    one, other = folder_name(["grid", *["switch"] * 30, "a"]), folder_name(["grid", *["switch"] * 30, "b"])
    assert one != other
    assert len(one) < 120


def test_the_a_a_row_has_seeds_of_its_own():
    assert null_seeds([0, 1, 5]) == [1000, 1001, 1005]
    with pytest.raises(RequestError, match="1000 is among these"):
        null_seeds([0, 1000])


def table_of(*seeds, **changes):
    rows = [manifest_row("One", *(ManifestCell(seed=seed, identity=f"{seed:012x}") for seed in seeds))]
    null = manifest_row("A/A: One", ManifestCell(seed=1000, identity="f" * 12), against="One")
    return manifest(*rows, *([null] if "null" in changes else []), **changes)


def test_more_seeds_follow_those_of_the_folder(tmp_path):
    more = Asked.read(TREE | {"seeds": 2}, ["seeds=+2"])
    assert planned_seeds(more, 2, table_of(0, 1, 5, null="A/A: One"), tmp_path) == [0, 1, 5, 6, 7]
    with pytest.raises(RequestError, match="has none yet: give seeds=2"):
        planned_seeds(more, 2, None, tmp_path)


def test_seeds_that_join_after_a_report_are_noted(tmp_path):
    before, now = table_of(0, 1), table_of(0, 1, 2, 3)
    assert seeds_added(before, now, tmp_path) == []
    (tmp_path / "report.json").write_text("{}")
    (added,) = seeds_added(before, now, tmp_path)
    assert added.seeds == [2, 3]
    assert seeds_added(replace(now, added=[added]), now, tmp_path) == [added]
    assert seeds_added(before, replace(now, looks=4, max_seeds=8), tmp_path) == []
    assert isinstance(added, SeedsAdded)


def test_the_a_a_row_stays_when_the_table_is_continued_without_it():
    joined = with_cells_of(table_of(0, null="A/A: One"), table_of(0, 1))
    assert [row.label for row in joined.rows] == ["One", "A/A: One"]
    assert joined.null == "A/A: One"
    assert [cell.seed for cell in joined.rows[0].cells] == [0, 1]


def test_a_stored_ladder_is_permuted_and_keeps_the_paper_s_cells(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = launched("ablate", "order=permute", "orders=3", "null=true", "seeds=1", "--dry-run")
    assert code == 0, said
    assert said.count("order     ") == 3
    assert "order     RMSProp, Label smoothing, Factorized 7x7, BN-auxiliary" in said
    assert "row       A/A: Inception-v2: as Inception-v2, with other seeds" in said
    assert "A/A: Inception-v2, seed 1000" in said
    assert not [*tmp_path.iterdir()]
