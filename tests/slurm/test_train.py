"""One run on a cluster: on several nodes, signalled before its time limit, and at a site that forbids requeueing."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from support.command_line import TINY, call, latest
from support.runs import assert_same_end, launched, only, pid_of, unfinish, wait_for
from support.slurm_cluster import Cluster

from inceptionctl.launch.slurm.submission import jobs_of
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import TrainRow
from inceptionctl.runs.starts import read_starts

ON_CPUS = ["launch=slurm", "launch.device=cpu", "launch.gpus_per_node=0", "launch.mem=1900"]
LONGER = latest(*TINY, "train.epochs=8")


def submitted(cluster: Cluster, outputs: Path, *words: str) -> Path:
    done = call("train", *words, f"outputs={outputs}", cwd=outputs, **cluster.environment)
    assert done.returncode == 0, done.stderr
    return only(outputs, "train/*-0")


def status(run: Path, cluster: Cluster) -> dict:
    done = call("status", "--json", str(run), cwd=run, **cluster.environment)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["runs"]
    return row


def waited(run: Path, cluster: Cluster) -> int:
    return call("wait", str(run), "--every", "1", cwd=run, **cluster.environment).returncode


def local(outputs: Path, *words: str) -> Path:
    code, said = launched("train", *words, "launch.device=cpu", f"outputs={outputs}")
    assert code == 0, said
    return only(outputs, "train/*-0")


def steps_logged(run: Path) -> int:
    return sum(isinstance(row, TrainRow) for row in read_metrics(RunDir(run).metrics))


def job_of(run: Path) -> str:
    return jobs_of(RunDir(run))[-1].id


def folders(tmp_path: Path) -> tuple[Path, Path]:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    return here, there


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local run of `LONGER`."""
    return local(tmp_path_factory.mktemp("undisturbed"), *LONGER)


def test_two_nodes_of_two_ranks_end_as_four_local_ranks(cluster: Cluster, tmp_path: Path) -> None:
    here, there = folders(tmp_path)
    layout = ["launch=slurm", "launch.device=cpu", "launch.nodes=2", "launch.gpus_per_node=2", "launch.mem=2500"]
    run = submitted(cluster, there, *TINY, *layout)
    assert waited(run, cluster) == 0
    job = job_of(run)
    known = ("sacct", "-n", "-X", "-P", "-j", job, "-o", "NNodes,State")
    wait_for(lambda: cluster.run(*known) == "2|COMPLETED", 30)  # accounting lags behind
    assert_same_end(run, local(here, *TINY, "launch.nproc=4"))


def test_a_run_continues_after_the_signal_of_its_time_limit(
    cluster: Cluster, tmp_path: Path, undisturbed: Path
) -> None:
    run = submitted(cluster, tmp_path, *LONGER, *ON_CPUS, "launch.time=30")
    wait_for(lambda: steps_logged(run) > 2)
    cluster.run("scancel", "--signal=USR2", job_of(run))
    assert waited(run, cluster) == 0
    first, second = (start.step for start in read_starts(RunDir(run)))
    assert first == 0 < second
    assert_same_end(run, undisturbed)


def test_a_time_limit_before_the_first_step_ends_the_run(cluster: Cluster, tmp_path: Path) -> None:
    run = submitted(cluster, tmp_path, *LONGER, *ON_CPUS, "launch.time=3")
    wait_for((run / "starts.jsonl").is_file)
    cluster.run("scancel", "--signal=USR2", job_of(run))
    assert waited(run, cluster) == 1
    found = status(run, cluster)
    assert found["state"] == "failed"
    assert "launch.time = 3 is too short" in found["reason"]
    assert len(read_starts(RunDir(run))) == 1


def stepping(run: Path, start: int) -> None:
    """Waits until this start of the run has done a step: what was logged before is there too."""
    wait_for(lambda: len(read_starts(RunDir(run))) == start)
    before = steps_logged(run)
    wait_for(lambda: steps_logged(run) > before)


