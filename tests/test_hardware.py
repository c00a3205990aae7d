"""How a machine is shared out, with GPUs that are only listed."""

from __future__ import annotations

import pytest
from rich.console import Console

from inceptionctl import hardware as machine
from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.hardware import Share, allocate
from inceptionctl.launch.elastic import verdict
from inceptionctl.planning.plan import plan
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.paths import EXIT_RETRY
from inceptionctl.scheduling import cells


@pytest.fixture
def gpus(monkeypatch):
    """Makes nvidia-smi show so many."""

    def show(count):
        monkeypatch.setattr(machine, "gpus", lambda device: [] if device == "cpu" else [str(i) for i in range(count)])
        monkeypatch.setattr(machine, "num_cores", lambda: 16)

    return show


@pytest.mark.parametrize(
    ("asked", "share"),
    [
        (("auto", None, 8, None, 1), Share(8, 2, (("0", "1", "2", "3", "4", "5", "6", "7"),))),
        (("auto", None, 4, None, 9), Share(4, 2, (("0", "1", "2", "3"), ("4", "5", "6", "7")))),
        (("auto", 1, 2, 3, 9), Share(2, 3, (("0", "1"),))),
        (("cpu", None, 1, None, 3), Share(1, 5, ((), (), ()))),
        (("cpu", None, 4, None, 9), Share(4, 1, ((), (), (), ()))),
    ],
)
def test_a_run_gets_a_gpu_a_rank_or_a_share_of_the_cores(asked, share, gpus):
    gpus(8)
    assert allocate(*asked) == share


@pytest.mark.parametrize(
    ("count", "asked", "message"),
    [(0, ("cuda", None, 1, None, 1), "shows no GPU"), (4, ("auto", None, 8, None, 1), "this machine shows 4")],
)
def test_gpus_that_are_not_there_are_refused(count, asked, message, gpus):
    gpus(count)
    with pytest.raises(RequestError, match=message):
        allocate(*asked)


@pytest.mark.parametrize(
    ("count", "ranks", "said"), [(0, 1, ""), (1, 1, ""), (4, 4, ""), (6, 4, "4 of 6 GPUs are used")]
)
def test_train_uses_all_gpus_that_its_batch_can_be_shared_by(count, ranks, said, gpus, capsys, tmp_path):
    gpus(count)
    made = plan(parse(compose("train", [f"outputs={tmp_path}"])))
    assert cells.with_default_nproc(made).config.launch.nproc == ranks
    assert said in capsys.readouterr().err


def test_train_does_as_it_is_told(gpus, tmp_path):
    gpus(4)
    made = plan(parse(compose("train", ["launch.nproc=2", f"outputs={tmp_path}"])))
    assert cells.with_default_nproc(made).config.launch.nproc == 2


def test_the_ranks_of_one_unfinished_cell_are_not_those_of_a_table(monkeypatch, tmp_path):
    """Its threads are its own again, so that it ends to the same bits; the other cell gets its share."""
    first, second = (plan(parse(compose("train", [f"outputs={tmp_path}", f"seed={seed}"]))) for seed in (0, 1))
    cells.folder(first, processes=2, threads=7)
    seen = []
    monkeypatch.setattr(cells, "run_cells", lambda todo, crews, watcher: seen.extend([todo, crews]) or {})
    cells.work({"first": first, "second": second}, Console(quiet=True))
    todo, crews = seen
    assert {crew.processes for crew in crews} == {1}
    share = cells.allocate_devices({"first": first, "second": second})
    assert [read_config(cell.folder()).launch.threads for cell in todo] == [7, share.threads]


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ({1: -9, 0: 1}, EXIT_RETRY),
        ({0: 1, 1: EXIT_RETRY}, 1),
        ({1: EXIT_RETRY}, EXIT_RETRY),
        ({0: 130}, 130),
        ({1: 2}, 2),
    ],
)
def test_the_exit_code_of_several_ranks(codes, code):
    assert verdict(codes) == code
