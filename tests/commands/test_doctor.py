"""`inceptionctl doctor` as a person and as a health check meet it."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from support.image_folders import fill

from inceptionctl.doctor.finding import note, problem
from inceptionctl.doctor.show import show
from inceptionctl.terminal import PlainConsole

SMALL = ["arch.width=0.1", "train.batch_size=8"]


def test_the_quick_checks_are_json_without_secrets(tmp_path):
    """With stdin closed, in a process of its own, in an empty folder."""
    words = [sys.executable, "-m", "inceptionctl", "doctor", "--quick", "--json"]
    secrets = {"WANDB_API_KEY": "5ecret" * 6, "HF_TOKEN": "hf_5ecret"}
    done = subprocess.run(
        ["bash", "-c", 'exec "$@" <&-', "-", *words], env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)} | secrets,
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    tree = json.loads(done.stdout)
    assert (tree["schema"], done.returncode) == (1, int(tree["problems"] > 0))
    assert {one["check"] for one in tree["findings"]} == {"versions", "gpu", "slurm", "disk", "limits", "decoders"}
    assert all(one["remedy"] for one in tree["findings"] if one["level"] != "ok")
    assert "5ecret" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_is_looked_for(inceptionctl_here, tmp_path):
    for split in ("train", "val"):
        fill(tmp_path / "images" / split)
    found = inceptionctl_here("doctor", "--quick", "data=imagefolder", f"data.root={tmp_path / 'images'}")
    assert "12 images of 3 classes to train on" in found.stdout
    lost = inceptionctl_here("doctor", "--quick", "data=imagefolder", "data.root=/nowhere")
    assert (lost.returncode, lost.stderr) == (1, "")
    assert "problem  data      data.root = /nowhere is not a folder that can be reached\n" in lost.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--quick", "arch=xception"], "arch=xception has no effect with --quick"),
        (["data.rot=DIR"], "unknown setting 'data.rot'"),
        (["--quik"], "Did you mean --quick?"),
    ],
)
def test_a_wrong_request_checks_nothing(words, message, inceptionctl_here):
    done = inceptionctl_here("doctor", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_findings_fit_a_terminal_of_80_columns_and_are_one_line_elsewhere():
    found = [problem("gpu", "word " * 40 + "end", "remedy " * 30), note("disk", "x" * 30, "y")]
    terminal = PlainConsole(file=io.StringIO(), width=80, force_terminal=True, color_system=None, highlight=False)
    show(found, terminal)
    assert max(map(len, terminal.file.getvalue().splitlines())) <= 80
    elsewhere = PlainConsole(file=io.StringIO(), soft_wrap=True, highlight=False)
    show(found, elsewhere)
    assert len(elsewhere.file.getvalue().splitlines()) == 4


@pytest.mark.slow
def test_ranks_meet_and_the_bottleneck_is_named(inceptionctl):
    done = inceptionctl("doctor", "--json", *SMALL)
    tree = json.loads(done.stdout)
    by_check = {check: [one for one in tree["findings"] if one["check"] == check] for check in ("ranks", "speed")}
    gloo = by_check["ranks"][0]
    assert (gloo["level"], gloo["values"]["world_size"], gloo["values"]["bytes_per_second"] > 0) == ("ok", 2, True)
    rates, verdict = (one["values"] for one in by_check["speed"][-2:])
    assert min(rates[name] for name in ("worker", "loader", "step", "training")) > 0
    assert verdict["bottleneck"] in ("input", "copy", "compute")
    assert verdict["workers_needed"] >= 1
