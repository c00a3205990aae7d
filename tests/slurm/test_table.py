"""A table on a cluster whose jobs are disturbed: it completes, and every cell ends as if undisturbed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.command_line import Result, call, latest
from support.runs import assert_same_end, launched, wait_for
from support.slurm_cluster import Cluster

from inceptionctl.launch.slurm.submission import jobs_of, report_jobs
from inceptionctl.runs.find import RunIndex
from inceptionctl.runs.io import read_record
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.paths import MANIFEST, RunDir
from inceptionctl.runs.records.metrics import TrainRow
from inceptionctl.runs.records.table import TableManifest
from inceptionctl.runs.starts import read_starts

# A cell of some fifteen seconds on a free core, a row of metrics every tenth of one.
LENGTH = ["arch.width=0.1", "train.epochs=4", "data.renderings=1", "train.monitor=20", "train.log_every=2"]
CELLS = ["ablate", "table=rmsprop", "seeds=1", "launch.threads=1", *LENGTH]
ON_CPUS = ["launch=slurm", "launch.device=cpu", "launch.gpus_per_node=0", "launch.mem=1900"]


def by_label(outputs: Path) -> dict[str, Path]:
    table, index = read_record(outputs / "rmsprop" / MANIFEST, TableManifest), RunIndex.of(outputs)
    return {row.label: index.newest(row.cells[0].identity).path for row in table.rows}


def status(folder: Path, cluster: Cluster) -> dict[str, dict]:
    done = call("status", "--json", str(folder), cwd=folder, **cluster.environment)
    assert done.returncode == 0, done.stderr
    return {row["cell"].partition(",")[0]: row for row in json.loads(done.stdout)["runs"]}


def job_of(run: Path) -> str:
    return jobs_of(RunDir(run))[-1].id


def starts(run: Path) -> int:
    return len(read_starts(RunDir(run)))


def wait_for_step(run: Path, since: int = 0) -> None:
    """Waits until a start after `since` has logged a step."""

    def stepped() -> bool:
        logged = any(isinstance(row, TrainRow) for row in read_metrics(RunDir(run).metrics))
        return starts(run) > since and not RunDir(run).exit.is_file() and logged

    wait_for(stepped, 120)


def ended(cluster: Cluster, folder: Path) -> Result:
    return call("wait", str(folder), "--every", "1", cwd=folder, **cluster.environment)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The cells, run on this machine."""
    here = tmp_path_factory.mktemp("undisturbed")
    code, said = launched(*CELLS, f"outputs={here}", "launch.device=cpu", "launch.jobs=2")
    assert code == 0, said
    return by_label(here)


def test_a_disturbed_table_ends_as_an_undisturbed_one(
    cluster: Cluster, tmp_path: Path, undisturbed: dict[str, Path]
) -> None:
    there = tmp_path / "there"
    words = [*CELLS, *ON_CPUS, f"outputs={there}", "launch.nodes=1"]
    done = call(*words, cwd=tmp_path, **cluster.environment)
    assert done.returncode == 0, done.stderr
    assert "4 submitted as job array" in done.stdout
    labels, runs = list(by_label(there)), list(by_label(there).values())
    for run in runs:
        wait_for_step(run)
    cancelled, requeued, _, down = runs
    cluster.run("scancel", job_of(cancelled))
    cluster.run("scontrol", "requeue", job_of(requeued))
    cluster.run("srun", "--partition=high", f"--nodes={len(cluster.near)}", "--exclusive", "true", timeout=180)
    wait_for_step(down, since=1)
    node = status(there / "rmsprop", cluster)[labels[3]]["node"]
    cluster.set_node(node, "down")
    cluster.set_node(node, "resume")

    first = ended(cluster, there / "rmsprop")
    assert first.returncode == 1
    assert "1 of 4 runs are not done" in first.stderr
    assert status(there / "rmsprop", cluster)[labels[0]]["state"] == "cancelled"

    again = call(*words, cwd=tmp_path, **cluster.environment)
    assert "4 cells: 3 done, 1 to run" in again.stdout
    assert "1 submitted as job array" in again.stdout
    assert ended(cluster, there / "rmsprop").returncode == 0

    for label, run in undisturbed.items():
        assert_same_end(run, by_label(there)[label])
    assert [starts(run) for run in runs[:1]] == [2]
    assert min(starts(run) for run in runs[1:3]) >= 2
    assert starts(down) >= 3
    report = wait_for(lambda: list((there / "rmsprop").glob("report.json")), 60)
    assert report


