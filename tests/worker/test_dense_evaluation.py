"""An evaluation of ResNets by whole images of any shape: a network takes its own inputs, an image its own batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from support.evaluations import evaluation_of, member, outcome
from support.image_folders import fill, smooth
from test_trainer import run as train

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.decode import decode
from inceptionctl.evaluation.crops import with_shorter_side
from inceptionctl.evaluation.dense import fully_convolutional
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.index_file import read_index
from inceptionctl.training.device import ToDevice
from inceptionctl.worker.evaluation import assemble
from inceptionctl.worker.networks import network_of_run

SCALES = [64, 80]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A ResNet that saw a few images of 64 pixels; those to evaluate on are of three shapes."""
    root = tmp_path_factory.mktemp("photos")
    fill(root / "images" / "train")
    for label, name in enumerate(("ant", "bee", "cat")):
        (root / "images" / "val" / name).mkdir(parents=True)
        for i, size in enumerate([(90, 60), (60, 100)]):
            smooth(10 * label + i, size).save(root / "images" / "val" / name / f"{i}.png")
    words = ["data=imagefolder", f"data.root={root / 'images'}", "data.workers=0", "augment=none"]
    network = ["arch=resnet50", "arch.pixels=64", "arch.rewrites.stem_pools=null", "arch.rewrites.blocks=null"]
    return train(root / "run", *words, *network, "train.batch_size=6", "launch.threads=1")


@torch.no_grad()
def test_every_image_is_evaluated_by_itself_at_every_scale(photos, tmp_path):
    dense = parse(compose("train", ["protocol=dense", f"protocol.scales={SCALES}".replace(" ", "")])).protocol
    job = assemble(
        evaluation_of(tmp_path / "eval", member(photos), changed=lambda config: replace(config, protocol=dense))
    )
    job.work(lambda: False)
    found = outcome(job.run)
    assert [len(batch) for batch in job.method.batches] == 6 * [1]
    model = fully_convolutional(network_of_run(photos, read_config(photos), "ema")[0]).eval()
    to_cpu, files = ToDevice(torch.device("cpu")), read_index(job.run, None).files["eval"]
    for i in range(6):
        image = decode(files.path(i))
        sizes = [with_shorter_side(image.size, side) for side in SCALES]
        views = [np.array(image.resize(size, Image.Resampling.BILINEAR)) for size in sizes]
        mirrored = [view for each in views for view in (each, each[:, ::-1].copy())]
        inputs = [to_cpu.floats(torch.from_numpy(view).permute(2, 0, 1)[None]) for view in mirrored]
        p_K = torch.stack([model(one).logits[0].softmax(0) for one in inputs]).mean(0)
        assert found.confidence_N[i] == pytest.approx(p_K.max().item(), rel=1e-4)


def test_an_ensemble_of_other_input_sizes_has_inputs_of_its_own_for_each(photos, tmp_path):
    """By default, five scales that follow the input."""
    dense = parse(compose("train", ["protocol=dense"])).protocol
    small, large = member(photos), replace(member(photos), pixels=96)
    job = assemble(
        evaluation_of(tmp_path / "eval", small, large, changed=lambda config: replace(config, protocol=dense))
    )
    assert [list(network.inputs) for network in job.networks] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    shapes = [image.shape[:2] for image in job.images.image(0, 0)]
    assert [min(shape) for shape in shapes] == [64, 73, 110, 137, 183, 96, 110, 165, 206, 274]
