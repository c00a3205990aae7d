"""What the settings of training do to a run, in this process: its folder shows."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from functools import cache
from itertools import count

import pytest
import torch
from safetensors.torch import load_file
from support.command_line import SHORT, TINY, latest
from support.runs import assert_same_predictions, predictions, result
from torch.optim.swa_utils import update_bn

from inceptionctl.config.compose import compose
from inceptionctl.config.identity import identity
from inceptionctl.config.validate import parse
from inceptionctl.data.loader import Loader
from inceptionctl.errors import InceptionctlError, Interrupted, RequestError
from inceptionctl.planning.plan import plan
from inceptionctl.runs.config_file import write_config
from inceptionctl.runs.index_file import write_index
from inceptionctl.runs.io import read_record
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import EvalRow, OptimizerRow, TrainRow
from inceptionctl.runs.records.process import Divergence
from inceptionctl.training import checkpoint
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.meters import Diverged
from inceptionctl.training.step import TrainStep
from inceptionctl.worker.assemble import assemble

SMALL = latest(*SHORT, "data=digits", "arch.width=0.05", "train.epochs=0.3")  # thirteen steps


@cache
def config(*words):
    return parse(compose("train", latest(*SMALL, *words)))


def folder(path, *words):
    path.mkdir(parents=True, exist_ok=True)
    planned = plan(config(*words))
    write_index(RunDir(path), planned.data)
    write_config(RunDir(path), planned.config)
    return RunDir(path)


def run(path, *words):
    made = folder(path, *words)
    assemble(made).fit(lambda: False)
    return made


def interrupted(path, *words, at):
    """The same run, stopped after step `at` and resumed."""
    made, calls = folder(path, *words), count(1)
    with pytest.raises(Interrupted):
        assemble(made).fit(lambda: next(calls) >= at)
    assemble(made).fit(lambda: False)
    return made


def weights(made, part="model"):
    return load_file(max(made.checkpoints.glob("step-*")) / f"{part}.safetensors")


def rows(made, kind):
    return [row for row in read_metrics(made.metrics) if isinstance(row, kind)]


def test_looks_between_the_ends_of_epochs_change_no_weight(tmp_path):
    """44 steps an epoch; here a look every eleven of them, and none at the last step, which ends with all images."""
    words = ["train.epochs=0.8", "train.log_every=4"]
    often, once = run(tmp_path / "often", *words, "train.monitor_epochs=0.25"), run(tmp_path / "once", *words)
    looks = [(row.step, row.n_images) for row in rows(often, EvalRow) if row.purpose == "monitor"]
    assert looks == [(11, 20), (22, 20), (33, 20)]
    assert [row.purpose for row in rows(once, EvalRow)] == ["final", "final"]
    assert identity(config(*words, "train.monitor_epochs=0.25")) == identity(config(*words))
    for part in ("model", "ema"):
        ours, theirs = weights(often, part), weights(once, part)
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert [row.loss for row in rows(often, TrainRow)] == [row.loss for row in rows(once, TrainRow)]


def test_looks_less_than_a_step_apart_are_refused():
    with pytest.raises(RequestError, match=r"train\.monitor_epochs = 0\.01 is less than a step: an epoch has 44"):
        plan(config("train.monitor_epochs=0.01"))


@pytest.mark.parametrize(
    "words",
    [
        ["train.precision=float16"],
        ["train.precision=bfloat16", "ablation=[rmsprop]"],
        ["train.bn_batch_size=8", "launch.accumulation_steps=2"],
        ["train.deterministic=true", "train.channels_last=false"],
        ["train.ema.unit=half_life", "train.ema.decay=0.1", "train.ema.buffers=recomputed"],
    ],
    ids=" ".join,
)
def test_every_switch_resumes_to_the_bit(words, tmp_path):
    whole, cut = run(tmp_path / "whole", *words), interrupted(tmp_path / "cut", *words, at=7)
    for part in ("model", "ema", "optimizer"):
        a, b = weights(whole, part), weights(cut, part)
        assert [name for name in a if a[name].numpy().tobytes() != b[name].numpy().tobytes()] == []
    assert_same_predictions(whole.path, cut.path)


def test_float16_keeps_its_scale_in_the_checkpoint(tmp_path):
    made = run(tmp_path, "train.precision=float16")
    scaler = checkpoint.read(max(made.checkpoints.glob("step-*"))).state["scaler"]
    assert scaler["scale"] >= 1.0
    assert scaler["_growth_tracker"] <= 13
    plain = run(tmp_path / "plain")
    assert checkpoint.read(max(plain.checkpoints.glob("step-*"))).state["scaler"] == {}


def test_what_changes_results_is_part_of_the_identity_and_where_it_runs_is_not():
    base = identity(config())
    switches = ["train.precision=bfloat16", "train.compile=true", "train.deterministic=true", "train.bn_batch_size=16",
                "train.channels_last=false", "train.keep_best=true", "train.rollbacks=1"]  # fmt: skip
    assert len({base, *(identity(config(word)) for word in switches)}) == len(switches) + 1
    places = [
        "launch.nproc=2",
        "launch.accumulation_steps=2",
        "data.workers=3",
        "launch.threads=2",
        "launch.restarts=0",
        "run_dir=elsewhere",
        "rerun=true",
    ]
    assert {identity(config(word)) for word in places} == {base}


def test_the_best_checkpoint_is_chosen_on_dev_and_is_not_the_result(tmp_path):
    """The reported split has no part in the choice, and the figures of the run stay those of its last step."""
    made = run(tmp_path, "train.keep_best=true", "train.epochs=3", "train.keep_checkpoints=1")
    found = result(made.path)
    selections = [row for row in rows(made, EvalRow) if row.purpose == "selection"]
    assert [row.n_images for row in selections] == [287] * len(selections)
    dev = {row.step: row.top1_error for row in selections}
    best = min(dev, key=lambda step: (dev[step], step))
    assert (found.best.step, found.best.dev_top1_error) == (best, dev[best])
    assert [one.weights for one in found.evaluations] == ["ema", "raw", "best-ema", "best-raw"]
    kept = {path.name for path in made.checkpoints.iterdir()}
    assert kept == {f"step-{best:08d}", f"step-{max(dev):08d}"}
    chosen = predictions(made.path, "best-ema")
    assert 100 * (1 - chosen.correct_N.mean()) == pytest.approx(found.evaluation("best-ema").top1_error)
    assert len(chosen.label_N) == 360
    assert plan(config("train.keep_best=true")).data.n_train == 1150


def test_recomputed_statistics_are_those_of_torch(tmp_path):
    """The oracle is torch's update_bn over the same batches of the training set."""
    trainer = assemble(folder(tmp_path, "train.ema.buffers=recomputed", "train.epochs=1", "arch.dropout=0"))
    assert trainer._train()
    expected = copy.deepcopy(trainer.step.ema.module)
    settings, steps = trainer.config, trainer.clock.steps_per_epoch
    batches = Loader().training(trainer.images.train, settings.train.batch_size, settings.seed, range(steps))
    update_bn((trainer.step.to_device(batch)[0] for batch in batches), expected)
    trainer._finish()
    trainer.logger.close()
    found, wanted = trainer.step.ema.module.state_dict(), expected.state_dict()
    statistics = [name for name in wanted if "running" in name]
    assert len(statistics) > 20
    for name in statistics:
        assert torch.allclose(found[name], wanted[name], rtol=1e-4, atol=1e-5), name