def test_a_table_that_is_pre_empted_for_good_goes_on_to_one_report(
    qos_cluster: Cluster, blank: Path, undisturbed: dict[str, Path]
) -> None:
    words = [*CELLS, *ON_CPUS, f"outputs={blank}"]
    done = call(*words, cwd=blank, **qos_cluster.environment)
    assert done.returncode == 0, done.stderr
    runs = by_label(blank)
    for run in runs.values():
        wait_for_step(run)
    wait_for(lambda: all(len(jobs_of(RunDir(run))) == 2 for run in runs.values()), 120)
    qos_cluster.run("srun", "--qos=high", "--nodes=2", "--exclusive", "true", timeout=180)
    wait_for(lambda: [job.id for job in report_jobs(blank / "rmsprop")][1:] not in ([], [None]), 240)
    (second,) = [job.id for job in report_jobs(blank / "rmsprop")][1:]
    waiting = qos_cluster.run("squeue", "-h", "-t", "PD", "-o", "%j %A").splitlines()
    assert [line for line in waiting if line.startswith("rmsprop-report")] == [f"rmsprop-report {second}"]
    assert ended(qos_cluster, blank / "rmsprop").returncode == 0
    reported = json.loads((blank / "rmsprop" / "report.json").read_text())
    assert [row["cells"][0]["status"] for row in reported["rows"]] == ["done"] * 4
    wait_for(lambda: not qos_cluster.run("squeue", "-h"), 60)
    for label, run in runs.items():
        assert starts(run) == 2
        assert_same_end(run, undisturbed[label])


@pytest.fixture(scope="module")
def split_table(bare_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result, Result]:
    """A table whose second cell fails before Python starts, at a site that takes arrays of three and keeps no accounts;
    what submitting and waiting printed, when Slurm has forgotten its jobs."""
    folder = tmp_path_factory.mktemp("split")
    fails = "launch.setup=['test \"$SLURM_ARRAY_TASK_ID\" != 1']"
    words = latest(*CELLS, *ON_CPUS, fails, "train.epochs=0.2", f"outputs={folder}", "launch.array_parallelism=2")
    done = call(*words, cwd=folder, **bare_cluster.environment)
    assert done.returncode == 0, done.stderr
    waited = ended(bare_cluster, folder / "rmsprop")
    wait_for(lambda: not bare_cluster.run("squeue", "-h", "-t", "all"), 60)
    return folder / "rmsprop", done, waited


def test_an_array_longer_than_the_site_takes_is_split(split_table: tuple[Path, Result, Result]) -> None:
    table, done, _ = split_table
    jobs = [job_of(run) for run in by_label(table.parent).values()]
    arrays = [job.partition("_")[0] for job in jobs]
    assert [job.partition("_")[2] for job in jobs] == ["0", "1", "2", "0"]
    assert arrays[0] == arrays[1] == arrays[2] != arrays[3]
    assert f"arrays {arrays[0]}, {arrays[3]}" in done.stdout


def test_a_failing_cell_leaves_the_others_and_the_report_alone(split_table: tuple[Path, Result, Result]) -> None:
    table, _, waited = split_table
    assert waited.returncode == 1
    assert "1 of 4 runs are not done" in waited.stderr
    assert "the job ended before Python started" in waited.stdout
    statuses = [row["cells"][0]["status"] for row in json.loads((table / "report.json").read_text())["rows"]]
    assert statuses == ["done", "failed", "done", "done"]


def test_the_status_is_right_when_slurm_has_forgotten_the_jobs(split_table, bare_cluster: Cluster) -> None:
    table, _, _ = split_table
    found = list(status(table, bare_cluster).values())
    assert [row["state"] for row in found] == ["done", "failed", "done", "done"]
    assert "ended before Python started" in found[1]["reason"]


def test_cancel_cancels_every_job_of_a_table(cluster: Cluster, tmp_path: Path) -> None:
    words = [*CELLS, *ON_CPUS, f"outputs={tmp_path}", "launch.extra={begin:now+1hour}"]
    assert call(*words, cwd=tmp_path, **cluster.environment).returncode == 0
    table = tmp_path / "rmsprop"
    assert {row["state"] for row in status(table, cluster).values()} == {"queued"}
    said = call("cancel", str(table), cwd=tmp_path, **cluster.environment)
    assert "cancelled 4 jobs" in said.stdout
    left = cluster.run("squeue", "-h", "-t", "PD,R", "-o", "%j")
    assert "rmsprop" not in left
    assert {row["state"] for row in status(table, cluster).values()} == {"cancelled"}


def test_the_status_of_200_cells_asks_each_command_once(cluster: Cluster, tmp_path: Path) -> None:
    words = ["ablate", "table=rmsprop", "seeds=50", *ON_CPUS, f"outputs={tmp_path}", "launch.extra={begin:now+1hour}"]
    assert call(*words, cwd=tmp_path, **cluster.environment).returncode == 0
    environment, calls = counting(tmp_path / "bin", cluster.environment)
    done = call("status", str(tmp_path / "rmsprop"), cwd=tmp_path, **environment)
    assert "200 runs: 200 queued; report: job" in done.stdout
    assert sorted(calls.read_text().split()) in (["squeue"], ["sacct", "squeue"])
    assert call("cancel", str(tmp_path / "rmsprop"), cwd=tmp_path, **cluster.environment).returncode == 0


def counting(folder: Path, environment: dict[str, str]) -> tuple[dict[str, str], Path]:
    """Slurm's commands, with a file that records each call of squeue and sacct."""
    folder.mkdir()
    calls = folder / "calls"
    for name in ("squeue", "sacct"):
        stand_in = folder / name
        stand_in.write_text(f'#!/bin/sh\necho {name} >>"{calls}"\nexec {shutil.which(name)} "$@"\n')
        stand_in.chmod(0o755)
    return environment | {"PATH": f"{folder}:{environment['PATH']}"}, calls
