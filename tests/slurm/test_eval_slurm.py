"""An evaluation on a cluster: submitted, followed, signalled before its time limit, found by the same command."""

from __future__ import annotations

from pathlib import Path

from support.command_line import TINY, call
from support.runs import launched, only, wait_for
from support.slurm_cluster import Cluster
from test_train import ON_CPUS, local, waited

from inceptionctl.runs.evaluations import read_evaluation, read_predictions
from inceptionctl.runs.paths import RunDir

LABELLED = ["data=digits", "batch_size=1"]


def evaluated(path: Path) -> dict[str, bytes | None]:
    found = read_predictions(path, read_evaluation(path))
    return {name: None if array is None else array.tobytes() for name, array in vars(found).items()}


def test_an_evaluation_on_two_nodes_has_the_bits_of_one_process(cluster: Cluster, tmp_path: Path) -> None:
    run = local(tmp_path, *TINY)
    words = ["eval", f"run={run}", *LABELLED, f"outputs={tmp_path}"]
    layout = ["launch=slurm", "launch.device=cpu", "launch.nodes=2", "launch.gpus_per_node=0", "launch.nproc=4",
              "launch.mem=2500"]  # fmt: skip
    done = call(*words, *layout, cwd=tmp_path, **cluster.environment)
    assert done.returncode == 0, done.stderr
    made = only(tmp_path, "eval/*-0")
    assert "submitted: job" in done.stdout
    assert waited(made, cluster) == 0
    found = call(*words, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "already evaluated" in found.stdout
    code, said = launched(*words, "launch.device=cpu", "launch.threads=1", "rerun=true")
    assert code == 0, said
    second = made.with_name(f"{made.name[:-1]}1")
    assert evaluated(made / "evaluation.json") == evaluated(second / "evaluation.json")


def test_an_evaluation_goes_on_after_the_signal_of_its_time_limit(cluster: Cluster, tmp_path: Path) -> None:
    run = local(tmp_path, *TINY)
    words = ["eval", f"run={run}", *LABELLED, *ON_CPUS, f"outputs={tmp_path}", "launch.time=30"]
    done = call(*words, cwd=tmp_path, **cluster.environment)
    assert done.returncode == 0, done.stderr
    made = RunDir(only(tmp_path, "eval/*-0"))
    again = call(*words, cwd=tmp_path, **cluster.environment)
    assert "already submitted: job" in again.stdout
    wait_for(made.heartbeat.is_file)  # the first batch is done
    cluster.run("scancel", "--signal=USR2", done.stdout.split("job ")[1].split(",")[0])
    assert waited(made.path, cluster) == 0
    assert read_evaluation(made.outcome).n_images == 360
