"""Evaluation and prediction on a GPU: the counts of the CPU."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.command_line import call
from support.gpu_runs import COMMON, SIZE, note, trained
from support.runs import predictions

from inceptionctl.runs.evaluations import read_evaluation, read_predictions

WORDS = ["train", "data=imagefolder", "data.workers=2", *SIZE, *COMMON, "train.batch_size=24"]


@pytest.fixture(scope="module")
def run(tmp_path_factory, images):
    return trained(tmp_path_factory.mktemp("run"), *WORDS, f"data.root={images}")


def predicted(run, images, cwd, **environment):
    """Class and probability of the likeliest class of each evaluation image, in the order of the class folders."""
    folders = sorted((images / "val").iterdir())
    done = call("predict", f"run={run}", "--json", *map(str, folders), cwd=cwd, **environment)
    assert done.returncode == 0, done.stderr
    best = {one["file"]: one["top5"][0] for one in json.loads(done.stdout)["images"]}
    files = sorted(best, key=lambda name: name.split("/")[-2:])
    return np.array([best[f]["index"] for f in files]), np.array([best[f]["probability"] for f in files])


def test_predict_on_the_gpu_counts_as_on_the_cpu(run, images, tmp_path):
    here, p_here = predicted(run, images, tmp_path)
    cpu, p_cpu = predicted(run, images, tmp_path, CUDA_VISIBLE_DEVICES="")
    kept = predictions(run)
    label, best = kept.label_N, kept.top5_NK[:, 0]
    wrong = {
        "run": int((best != label).sum()),
        "predict on the device": int((here != label).sum()),
        "predict on the CPU": int((cpu != label).sum()),
    }
    note("wrong guesses", images=len(cpu), **wrong, probabilities_apart=float(np.abs(p_here - p_cpu).max()))
    assert len(set(wrong.values())) == 1
    assert (here == cpu).all()
    assert np.abs(p_here - p_cpu).max() < 0.01


def evaluated(run, protocol, cwd, **environment):
    """The evaluation of `run` by `protocol`, and the probability of each image's class."""
    done = call("eval", f"run={run}", f"protocol={protocol}", f"outputs={cwd}", "rerun=true", cwd=cwd, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    path = max(cwd.glob("eval/*/evaluation.json"), key=lambda path: path.stat().st_mtime_ns)
    record = read_evaluation(path)
    return record, read_predictions(path, record)


@pytest.mark.parametrize("protocol", ["crops10", "crops144"])
def test_eval_on_the_gpu_counts_as_on_the_cpu(protocol, run, images, tmp_path):
    """Views are rendered on the CPU, mirrored and averaged on the device."""
    here, on_device = evaluated(run, protocol, tmp_path)
    cpu, on_cpu = evaluated(run, protocol, tmp_path, CUDA_VISIBLE_DEVICES="")
    apart = float(np.abs(on_device.p_true_N - on_cpu.p_true_N).max())
    note(f"eval by {protocol}", images=here.n_images, device=here.device, error=here.top1_error, apart=apart)
    assert (here.n_images, here.top1_error) == (cpu.n_images, cpu.top1_error)
    assert apart < 0.01
