"""A sweep by Hydra's launcher for Slurm (submitit)."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import TINY, call
from support.slurm_cluster import Cluster

SWEEP = ["-m", "hydra/launcher=submitit_slurm", "hydra.launcher.mem_gb=2", "hydra.launcher.timeout_min=10"]


def test_a_sweep_by_submitit_runs_every_seed_on_the_cluster(cluster: Cluster, tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="the extra `submitit` is not installed")
    done = call("train", *SWEEP, *TINY, "seed=1,2", f"outputs={tmp_path}", cwd=tmp_path, **cluster.environment)
    assert done.returncode == 0, done.stderr
    found = [path.parent for path in tmp_path.glob("train/*/result.json")]
    assert len(found) == 2
    jobs = {line.split()[0] for line in cluster.run("squeue", "-h", "-t", "all", "-o", "%F %j").splitlines()}
    assert jobs


def test_a_run_that_fails_in_a_sweep_fails_the_command(cluster: Cluster, tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="the extra `submitit` is not installed")
    hopeless = ["schedule.lr=1e30", "train.grad_clip=1e30"]
    done = call(
        "train", *SWEEP, *TINY, *hopeless, "seed=1,2", f"outputs={tmp_path}", cwd=tmp_path, **cluster.environment
    )
    assert done.returncode == 1
    assert "a job of the sweep failed" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.glob("train/*/result.json")) == []
