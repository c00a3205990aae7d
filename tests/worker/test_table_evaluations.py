"""A table whose rows differ in how the same networks are evaluated, from training to its report."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import SHORT, TINY, call, latest
from support.runs import only
from support.view_tables import CROPS, SINGLE, two_networks, write_table

from inceptionctl.report.results import read
from inceptionctl.runs.evaluations import read_evaluation, read_predictions

SIZE = ("arch.width=0.05", "train.epochs=0.1")
WORDS = latest(*TINY, *SIZE)


def outcome_of(path: Path):
    record = read_evaluation(path)
    return record.top1_error, read_predictions(path, record).top5_NK.tolist()


@pytest.mark.slow
def test_a_table_evaluates_its_networks_as_eval_does_and_once(tmp_path):
    write_table(tmp_path, SINGLE, CROPS, two_networks("12 crops"))
    ablate = ["ablate", "--config-dir", str(tmp_path), "table=views", "seeds=1", *WORDS]
    done = call(*ablate, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "evaluations: 3 to do" in done.stdout
    assert "two networks, seed 0, ensemble of 2, crops12" in done.stdout
    folder = tmp_path / "outputs" / "views"
    table = read(folder)
    assert [cell.status for _, cell in table.cells] == ["done"] * 3
    single, crops, both = [cell for _, cell in table.cells]
    assert single.run.path == crops.run.path

    before = sorted(path for path in folder.rglob("*") if path.is_dir())
    again = call(*ablate, cwd=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "evaluations:" not in again.stdout
    assert sorted(path for path in folder.rglob("*") if path.is_dir()) == before

    runs = [path.parent for path in folder.glob("*/result.json")]
    assert len(runs) == 2
    outputs = tmp_path / "typed"
    typed = ["protocol=crops12", "probabilities=true", "rerun=true", f"outputs={outputs}", "launch.threads=1"]
    members = [run for identity in both_members(table) for run in runs if run.name.startswith(identity)]
    inside = crops.run.evaluation(table.manifest.image_set, "crops12", "ema")
    by_table = outcome_of(inside), outcome_of(both.run.outcome)
    for words in ([f"run={members[0]}"], [f"run=[{members[0]},{members[1]}]"]):
        said = call("eval", *words, *typed, cwd=tmp_path)
        assert said.returncode == 0, said.stdout + said.stderr
    ensemble = only(outputs, f"eval/{both.run.identity}-0") / "evaluation.json"
    assert (outcome_of(inside), outcome_of(ensemble)) == by_table


@pytest.mark.slow
def test_tables_of_other_images_share_the_run_and_keep_both_evaluations(tmp_path):
    write_table(tmp_path, SINGLE, CROPS)
    ablate = ["ablate", "--config-dir", str(tmp_path), "table=views", "seeds=1", *latest(*SHORT, *SIZE)]
    for name, renderings in (("one", 1), ("two", 2)):
        done = call(*ablate, f"name={name}", f"data.renderings={renderings}", cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    tables = {name: read(tmp_path / "outputs" / name) for name in ("one", "two")}
    assert len({cell.run.path for table in tables.values() for _, cell in table.cells}) == 1
    sizes = {name: {len(cell.figures.predictions.label_N) for _, cell in table.cells} for name, table in tables.items()}
    assert sizes == {"one": {360}, "two": {720}}


def both_members(table):
    return table.rows[-1].entry.cells[0].members