def test_other_jobs_follow_where_a_site_never_requeues(other_cluster: Cluster, blank: Path, undisturbed: Path) -> None:
    """Told to stop, then pre-empted, which ends a job for good."""
    run = submitted(other_cluster, blank, *LONGER, *ON_CPUS)
    stepping(run, 1)
    wait_for(lambda: len(jobs_of(RunDir(run))) == 2)
    first = jobs_of(RunDir(run))[0].id
    assert (status(run, other_cluster)["state"], status(run, other_cluster)["job"]) == ("running", first)
    other_cluster.run("scancel", "--signal=TERM", first)
    stepping(run, 2)
    other_cluster.run("srun", "--partition=high", "--nodes=2", "--exclusive", "true", timeout=180)
    assert waited(run, other_cluster) == 0
    assert status(run, other_cluster)["restarts"] == 2
    wait_for(lambda: not other_cluster.run("squeue", "-h"), 60)  # nor the job behind the last
    assert_same_end(run, undisturbed)


def test_no_job_follows_one_that_its_user_cancels(other_cluster: Cluster, blank: Path) -> None:
    run = submitted(other_cluster, blank, *LONGER, *ON_CPUS)
    stepping(run, 1)
    wait_for(lambda: len(jobs_of(RunDir(run))) == 2)
    other_cluster.run("scancel", jobs_of(RunDir(run))[0].id)
    assert waited(run, other_cluster) == 1
    wait_for(lambda: not other_cluster.run("squeue", "-h"), 60)
    assert len(read_starts(RunDir(run))) == 1


def test_a_job_waits_for_the_process_on_a_node_that_was_lost(
    cluster: Cluster, tmp_path: Path, undisturbed: Path
) -> None:
    run = submitted(cluster, tmp_path, *LONGER, *ON_CPUS)
    stepping(run, 1)
    cluster.run("scancel", "--signal=STOP", job_of(run))  # not done before Slurm has started the job elsewhere
    worker = pid_of(run)
    with cluster.lost(status(run, cluster)["node"]):
        wait_for(lambda: "BeginTime" in cluster.run("squeue", "-h", "-j", job_of(run), "-o", "%r"))
        cluster.run("scontrol", "update", f"jobid={job_of(run)}", "starttime=now+2")
        wait_for(lambda: "perhaps on a node that Slurm has lost" in (status(run, cluster)["reason"] or ""))
        assert len(read_starts(RunDir(run))) == 1
        os.kill(worker, signal.SIGKILL)
    assert waited(run, cluster) == 0
    assert status(run, cluster)["restarts"] == 1
    assert_same_end(run, undisturbed)


def test_a_folder_that_a_node_loses_ends_the_job_with_an_error(cluster: Cluster, tmp_path: Path) -> None:
    run = submitted(cluster, tmp_path, *LONGER, *ON_CPUS, "launch.partition=far")
    stepping(run, 1)
    cluster.hide(tmp_path)
    assert waited(run, cluster) == 1
    ended = ("sacct", "-n", "-X", "-P", "-j", job_of(run), "-o", "State,ExitCode")
    wait_for(lambda: cluster.run(*ended) == "FAILED|1:0", 30)
    assert "is gone from this node" in status(run, cluster)["reason"]


def test_a_run_that_is_queued_is_not_submitted_again(cluster: Cluster, tmp_path: Path) -> None:
    words = [*TINY, *ON_CPUS, "launch.extra={begin:now+1hour}"]
    run = submitted(cluster, tmp_path, *words)
    again = call("train", *words, f"outputs={tmp_path}", cwd=tmp_path, **cluster.environment)
    assert "already submitted: job" in again.stdout
    assert len(jobs_of(RunDir(run))) == 1
    assert "cancelled 1 job" in call("cancel", str(run), cwd=tmp_path, **cluster.environment).stdout


def test_a_local_run_is_resumed_on_slurm(cluster: Cluster, tmp_path: Path) -> None:
    here, there = folders(tmp_path)
    words = latest(*TINY, "train.epochs=2")
    begun = local(there, *words)
    unfinish(begun)
    done = call("resume", str(begun), *ON_CPUS, cwd=tmp_path, **cluster.environment)
    assert "submitted: job" in done.stdout, done.stderr
    assert waited(begun, cluster) == 0
    assert_same_end(begun, local(here, *words))
