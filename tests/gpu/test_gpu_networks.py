"""Every network, forwards and backwards twice in deterministic mode: what this device refuses is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.gpu_runs import DEVICE, TINY, note

CONF = Path(__file__).parents[2] / "conf"
NAMES = ["inception_v3", "alexnet"] if TINY else sorted(path.stem for path in CONF.glob("arch/*.yaml"))
CODE = """
import sys
import torch
from inceptionctl.planning.plan import plan
from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.training import determinism
from inceptionctl.worker.assemble import make_step
name, device = sys.argv[1:]
made = plan(parse(compose("train", [f"arch={name}", "data=digits", "train.batch_size=16"])))
determinism.enable()
step = make_step(made, torch.device(device))
images = torch.randn(16, 3, made.config.arch.pixels, made.config.arch.pixels, device=device)
images = images.contiguous(memory_format=torch.channels_last)
determinism.self_check(step.model.train(), step.loss, images, torch.arange(16, device=device) % 10)
"""


@pytest.mark.parametrize("name", NAMES)
def test_deterministic_mode_takes_every_network(name):
    done = subprocess.run([sys.executable, "-c", CODE, name, DEVICE], capture_output=True, text=True, check=False)
    said = done.stderr.strip().splitlines()[-1:] or ["sound"]
    note("deterministic mode", network=name, said=said[0])
    assert done.returncode == 0, said[0]
