"""An evaluation as a job of its own: the bits that training wrote, for any number of ranks, after any interruption."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import count
from multiprocessing import active_children

import numpy as np
import pytest
import torch
from support.evaluations import evaluated, evaluation_of, member, outcome
from support.ranks import on_ranks
from support.runs import predictions, result, wait_for

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.errors import Interrupted
from inceptionctl.runs.evaluations import read_evaluation
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.records.evaluation import EvaluationRequest
from inceptionctl.runs.records.process import ExitStatus
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.worker import evaluation
from inceptionctl.worker.__main__ import main
from inceptionctl.worker.evaluation import assemble


def bits(made):
    return {name: None if array is None else array.tobytes() for name, array in vars(outcome(made)).items()}


def crops10(config):
    """Ten views of an image: with two images a batch, eight batches of fifteen images."""
    return replace(config, protocol=parse(compose("train", ["protocol=crops10"])).protocol)


def with_worker(config):
    return replace(crops10(config), data=replace(config.data, workers=1))


def photos_evaluation(path, photos, **request):
    return evaluation_of(path, member(photos), changed=crops10, batch_size=20, **request)


@pytest.mark.parametrize("weights", ["ema", "raw"])
def test_a_run_has_the_bits_that_training_wrote(weights, digits, tmp_path):
    path = digits.evaluation("test", "whole", weights)
    written, record = vars(predictions(digits.path, weights)), read_evaluation(path)
    made = evaluated(evaluation_of(tmp_path / "eval", member(digits, weights)))
    found = read_evaluation(made.outcome)
    assert bits(made) == {name: None if array is None else array.tobytes() for name, array in written.items()}
    assert replace(found, members=[]) == record
    assert not made.parts.exists()
    last = read_metrics(made.metrics)[-1]
    assert (last.step, last.top1_error) == (360, record.top1_error)


def evaluate_on_ranks(context, whole, short, stopped):
    """`short` has fewer batches than there are ranks; in `stopped` the last rank alone is told to stop, after its first
    batch: the message that each rank ends with, and how many data workers are left."""
    evaluation.init_process_group = lambda *_: context
    DistributedContext.shutdown = lambda _: None  # there is more to come
    for made in (whole, short):
        assemble(made).work(lambda: False)
    with pytest.raises(Interrupted) as end:
        assemble(stopped).work(lambda: context.rank == context.world_size - 1)
    return str(end.value), len(active_children())


@pytest.fixture(scope="module")
def whole(photos, tmp_path_factory):
    """Evaluated at once, on one rank."""
    before = torch.get_num_threads()
    made = evaluated(photos_evaluation(tmp_path_factory.mktemp("whole") / "eval", photos))
    torch.set_num_threads(before)
    return made


@pytest.mark.parametrize("world_size", [2, 3])
def test_ranks_have_the_bits_of_one(world_size, photos, whole, tmp_path):
    made = photos_evaluation(tmp_path / "made", photos)
    stopped = evaluation_of(tmp_path / "stopped", member(photos), changed=with_worker, batch_size=20)
    short = evaluation_of(tmp_path / "short", member(photos), changed=crops10, batch_size=150)
    said = on_ranks(world_size, tmp_path, evaluate_on_ranks, made, short, stopped)
    first, *others = said
    assert first == (f"stopped at image {2 * world_size} of 15: what is done is kept", 0)
    assert others == [("stopped: what is done is kept", 0)] * (world_size - 1)
    assert bits(made) == bits(whole)
    assert read_evaluation(made.outcome) == read_evaluation(whole.outcome)
    assert read_evaluation(short.outcome).n_images == 15

    assert not stopped.finished
    assert sum(len(np.load(path)["batches"]) for path in stopped.parts.iterdir()) == world_size
    job = assemble(stopped)  # on one rank
    job.work(lambda: False)
    assert job.batches_done == 8 - world_size
    assert bits(stopped) == bits(whole)


def stop_after(made, batches):
    calls = count(1)
    with pytest.raises(Interrupted):
        assemble(made).work(lambda: next(calls) >= batches)


def test_an_evaluation_goes_on_where_it_was(photos, whole, tmp_path):
    made = photos_evaluation(tmp_path / "eval", photos)
    for batches in (3, 1, 2):
        stop_after(made, batches)
        assert not made.finished
    job = assemble(made)
    job.work(lambda: False)
    assert job.batches_done == 2
    assert bits(made) == bits(whole)
    assert [row.step for row in read_metrics(made.metrics)] == [6, 8, 12, 15]


def test_parts_that_are_damaged_or_of_others_are_named_and_done_again(photos, whole, tmp_path, capsys):
    made, other = photos_evaluation(tmp_path / "eval", photos), photos_evaluation(tmp_path / "other", photos)
    write_record(other.request, replace(read_record(other.request, EvaluationRequest), identity="fedcba987654"))
    for batches in (2, 1):
        stop_after(made, batches)
    stop_after(other, 5)
    damaged, foreign = made.parts / "000000-000001.npz", made.parts / "000000-000004.npz"
    damaged.write_bytes(damaged.read_bytes()[:-30])
    shutil.copy(other.parts / foreign.name, foreign)
    shutil.copy(made.parts / "000002-000002.npz", made.parts / "000003-000003.npz")  # a batch twice
    (made.parts / ".000003-000004.npz.4711").write_bytes(b"cut off by SIGKILL")
    job = assemble(made)
    job.work(lambda: False)
    said = capsys.readouterr().err.splitlines()
    assert job.batches_done == 7
    assert bits(made) == bits(whole)
    for path, why in [(damaged, "is damaged"), (foreign, "is of another evaluation (fedcba987654")]:
        assert any(line.startswith(f"inceptionctl: {path} {why}") for line in said), said
    assert any("it has batch 2, which another part has" in line for line in said), said
    assert [path.name for path in made.parts.iterdir()] == [foreign.name]  # it is not ours to remove


def test_a_killed_evaluation_loses_no_part(photos, whole, tmp_path):
    """SIGKILL after a part was written, in a process of its own, as the launcher starts it."""
    made = photos_evaluation(tmp_path / "eval", photos)
    code = (
        "import sys; from pathlib import Path\n"
        "from inceptionctl.runs.paths import RunDir; from inceptionctl.worker import evaluation, __main__\n"
        "evaluation.SAVE_SECONDS = 0.0\n"
        "sys.exit(__main__.work(RunDir(Path(sys.argv[1]))))"
    )
    slow = "from time import sleep; from inceptionctl.data import decode as d; f = d._turn_upright\n"
    slow += "def late(image): sleep(0.2); f(image)\nd._turn_upright = late\n"
    words = [sys.executable, "-c", slow + code, str(made.path)]
    with subprocess.Popen(words, env=os.environ | {"OMP_NUM_THREADS": "1"}) as process:
        wait_for(lambda: len(list(made.parts.glob("*.npz"))) >= 2)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not made.exit.exists()
    assert not made.finished
    assert main([str(made.path)]) == 0
    assert read_record(made.exit, ExitStatus).code == 0
    assert bits(made) == bits(whole)


def test_the_result_of_a_run_lists_what_was_added(photos, whole):
    listed = {(one.protocol, one.weights): one for one in result(photos.path).evaluations}
    assert [*listed][:2] == [("whole", "ema"), ("whole", "raw")]
    added = listed["crops10", "ema"]
    own = read_evaluation(photos.path / added.file)
    assert own == read_evaluation(whole.outcome)
    assert (added.n_images, added.top1_error, added.top5_error) == (15, own.top1_error, None)