def test_rmsprop_logs_how_it_scales_the_gradient(tmp_path):
    made = run(tmp_path, "ablation=[rmsprop]")
    (row,) = rows(made, OptimizerRow)
    assert row.step == 13
    assert row.inv_rms_p1 <= row.inv_rms_mean <= row.inv_rms_p99 <= 1.0
    assert rows(run(tmp_path / "sgd"), OptimizerRow) == []


def test_divergence_leaves_a_dump(tmp_path):
    made = folder(tmp_path, "schedule.lr=1e30", "train.grad_clip=1e30")
    trainer = assemble(made)
    with pytest.raises(Diverged, match=r"diverged at step (?s:.)*diverged/step-(?s:.)*lower schedule.lr"):
        trainer.fit(lambda: False)
    (dump,) = made.diverged.iterdir()
    report = read_record(dump / "report.json", Divergence)
    assert report.not_finite
    assert len(report.images) == 32
    assert load_file(dump / "model.safetensors").keys() == trainer.step.model.state_dict().keys()


def test_a_run_that_diverges_rolls_back_and_halves_the_learning_rate(tmp_path, capsys):
    """One loss is NaN; the learning rates of the rows show what happened."""
    made = folder(tmp_path, "train.rollbacks=2", "train.log_every=1", "train.epochs=1.2", "train.monitor=5")
    trainer = assemble(made)
    on_step_end, done = trainer.on_step_end, []

    def with_nan(output, lr):
        if trainer.clock.step == 48 and not done:
            done.append(True)
            output = replace(output, loss=float("nan"))
        on_step_end(output, lr)

    trainer.on_step_end = with_nan
    trainer.fit(lambda: False)
    assert "diverged at step 48" in capsys.readouterr().err
    assert result(made.path).rollbacks == 1
    train = rows(made, TrainRow)
    assert [row.step for row in train] == list(range(1, trainer.clock.steps + 1))
    factors = [row.lr / trainer.plan.schedule(row.step - 1) for row in train]
    assert factors == pytest.approx([1.0] * 44 + [0.5] * (len(factors) - 44))


