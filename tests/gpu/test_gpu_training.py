"""Training on a GPU against the CPU, and its switches against each other, by their loss curves."""

from __future__ import annotations

import numpy as np
import pytest
from support.command_line import call
from support.gpu_runs import DEVICE, DIGITS, deviation, losses, note, trained
from support.runs import last_checkpoint, only, result

from inceptionctl.training import checkpoint

CURVE = [*DIGITS, "arch.dropout=0", "train.epochs=0.8"]  # dropout draws other numbers on another device


def test_the_loss_curve_is_that_of_the_cpu(tmp_path):
    cpu = losses(trained(tmp_path / "cpu", *CURVE, device="cpu"))
    gpu = losses(trained(tmp_path / "gpu", *CURVE))
    apart = deviation(cpu, gpu)
    note("loss curve, GPU against CPU, float32 with TF32 convolutions", steps=len(cpu), **apart)
    assert apart["first"] < 0.002
    assert apart["first_5"] < 0.1


def test_without_tf32_the_loss_curve_is_closer_still(tmp_path):
    cpu = losses(trained(tmp_path / "cpu", *CURVE, device="cpu"))
    done = call(*CURVE, f"launch.device={DEVICE}", "outputs=gpu", cwd=tmp_path, NVIDIA_TF32_OVERRIDE="0")
    assert done.returncode == 0, done.stdout
    apart = deviation(cpu, losses(only(tmp_path, "gpu/train/*")))
    note("loss curve, GPU against CPU, float32 without TF32", steps=len(cpu), **apart)
    assert apart["first"] < 0.0001
    assert apart["second"] < 0.002
    assert apart["first_5"] < 0.1


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return losses(trained(tmp_path_factory.mktemp("plain"), *CURVE))


@pytest.mark.parametrize(
    ("words", "close"),
    [
        (["train.channels_last=false"], 0.002),
        (["train.precision=bfloat16"], 0.02),
        (["train.precision=float16"], 0.01),
        (["launch.accumulation_steps=2", "train.bn_batch_size=48"], 0.05),
        (["train.compile=true"], 0.002),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_switch_starts_as_the_plain_run_does(plain, words, close, tmp_path):
    found = losses(trained(tmp_path, *CURVE, *words))
    assert np.isfinite(found).all()
    apart = deviation(plain, found)
    note("loss curve against the plain run on the same device", words=words, steps=len(found), **apart)
    assert apart["first"] < close
    assert apart["first_5"] < 0.2


def test_the_papers_optimizer_trains_in_bfloat16(tmp_path):
    run = trained(tmp_path, *DIGITS, "train.precision=bfloat16", "ablation=[rmsprop]")
    found = losses(run)
    note("rmsprop, bfloat16", steps=len(found), first=found[0], last=found[-1])
    assert np.isfinite(found).all()


def test_float16_keeps_its_scale(tmp_path):
    run = trained(tmp_path, *CURVE, "train.precision=float16")
    scaler = checkpoint.read(last_checkpoint(run)).state["scaler"]
    note("float16, the scaler at the end", **scaler)
    assert scaler["scale"] >= 1.0


def test_the_average_is_recomputed_and_the_best_is_kept(tmp_path):
    words = ["train.ema.buffers=recomputed", "train.keep_best=true"]
    found = result(trained(tmp_path, *DIGITS, *words))
    note("recomputed statistics, best by dev", best=found.best.step, ema=found.evaluation("ema").top1_error)
    assert found.evaluation("best-ema")
