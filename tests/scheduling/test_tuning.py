"""`lr_policy=tuned`: which runs choose a learning rate, which rate they choose, and what is refused."""

from __future__ import annotations

import pytest
from support.runs import launched

from inceptionctl.config.compose import compose, composer_for
from inceptionctl.config.hydra_main import Request
from inceptionctl.config.table_settings import Asked
from inceptionctl.errors import RequestError
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.runs.records.table import TableManifest
from inceptionctl.scheduling.table import plan_table
from inceptionctl.scheduling.tuning import Tuning, choose

CROSSED = ("switches=[label_smoothing,bn_auxiliary]", "mode=leave_one_out", "arch.width=0.05", "data.renderings=1")
TUNED = ("lr_policy=tuned", "lr_grid=[0.1,0.2,0.4]")


@pytest.mark.parametrize(
    ("errors", "lr", "at_edge"),
    [
        ({0.1: 9.0, 0.2: 8.0, 0.4: 8.5}, 0.2, False),
        ({0.4: 7.0, 0.1: 9.0, 0.2: 8.0}, 0.4, True),
        ({0.1: 8.0, 0.2: 8.0, 0.4: 8.5}, 0.1, True),
    ],
)
def test_the_rate_with_the_lowest_error_is_chosen(errors, lr, at_edge):
    choice = choose(errors)
    assert (choice.lr, choice.at_edge) == (lr, at_edge)
    assert ("a rate beyond it may be better" in str(choice)) == at_edge


def test_runs_on_the_dev_split_come_first_and_each_row_gets_its_rate(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    request = Request.compose("ablate", [*CROSSED, *TUNED, "tune_seeds=2", "null=true", "seeds=1"], composer_for(None))
    plan = plan_table(request)
    tuning = plan.design.tuning
    assert len(tuning.runs) == 3 * 3 * 2  # the A/A row has those of the first row
    assert {run.config.data.eval_split for run in tuning.runs.values()} == {"dev"}
    assert {run.config.name for run in tuning.runs.values()} == {f"{plan.table.name}-tuning"}
    assert not plan.is_tuned

    found = {0.1: 9.0, 0.2: 8.0, 0.4: 8.5}
    monkeypatch.setattr(Tuning, "choices", lambda self: {row: choose(found) for row, _ in self.tried})
    tuned = plan.again()
    assert tuned.is_tuned
    assert {run.config.schedule.lr for run in tuned.runs.values()} == {0.2}
    assert {run.config.data.eval_split for run in tuned.runs.values()} == {"test"}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["lr_policy=tuned"], "at least 3 learning rates"),
        (["lr_policy=tuned", "lr_grid=[0.1,0.1,0.2]"], "each once"),
        (["lr_grid=[0.1,0.2,0.4]"], "lr_grid= has no effect without lr_policy=tuned"),
        (["lr_policy=tuned", "lr_grid=[0.1,0.2,-1]"], "lr_grid.2 = -1.0 is not allowed"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(words, why):
    values = {"lr_policy": "shared", "lr_grid": []}
    values |= {word.partition("=")[0]: word.partition("=")[2] for word in words}
    if isinstance(values["lr_grid"], str):
        values["lr_grid"] = [float(one) for one in values["lr_grid"].strip("[]").split(",")]
    with pytest.raises(RequestError, match=why):
        Asked.read(compose("ablate", []) | values, words)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["schedule.lr=0.1"], "leave schedule.lr= out"),
        (["data.eval_split=dev"], "report on another than data.eval_split=dev"),
        (["launch=slurm"], "choose them with another launch first"),
    ],
)
def test_a_table_whose_rates_cannot_be_chosen_is_refused(words, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = launched("ablate", *CROSSED, *TUNED, *words, "--dry-run")
    assert code == 2
    assert why in said


@pytest.mark.slow
def test_a_tuned_table(tmp_path, monkeypatch):
    """Trains."""
    monkeypatch.chdir(tmp_path)
    words = (*CROSSED, *TUNED, "train.epochs=0.1", "train.monitor=20", "seeds=1")
    code, said = launched("ablate", *words)
    assert code == 0, said
    assert "Learning rate of each row by the dev split, of 0.1, 0.2, 0.4" in said
    (folder,) = (path.parent for path in tmp_path.glob(f"outputs/*/{MANIFEST}"))
    assert {row.lr for row in read_record(folder / MANIFEST, TableManifest).rows} <= {0.1, 0.2, 0.4}
    code, said = launched("ablate", *words)
    assert "3 cells: 3 done, 0 to run" in said