def test_rollbacks_are_limited(tmp_path, capsys):
    made = folder(tmp_path, "schedule.lr=1e30", "train.grad_clip=1e30", "train.rollbacks=2")
    with pytest.raises(Diverged):
        assemble(made).fit(lambda: False)
    assert capsys.readouterr().err.count("rolling back to the last checkpoint") == 2


def test_durations_are_those_of_the_injected_clock(tmp_path):
    made, ticks = folder(tmp_path), count()
    assemble(made, monotonic=lambda: float(next(ticks))).fit(lambda: False)
    times = [row.time_s for row in rows(made, TrainRow)]
    assert times == sorted(times)
    assert all(time == int(time) for time in times)
    assert result(made.path).wall_s.is_integer()


def test_a_long_epoch_is_saved_on_its_way(tmp_path):
    """Half an hour passes each time the clock is read; a process that is killed loses no more."""
    made, calls, minutes = folder(tmp_path, "train.keep_checkpoints=99"), count(1), count(1800, 1800)
    with pytest.raises(Interrupted):
        assemble(made, monotonic=lambda: float(next(minutes))).fit(lambda: next(calls) >= 3)
    assert [path.name[-2:] for path in sorted(made.checkpoints.iterdir())] == ["01", "02", "03"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["launch.accumulation_steps=2"], r"train.bn_batch_size = null .*\n.*use train.bn_batch_size=16"),
        (["launch.nproc=3"], r"cannot be divided by 3 ranks"),
    ],
)
def test_a_division_that_leaves_a_rest_is_refused_before_anything_is_made(words, message, inceptionctl, tmp_path):
    done = inceptionctl("train", *latest(*TINY, *words))
    assert done.returncode == 2
    assert re.search(message, done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_a_frozen_run_refuses_what_does_not_fit(tmp_path):
    with pytest.raises(RequestError, match="does not divide"):
        plan(config("train.bn_batch_size=5")).partition(1)


@pytest.mark.parametrize("stopping", [False, True])
def test_other_ranks_are_released_before_the_last_checkpoint_is_written(stopping, tmp_path, monkeypatch):
    class Noted(DistributedContext):
        def shutdown(self):
            order.append("shutdown")

    order = []
    trainer = assemble(folder(tmp_path / "run"))
    monkeypatch.setattr(trainer.step, "context", Noted())
    monkeypatch.setattr(checkpoint, "write", lambda *_: order.append("write"))
    trainer.save(stopping)
    trainer.logger.close()
    assert order == (["shutdown", "write"] if stopping else ["write"])


def test_a_run_that_needs_a_gpu_does_not_use_the_cpu(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(RequestError, match=r"torch.cuda.is_available\(\) is False"):
        assemble(folder(tmp_path / "run", "launch.device=cuda"))


def test_a_run_begins_by_removing_a_checkpoint_that_is_not_whole(tmp_path):
    made = folder(tmp_path / "run")
    left = made.checkpoints / ".step-00000003"
    left.mkdir(parents=True)
    assemble(made).logger.close()
    assert not left.exists()


@pytest.mark.parametrize(
    ("shortage", "words", "told"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total of 9 GiB"),
            [],
            ["micro-batch of 32 images", "train.batch_size = 32, ", "accumulation_steps=2 train.bn_batch_size=16"],
        ),
        (
            RuntimeError(
                f"[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate {2 << 30} bytes."
            ),
            ["launch.accumulation_steps=2", "train.bn_batch_size=8"],
            ["of 16 images", "launch.accumulation_steps=4\n"],
        ),
    ],
    ids=["cuda", "cpu"],
)
def test_out_of_memory_is_reported_with_what_needs_less(shortage, words, told, tmp_path, monkeypatch):
    def out_of_memory(self, micro_batches, lr):
        raise shortage

    monkeypatch.setattr(TrainStep, "__call__", out_of_memory)
    with pytest.raises(InceptionctlError) as error:
        run(tmp_path, *words)
    assert [part for part in [*told, "Tried to allocate 2.00 GiB: "] if part not in str(error.value)] == []
