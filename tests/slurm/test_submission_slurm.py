"""Submitting to a Slurm that is away, late or full: nothing is guessed, and nothing is submitted twice."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from support.command_line import Result, call_here, latest
from support.runs import start, wait_for
from support.slurm_cluster import Cluster
from test_table import CELLS, ON_CPUS

LATER = ["train.epochs=0.2", "launch.mem=900", "launch.extra={begin:now+1hour}"]
OTHERS = ["--begin=now+1hour", "--output=/dev/null", "--job-name=other", "--wrap", "true"]


class Site:
    """A table of four cells in a folder with a blank in its path, on a cluster that the others have left."""

    def __init__(self, cluster: Cluster, outputs: Path):
        self.cluster, self.outputs, self.table = cluster, outputs, outputs / "rmsprop"
        self.words = latest(*CELLS, *ON_CPUS, *LATER, f"outputs={outputs}")
        self.conf = outputs / "slurm.conf"  # with it, a controller that is away is noticed sooner
        self.conf.write_text(f"{cluster.conf.read_text()}MessageTimeout=2\n")

    def call(self, *words: str) -> Result:
        return call_here(*words, cwd=self.outputs, SLURM_CONF=str(self.conf))

    def submitted(self) -> Result:
        return self.call(*self.words)

    def queued(self) -> list[str]:
        """The index of each cell that is queued, and `report`."""
        rows = self.cluster.run("squeue", "-h", "-r", "-t", "PD,R", "-o", "%j|%K").splitlines()
        jobs = (row.partition("|") for row in rows)
        return sorted("report" if name.endswith("-report") else task for name, _, task in jobs if name != "other")

    def empty(self) -> None:
        """Waits until Slurm has forgotten the jobs that are cancelled: until then they count."""
        if jobs := self.cluster.run("squeue", "-h", "-o", "%A").split():
            self.cluster.run("scancel", *jobs)
        wait_for(lambda: not self.cluster.run("squeue", "-h", "-t", "all"), 60)


@pytest.fixture
def site(other_cluster: Cluster, blank: Path) -> Site:
    made = Site(other_cluster, blank)
    made.empty()
    return made


def test_what_a_controller_that_is_away_was_not_asked_is_not_known(site, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", str(site.conf))
    assert "4 submitted as job array" in site.submitted().stdout
    with site.cluster.without_controller():
        waiting = start(site.outputs, "wait", "rmsprop", "--every", "0.5")
        said = [waiting.stdout.readline(), waiting.stdout.readline()]
        assert "Slurm does not answer" in said[0]
        assert said[1] == "4 runs: 4 unknown; report: unknown\n"
        cancelled = site.call("cancel", str(site.table))
        assert (cancelled.returncode, cancelled.stdout) == (1, "")
        assert "may be queued or running: Momentum, seed 0 (job " in cancelled.stderr
        again = site.submitted()
        assert (again.returncode, "could not be asked what is queued" in again.stderr) == (1, True)
    assert waiting.stdout.readline().startswith("4 runs: 4 queued; report: job ")
    assert site.queued() == ["0", "1", "2", "3", "report"]
    assert "cancelled 4 jobs" in site.call("cancel", str(site.table)).stdout
    assert site.queued() == []
    rest, _ = waiting.communicate(timeout=120)
    assert (waiting.returncode, "4 of 4 runs are not done" in rest) == (1, True)


def test_cells_that_were_accepted_while_the_command_was_interrupted_are_found(site, tmp_path, monkeypatch):
    late = site.cluster.with_late_sbatch(tmp_path / "bin", 600)
    monkeypatch.setenv("SLURM_CONF", str(site.conf))
    with monkeypatch.context() as slow:
        slow.setenv("PATH", late["PATH"])
        command = start(site.outputs, *site.words)
        wait_for((tmp_path / "bin" / "accepted").is_file)
        command.send_signal(signal.SIGINT)
        said, _ = command.communicate(timeout=60)
    assert (command.returncode, "4 cells not known to be submitted: interrupted" in said) == (130, True)
    assert "4 runs: 4 queued" in site.call("status", str(site.table)).stdout
    assert "4 already queued or running; report: job" in site.submitted().stdout
    assert site.queued() == ["0", "1", "2", "3", "report"]


def test_what_a_full_queue_has_no_room_for_is_sent_by_the_same_command_later(site):
    others = [site.cluster.run("sbatch", "--parsable", *OTHERS) for _ in range(3)]
    first = site.submitted()
    assert first.returncode == 1
    assert "2 submitted as job array" in first.stdout
    assert "2 cells not submitted: Slurm takes no more jobs at present" in first.stderr
    assert "the same command later sends the rest" in first.stderr
    assert site.queued() == ["0", "1"]
    assert "4 runs: 2 queued, 2 new" in site.call("status", str(site.table)).stdout
    site.cluster.run("scancel", *others)
    wait_for(lambda: "other" not in site.cluster.run("squeue", "-h", "-t", "all", "-o", "%j"), 60)
    second = site.submitted()
    assert "2 already queued or running; 2 submitted as job array" in second.stdout, second.stderr
    assert site.queued() == ["0", "0", "1", "1", "report"]
    assert "cancelled 4 jobs" in site.call("cancel", "rmsprop").stdout
    assert site.queued() == []
