"""What a user sees when something is wrong: one message that says what to change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command_line import TINY, Result, call, latest
from support.runs import only
from support.slurm_cluster import Cluster

from inceptionctl.launch.slurm.submission import jobs_of
from inceptionctl.runs.paths import RunDir

ON_CPUS = ["launch=slurm", "launch.device=cpu", "launch.gpus_per_node=0"]


def train(cluster: Cluster, cwd: Path, *words: str) -> Result:
    return call("train", *latest(*TINY, *ON_CPUS, *words), cwd=cwd, **cluster.environment)


def reason(cluster: Cluster, outputs: Path) -> tuple[str, str]:
    """State and reason of the only run, when it has ended."""
    run = only(outputs, "train/*-0")
    assert call("wait", str(run), "--every", "0.5", cwd=outputs, **cluster.environment).returncode == 1
    (row,) = json.loads(call("status", "--json", str(run), cwd=outputs, **cluster.environment).stdout)["runs"]
    return row["state"], row["reason"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["launch.partition=mian"], "launch.partition = mian: invalid partition specified"),
        (["launch.mem=900G"], "launch.mem = 900G"),
        (["launch.gpus_per_node=4"], "launch.gpus_per_node = 4"),
        (["launch.constraint=a100"], "launch.constraint = a100"),
        (["launch.time=soon"], "launch.time = soon"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_the_site_refuses_is_reported_before_anything_is_made(cluster, tmp_path, words, message):
    done = train(cluster, tmp_path, *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "main (" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_the_nodes_do_not_see(cluster: Cluster) -> None:
    outputs = cluster.hidden / "outputs"
    assert train(cluster, cluster.hidden, f"outputs={outputs}", "launch.partition=far").returncode == 0
    state, why = reason(cluster, outputs)
    assert state == "failed"
    assert "do the nodes see" in why
    assert "shared file system" in why


def test_too_little_memory_is_reported_and_not_retried(cluster: Cluster, tmp_path: Path) -> None:
    assert train(cluster, tmp_path, f"outputs={tmp_path}", "launch.mem=60").returncode == 0
    state, why = reason(cluster, tmp_path)
    assert state == "out of memory"
    assert "raise launch.mem" in why
    assert len(jobs_of(RunDir(only(tmp_path, "train/*-0")))) == 1


def test_a_job_that_ends_before_python_begins(cluster: Cluster, tmp_path: Path) -> None:
    setup = "launch.setup=[module load cuda/99]"
    assert train(cluster, tmp_path, f"outputs={tmp_path}", setup).returncode == 0
    state, why = reason(cluster, tmp_path)
    assert state == "failed"
    assert "before Python started" in why
    assert "module: command not found" in why
    assert Path(why.rpartition("log: ")[2]).is_file()


def test_a_controller_that_does_not_answer(cluster: Cluster, tmp_path: Path) -> None:
    conf = tmp_path / "slurm.conf"
    conf.write_text(cluster.conf.read_text().replace(f"SlurmctldPort={cluster.ports[0]}", "SlurmctldPort=9"))
    slow = {"SLURM_CONF": str(conf)}
    (tmp_path / "empty").mkdir()
    conf.write_text(conf.read_text() + "MessageTimeout=2\n")
    done = call("train", *TINY, *ON_CPUS, cwd=tmp_path / "empty", **slow)
    assert done.returncode == 1
    assert "Slurm's controller does not answer" in done.stderr
    assert list((tmp_path / "empty").iterdir()) == []
