"""The private cluster behaves as the other tests of this folder assume."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from support.runs import gone, processes_in, wait_for
from support.slurm_cluster import Cluster, temporary
from support.slurm_host import HOSTS, in_jobs, missing


def submit(cluster: Cluster, *words: str) -> str:
    return cluster.run("sbatch", "--parsable", *words)


def submit_more(cluster: Cluster, *words: str) -> None:
    """More jobs than `other_cluster` knows at a time."""
    for _ in range(7):
        cluster.run("sbatch", *words, timeout=15)


def is_in(cluster: Cluster, job: str, state: str) -> bool:
    return cluster.state(job) == state


def test_nodes_differ_and_resolve(cluster: Cluster) -> None:
    command = "getent hosts $SLURMD_NODENAME"
    said = cluster.run("srun", "-N2", "-n2", "--gpus-per-node=2", "sh", "-c", command).splitlines()
    assert sorted(line.split()[1] for line in said) == cluster.near[:2]


def test_the_last_node_does_not_see_the_hidden_folder(cluster: Cluster) -> None:
    (cluster.hidden / "file").touch()
    where = ["--chdir=/", "ls", str(cluster.hidden)]
    assert cluster.run("srun", "-p", "main", *where) == "file"
    assert cluster.run("srun", "-p", "far", *where) == ""


def test_a_preempted_job_is_signalled_and_can_requeue_itself(cluster: Cluster, tmp_path: Path) -> None:
    """Its steps get SIGTERM at once. If its script exits then, the job ends: Slurm requeues only a job that outlives
    the grace time."""
    nodes, log = [f"-N{len(cluster.near)}", "--exclusive"], tmp_path / "low"
    script = "srun sh -c 'echo up; exec sleep 60' || scontrol requeue $SLURM_JOB_ID; sleep 60"
    job = submit(cluster, *nodes, "-o", str(log), "--wrap", script)
    wait_for(lambda: log.exists() and log.read_text().count("up") == len(cluster.near), 20)
    cluster.run("srun", "-p", "high", *nodes, "true")
    wait_for(lambda: is_in(cluster, job, "RUNNING"), 20)
    assert " Restarts=1 " in cluster.run("scontrol", "show", "job", job)
    cluster.run("scancel", job)


def test_the_steps_of_a_job_are_signalled_before_its_time_limit(cluster: Cluster, tmp_path: Path) -> None:
    log = tmp_path / "log"
    step = "srun sh -c 'trap \"echo signalled\" USR2; sleep 60 & wait'"
    job = submit(cluster, "--time=1", "--signal=USR2@50", "-o", str(log), "--wrap", step)
    wait_for(lambda: log.exists() and "signalled" in log.read_text(), 90)
    cluster.run("scancel", job)


def test_a_job_over_its_memory_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    # New memory again and again: a kernel may take pages away that nothing reads, and Slurm counts what is resident.
    hog = "import time; all(not time.sleep(0.2) for _ in iter(lambda: bytearray(300 << 20), None))"
    job = submit(cluster, "--mem=100", "-o", str(tmp_path / "hog"), "--wrap", f'python3 -c "{hog}"')
    wait_for(lambda: is_in(cluster, job, "FAILED"), 55)
    assert "exceeded memory limit" in (tmp_path / "hog").read_text()


def test_without_accounting(bare_cluster: Cluster) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        bare_cluster.run("sacct")
    assert "accounting storage is disabled" in caught.value.stderr
    with pytest.raises(subprocess.CalledProcessError, match="sbatch"):
        submit(bare_cluster, "--array=0-3", "--wrap", "true")


def test_a_site_of_another_make(other_cluster: Cluster, tmp_path: Path) -> None:
    """A pre-empted job has KillWait to save, and nothing follows it; an sbatch waits where there are six jobs."""
    up, log = other_cluster, tmp_path / "log"
    job = submit(up, "--requeue", "-N2", "--exclusive", "-o", str(log), "--wrap", "trap 'echo told' TERM; sleep 60")
    wait_for(lambda: is_in(up, job, "RUNNING"), 20)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        up.run("scontrol", "requeue", job)
    assert "presently disabled" in caught.value.stderr
    up.run("srun", "-p", "high", "-N2", "--exclusive", "true")
    wait_for(lambda: is_in(up, job, "PREEMPTED"), 20)
    assert "told" in log.read_text()
    array = submit(up, "--begin=now+1hour", "-o", "/dev/null", "--array=0-3", "--wrap", "true")
    waiting = ["--begin=now+1hour", "-o", "/dev/null", "--wrap", "true"]
    with up.without_controller(), pytest.raises(subprocess.CalledProcessError, match="squeue"):
        up.state(array)
    environment = up.with_late_sbatch(tmp_path / "bin", 60)
    with subprocess.Popen(["sbatch", *waiting], env=environment, start_new_session=True) as late:
        wait_for((tmp_path / "bin" / "accepted").is_file, 60)
        os.killpg(late.pid, signal.SIGKILL)
    assert len(up.run("squeue", "-h", "-o", "%A").split()) == 2
    with pytest.raises(subprocess.TimeoutExpired) as hung:
        submit_more(up, *waiting)
    assert b"unable to accept job, sleeping and retrying" in hung.value.stderr
    up.run("scancel", *up.run("squeue", "-h", "-o", "%A").split())


def test_pre_emption_by_qos(qos_cluster: Cluster) -> None:
    up = qos_cluster
    job = submit(up, "-N2", "--exclusive", "-o", "/dev/null", "--wrap", "sleep 60")
    wait_for(lambda: is_in(up, job, "RUNNING"), 20)
    up.run("srun", "--qos=high", "-N2", "--exclusive", "true")
    wait_for(lambda: is_in(up, job, "PREEMPTED"), 20)


def test_a_site_that_never_requeues_and_leaves_no_process() -> None:
    if reason := missing(accounting=False):
        pytest.skip(reason)
    with temporary(accounting=False, nodes=1, requeue=False) as up:
        job = submit(up, "--requeue", "-o", "/dev/null", "--wrap", "sleep 600 & env -i setsid sleep 600")
        wait_for(lambda: is_in(up, job, "RUNNING") and len(in_jobs(up.conf)) > 3, 20)
        with pytest.raises(subprocess.CalledProcessError) as caught:
            up.run("scontrol", "requeue", job)
        assert "presently disabled" in caught.value.stderr
        jobs = in_jobs(up.conf)
    assert processes_in(up.folder) == in_jobs(up.conf) == []
    wait_for(lambda: gone(*jobs), 5)
    assert up.name not in HOSTS.read_text()
