"""Which evaluations the cells of a table need, which of them are there, and which have to wait. Nothing is trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.made_up_evaluations import evaluation
from support.records import RESULT
from support.view_tables import CROPS, SINGLE, two_networks, write_table

from inceptionctl.config.compose import Composer
from inceptionctl.config.hydra_main import Request
from inceptionctl.errors import RequestError
from inceptionctl.planning.evaluation.records import protocol_record
from inceptionctl.runs.evaluations import write_at, write_evaluation
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRequest, MemberRecord
from inceptionctl.scheduling.cell_evaluations import evaluation_lines, evaluations_of, is_waiting
from inceptionctl.scheduling.table import plan_table

OTHER = "{label: whole, protocol: whole, set: [arch.width=0.2], changes: [arch.width], against: single}"
VIEWS = (SINGLE, OTHER, CROPS, two_networks("12 crops"))
DENSE = (SINGLE, OTHER.replace("protocol: whole", "protocol: dense"))


def planned(folder, rows=VIEWS):
    """The plan of the table with two seeds, and nothing else in its folder of outputs."""
    write_table(folder, *rows)
    words = ["table=views", "seeds=2", f"outputs={folder / 'outputs'}"]
    return plan_table(Request.compose("ablate", words, Composer(str(folder))))


@pytest.fixture(scope="module")
def somewhere(tmp_path_factory):
    return planned(tmp_path_factory.mktemp("table"))


@pytest.fixture
def table(somewhere, tmp_path):
    """The same plan with a folder of outputs of its own."""
    runs = {
        identity: replace(plan, config=replace(plan.config, outputs=str(tmp_path)))
        for identity, plan in somewhere.runs.items()
    }
    return replace(somewhere, runs=runs)


def trained(table, label, seed, *protocols, probabilities=False):
    """A made-up run of the first network of a cell, with its weights, evaluated by `protocols` too."""
    identity = table.cells[label, seed][0]
    run = RunDir(table.folder / f"{identity}-0")
    (run.checkpoints / "step-00000001").mkdir(parents=True)
    summaries = []
    for name, weights in [("whole", "ema"), ("whole", "raw"), *((name, "ema") for name in protocols)]:
        record, found = evaluation(p_NK=np.full((200, 10), 0.1, np.float16) if probabilities else None)
        record = replace(record, weights=weights, protocol=replace(record.protocol, name=name))
        summaries.append(write_evaluation(run, record, found))
    write_record(run.result, replace(RESULT, identity=identity, evaluations=summaries))
    return run


def averaged(table, seed):
    """A made-up evaluation of an ensemble."""
    identities, plan = table.cells["two networks", seed], table.plan_of("two networks")
    made = RunDir(table.folder / "eeeeeeeeeeee-0")
    made.path.mkdir(parents=True)
    crops = next(row.protocol for row in table.rows if row.row.label == "two networks")
    record, found = evaluation()
    members = [
        MemberRecord(label=one, arch="inception_v3", weights="ema", pixels=79, run=f"/runs/{one}", identity=one)
        for one in identities
    ]
    asked = EvaluationRequest(
        identity="eeeeeeeeeeee", members=members, image_set=record.image_set, classes=list(plan.data.classes),
        protocol=protocol_record(crops, plan.config.data, 79), n_images=200, on_unreadable="skip", batch_size=100,
        probabilities=True,
    )  # fmt: skip
    write_record(made.request, asked)
    write_at(made.outcome, replace(record, members=members), found)
    return made


def to_do(table):
    return [one.label for one in evaluations_of(table).to_do]


def test_each_evaluation_is_listed_once_whichever_cells_need_it(table):
    """That by the run's own protocol ends training anyway; seeds 0 and 1 are networks of the first ensemble, too."""
    found = evaluations_of(table)
    assert [one.label for one in found.singles] == [
        "12 crops, seed 0, crops12",
        "12 crops, seed 1, crops12",
        "two networks, seed 1, network 1, crops12",
        "two networks, seed 1, network 2, crops12",
    ]
    assert [one.label for one in found.ensembles] == [
        "two networks, seed 0, ensemble of 2, crops12",
        "two networks, seed 1, ensemble of 2, crops12",
    ]
    assert found.to_do == found.all
    assert all(one.stored for one in found.singles)
    assert [one.forward_passes for one in found.all] == 4 * [3600 * 12] + [0, 0]
    (line,) = evaluation_lines(found)
    assert "6 beside those that end training, 2 ensembles among them; 6 to do: 172,800 forward passes" in line


def test_what_is_there_is_not_done_again(table):
    trained(table, "12 crops", 0, "crops12", probabilities=True)
    averaged(table, 1)  # whose networks are needed for nothing else then
    assert to_do(table) == ["12 crops, seed 1, crops12", "two networks, seed 0, ensemble of 2, crops12"]


def test_an_ensemble_needs_the_probabilities_of_its_networks(table):
    run = trained(table, "12 crops", 0, "crops12")
    assert to_do(table)[0] == "12 crops, seed 0, crops12"
    averaged(table, 0)
    assert "12 crops, seed 0, crops12" not in to_do(table)
    assert run.finished


def test_a_damaged_evaluation_is_named_and_done_again(table, capsys):
    run = trained(table, "12 crops", 0, "crops12", probabilities=True)
    path = run.evaluation("test", "crops12", "ema").with_suffix(".npz")
    path.write_bytes(path.read_bytes()[:-100])
    assert to_do(table)[0] == "12 crops, seed 0, crops12"
    assert f"{path} is damaged" in capsys.readouterr().err


def test_an_evaluation_waits_for_its_runs(table):
    trained(table, "12 crops", 0)
    waiting = [one.label for one in evaluations_of(table).to_do if is_waiting(one)]
    assert waiting == to_do(table)[1:]


def test_a_protocol_that_a_network_cannot_be_evaluated_by_is_refused_before_training(tmp_path):
    with pytest.raises(RequestError, match=r"^row 'whole' of table views: .*protocol=dense"):
        planned(tmp_path, DENSE)
