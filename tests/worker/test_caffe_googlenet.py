"""The released Caffe GoogLeNet on real images: it is right as often as its own code is."""

from __future__ import annotations

import pytest
from support.runs import launched, only
from support.shared_data import shared_data

from inceptionctl.runs.evaluations import read_evaluation, read_predictions

WEIGHTS = "weights/bvlc_googlenet.caffe_names.safetensors"
# Images, and how many are right in one and in five guesses, by Caffe's own evaluation (shared/data/README.md).
SAMPLES = ("data=labelled", "imagenet_sample", 238, 193, 221)
VALIDATION = ("data=imagenet_val", "ilsvrc2012/val_sample", 100, 77, 92)


@pytest.mark.slow
@pytest.mark.parametrize(("data", "folder", "images", "top1", "top5"), [SAMPLES, VALIDATION], ids=["samples", "val"])
def test_it_is_right_as_often_as_caffe_says(data, folder, images, top1, top5, tmp_path):
    words = ["arch=googlenet", f"weights={shared_data(WEIGHTS)}", "arch.input=caffe", "protocol=squeezed", data]
    others = [f"data.root={shared_data(folder)}", f"outputs={tmp_path}", "data.workers=0", "launch.device=cpu"]
    code, said = launched("eval", *words, *others)
    assert code == 0, said
    made = only(tmp_path, "eval/*-0") / "evaluation.json"
    found = read_predictions(made, read_evaluation(made))
    assert len(found.label_N) == images
    assert (int(found.hit_N(1).sum()), int(found.hit_N(5).sum())) == (top1, top5)
