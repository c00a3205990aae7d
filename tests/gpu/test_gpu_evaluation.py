"""Evaluation and prediction on a GPU: the counts of the CPU."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.command_line import call
from support.gpu_runs import COMMON, SIZE, note, trained
from support.runs import predictions

WORDS = ["train", "data=imagefolder", "data.workers=2", *SIZE, *COMMON, "train.batch_size=24"]


@pytest.fixture(scope="module")
def run(tmp_path_factory, images):
    return trained(tmp_path_factory.mktemp("run"), *WORDS, f"data.root={images}")


def predicted(run, images, cwd, **environment):
    """Class and probability of the likeliest class of each evaluation image, in the order of the class folders."""
    folders = sorted((images / "val").iterdir())
    done = call("predict", f"run={run}", "--json", *map(str, folders), cwd=cwd, **environment)
    assert done.returncode == 0, done.stderr
    best = {one["file"]: one["top5"][0] for one in json.loads(done.stdout)}
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
