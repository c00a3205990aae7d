"""Networks to export, without training: random weights, batch norm away from the identity."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from inceptionctl.config.schema import Config
from inceptionctl.export.trained import Trained
from inceptionctl.models.torch.build import build
from inceptionctl.models.torch.classifier import Classifier
from inceptionctl.runs.index_file import write_index
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.training import checkpoint
from support.finished_runs import config_of, finished_run
from support.records import ENVIRONMENT

CLASSES = [f"class {k}" for k in range(10)]
WHOLE = ("arch.width=1", "arch.rewrites.blocks=null", "arch.rewrites.stem_pools=null")  # as scale=digits does not


def random_network(config: Config, seed: int = 0) -> Classifier:
    arch = config.arch
    torch.manual_seed(seed)
    model = build(arch.spec(len(CLASSES)), (arch.pixels, arch.pixels), bn_eps=arch.bn_eps)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3), module.running_var.uniform_(0.5, 2.0)
            if module.weight is not None:
                nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
    return model.eval()


def trained(*words: str, seed: int = 0) -> Trained:
    """Of no run. `words`: settings as after `train`."""
    config = config_of(*words)
    return Trained(model=random_network(config, seed), config=config, classes=CLASSES, weights="w.safetensors")


def run_with_weights(outputs: Path, *words: str) -> RunDir:
    """A finished run on digits with a checkpoint whose average is another network than its last weights."""
    run, config = finished_run(outputs, *words, wrong=20), config_of(*words)
    average, last = (random_network(config, seed).state_dict() for seed in (0, 1))
    tensors = {"ema": average, "model": last}
    state = {"step": 30, "identity": run.identity, "progress": {"best": None}}
    checkpoint.write(run.checkpoints, checkpoint.Checkpoint(tensors, state), keep=2)
    write_index(run, config.data.index(dev=False))
    write_record(run.env, ENVIRONMENT)
    return run


def noise(pixels: int, n: int = 24) -> torch.Tensor:
    """Smooth coloured images, uint8."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(n, 3, 5, 5, generator=generator)
    return (nn.functional.interpolate(coarse, (pixels, pixels), mode="bicubic").clamp(0, 1) * 255).to(torch.uint8)
