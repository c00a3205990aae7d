"""A table with evaluations of its own on a cluster: the same command submits runs, evaluations, ensembles in turn."""

from __future__ import annotations

from pathlib import Path

from support.command_line import TINY, call, latest
from support.slurm_cluster import Cluster
from support.view_tables import SINGLE, two_networks, write_table
from test_train import ON_CPUS

from inceptionctl.report.results import read

SMALL = latest(*TINY, "arch.width=0.05", "train.epochs=0.1")


def test_the_same_command_submits_what_can_be_done_next(cluster: Cluster, tmp_path: Path) -> None:
    write_table(tmp_path, SINGLE, two_networks("single"))
    folder = tmp_path / "outputs" / "views"
    words = ["ablate", "--config-dir", str(tmp_path), "table=views", "seeds=1", *SMALL, *ON_CPUS]

    def submitted() -> str:
        """What the command said, once its jobs have ended."""
        done = call(*words, cwd=tmp_path, **cluster.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        ended = call("wait", str(folder), "--every", "1", cwd=tmp_path, **cluster.environment)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return done.stdout

    said = submitted()
    assert "2 submitted as job array" in said
    assert "the same command submits 3 evaluations when these runs are done" in said
    said = submitted()
    assert said.count("submitted: job") == 2
    assert "the same command submits 1 ensemble when these evaluations are done" in said
    assert "Trained but not evaluated as the row asks: two networks seed 0" in " ".join(said.split())
    assert submitted().count("submitted: job") == 1
    assert [cell.status for _, cell in read(folder).cells] == ["done", "done"]
