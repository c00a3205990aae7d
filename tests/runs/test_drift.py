"""Runs of one table by several versions of the code or its libraries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inceptionctl.runs.drift import drift
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Environment

ENVIRONMENT = Environment(
    versions={"python": "3.11.2", "torch": "2.15.0", "timm": None},
    git_commit="0123456789ab", platform="Linux", processor="a CPU", cores=2, device="cpu", threads=2, world_size=1,
)  # fmt: skip


@pytest.fixture
def runs(tmp_path):
    """Three runs by the same versions."""
    found = [RunDir(tmp_path / name) for name in "abc"]
    for run in found:
        run.path.mkdir()
        write_record(run.env, ENVIRONMENT)
    return found


def test_runs_by_the_same_versions_do_not_drift(runs):
    write_record(runs[0].env, replace(ENVIRONMENT, processor="another", threads=1))
    assert drift(runs) == []


def test_another_commit_and_another_torch_are_named_with_their_runs(runs):
    newer = {**ENVIRONMENT.versions, "torch": "2.16.0"}
    write_record(runs[0].env, replace(ENVIRONMENT, git_commit="ba9876543210+", versions=newer))
    found = drift(runs)
    assert [str(one) for one in found] == [
        "git commit: 0123456789ab (2 runs), ba9876543210+ (1 run)",
        "torch: 2.15.0 (2 runs), 2.16.0 (1 run)",
    ]
    assert found[0].runs["ba9876543210+"] == [runs[0]]


def test_a_run_without_its_environment_is_left_out(runs):
    runs[0].env.write_text("{")
    runs[1].env.unlink()
    assert drift(runs) == []
