"""`until=resolved`: when it looks, when it stops; what a dry run declares and prints."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from support.image_folders import fill
from support.runs import launched

from inceptionctl.config.compose import composer_for
from inceptionctl.config.hydra_main import Request
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import MANIFEST, PLAN
from inceptionctl.runs.records.declared import DeclaredPlan
from inceptionctl.scheduling import table_run
from inceptionctl.scheduling.table import plan_table
from inceptionctl.scheduling.table_cells import seeds_of_member
from inceptionctl.scheduling.table_declared import detectable_line
from inceptionctl.scheduling.table_manifest import manifest_of, write_manifest
from inceptionctl.scheduling.table_run import due, run_until_resolved
from inceptionctl.tables.spread import SPREADS
from inceptionctl.terminal import console

CROSSED = ("switches=[label_smoothing,bn_auxiliary]", "mode=cumulative", "arch.width=0.05", "data.renderings=1")
UNTIL = ("until=resolved", "max_seeds=8", "looks=4")


@pytest.fixture
def planned(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words: plan_table(Request.compose("ablate", [*CROSSED, *words], composer_for(None)))


@pytest.fixture
def looks(monkeypatch):
    """Runs nothing: the seeds of each look. `resolved_at`: from how many seeds on all comparisons are resolved."""
    seen = []

    def run_cells(plan, console):
        seen.append(len(plan.seeds))
        return {}

    def find(table):
        row = SimpleNamespace(label="row")
        rung = SimpleNamespace(resolved=seen[-1] >= looks.resolved_at, after=row, verdict="cannot tell")
        return SimpleNamespace(judged=[rung])

    looks = SimpleNamespace(seen=seen, resolved_at=99)
    monkeypatch.setattr(table_run, "run_cells", run_cells)
    monkeypatch.setattr(table_run, "read", lambda folder: None)
    monkeypatch.setattr(table_run, "find", find)
    return looks


def test_looks_stop_as_soon_as_all_is_resolved_or_a_cell_fails(planned, looks, capsys, monkeypatch):
    plan = planned(*UNTIL)
    run_until_resolved(plan, console())
    assert looks.seen == [2, 4, 6, 8]
    looks.seen.clear()
    looks.resolved_at = 4
    run_until_resolved(plan, console())
    assert looks.seen == [2, 4]
    said = capsys.readouterr().out
    assert "look 4 of 4, 8 seeds of each row" in said
    assert "1 of 1 comparisons resolved; all are: stopping" in said
    monkeypatch.setattr(table_run, "run_cells", lambda plan, console: {"base, seed 0": 1})
    assert run_until_resolved(plan, console()) == {"base, seed 0": 1}


def test_the_same_command_goes_on_with_the_look_it_was_at(planned):
    plan = planned(*UNTIL)
    write_manifest(plan.first_seeds(4))
    assert [look.seeds for look in due(plan)] == [4, 6, 8]
    manifest = read_record(plan.folder / MANIFEST, type(manifest_of(plan)))
    assert (manifest.looks, manifest.max_seeds) == (4, 8)
    assert {len(row.cells) for row in manifest.rows} == {4}


def test_looks_that_were_not_declared_are_not_added_to_a_table(tmp_path, planned):
    write_manifest(planned("seeds=2"))
    code, said = launched("ablate", *CROSSED, *UNTIL, "--dry-run")
    assert code == 2
    assert "with looks None, not 4" in said


def test_until_resolved_needs_comparisons_and_waits_for_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = launched("ablate", "table=rmsprop", *UNTIL, "launch=slurm", "--dry-run")
    assert code == 2
    assert "launch=slurm submits and returns at once" in said
    code, said = launched("ablate", "table=rmsprop", *UNTIL, "rerun=true", "--dry-run")
    assert (code, "would run the seeds of the first looks again" in said) == (2, True), said


def test_seeds_are_added_once(planned):
    write_manifest(planned("seeds=2"))
    plan = planned("seeds=+1")
    assert plan.seeds == [0, 1, 2]
    assert "seeds=3" in plan.command
    assert "seeds=+" not in plan.command


def test_networks_of_an_ensemble_have_seeds_of_their_own():
    assert [*seeds_of_member(2, 3)] == [6, 7, 8]


def test_a_plan_is_declared_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = launched("ablate", *CROSSED, "null=true", "seeds=2", "--dry-run", "--save")
    assert code == 0, said
    declared = read_record(tmp_path / "outputs" / "cumulative-label_smoothing-bn_auxiliary" / PLAN, DeclaredPlan)
    assert (declared.seeds, declared.cells, declared.done, declared.seed_sd) == ([0, 1], 8, 0, SPREADS["digits"].sd)
    assert [(one.before, one.after, one.direction) for one in declared.expected] == [
        ("base", "label_smoothing", None),
        ("label_smoothing", "bn_auxiliary", None),
        ("base", "A/A: base", "equal"),
    ]
    code, said = launched("ablate", *CROSSED, "null=true", "seeds=3", "--dry-run", "--save")
    assert code == 2
    assert "a plan is declared once" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["seeds=3"], "2.2 points at 80 % power with 3 seeds (by a standard deviation of 0.79 between seeds, from 50"),
        (["scale=cifar10"], "unknown at 80 % power with 3 seeds (no row has two finished seeds yet, and none is known"),
        (["seeds=1"], "unknown at 80 % power with 1 seed ("),
    ],
)
def test_what_can_be_detected_is_said_before_anything_runs(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "images" / "train")
    fill(tmp_path / "images" / "val")
    small = [] if "scale=cifar10" not in words else ["data.root=images", "train.batch_size=4", "train.epochs=1"]
    base = [word for word in CROSSED if small == [] or not word.startswith("data.")]
    plan = plan_table(Request.compose("ablate", [*base, *words, *small], composer_for(None)))
    assert detectable_line(plan).startswith(said)


def test_the_paper_s_changes_are_the_expected_directions(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = launched("ablate", "table=rmsprop", "seeds=2", "--dry-run", "--save")
    assert code == 0, said
    declared = read_record(tmp_path / "outputs" / "rmsprop" / PLAN, DeclaredPlan)
    assert [(one.change, one.direction) for one in declared.expected] == [(-0.3, "lower"), (None, None), (None, None)]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--save"], "--save goes with --dry-run"),
        (["--json"], "--json goes with --dry-run"),
        (["--dry-run", "--json", "--json"], "--json is given twice"),
        (["--dry-run", "--save=x"], "--save takes no value"),
    ],
)
def test_flags_that_have_no_effect_are_refused(words, why):
    code, said = launched("ablate", *words)
    assert code == 2
    assert why in said


def test_a_plan_as_json(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = launched("ablate", *CROSSED, "order=permute", "seeds=2", "--dry-run", "--json")
    assert code == 0, said
    shown = json.loads(said)
    assert shown["schema"] == 1
    assert len(shown["cells"]) == len(shown["runs"]) == 8
    assert {identity for cell in shown["cells"] for identity in cell["runs"]} == {
        run["identity"] for run in shown["runs"]
    }
    assert not any(cell["finished"] for cell in shown["cells"])
    assert shown["orders"] == [["label_smoothing", "bn_auxiliary"], ["bn_auxiliary", "label_smoothing"]]
    assert [row["switches"] for row in shown["rows"]][-1] == ["label_smoothing", "bn_auxiliary"]
    assert shown["device_hours"] > 0
    assert not [*tmp_path.iterdir()]


@pytest.mark.slow
def test_a_table_that_grows_until_it_is_resolved(planned):
    """Trains."""
    tiny = ("train.epochs=0.1", "train.monitor=20", "null=true", "until=resolved", "max_seeds=4", "looks=2")
    code, said = launched("ablate", *CROSSED, *tiny)
    assert code == 0, said
    assert "look 1 of 2, 2 seeds of each row" in said
    assert "look 2 of 2, 4 seeds of each row" in said
    plan = planned(*tiny)
    assert not plan.missing()
    code, said = launched("ablate", *CROSSED, *tiny)
    assert code == 0, said
    assert "0 to run" in said


@pytest.mark.slow
def test_a_permuted_table_reports_the_contribution_of_each_switch(planned):
    """Trains; then one seed more, which the report dates."""
    tiny = ("train.epochs=0.1", "train.monitor=20", "order=permute")
    code, said = launched("ablate", *CROSSED, *tiny, "seeds=2")
    assert code == 0, said
    code, said = launched("ablate", *CROSSED, *tiny, "seeds=+1")
    assert code == 0, said
    manifest = read_record(planned(*tiny, "seeds=3").folder / MANIFEST, type(manifest_of(planned(*tiny, "seeds=3"))))
    assert [one.seeds for one in manifest.added] == [[2]]
    assert [len(row.cells) for row in manifest.rows] == [3, 3, 3, 3]
    assert "Seed 2 added on" in said
