"""The report of a table is written once, behind the last of the jobs that follow each other."""

from __future__ import annotations

import pytest
from support.stand_ins import calls, stand_in

from inceptionctl.launch.slurm.postpone import main
from inceptionctl.launch.slurm.submission import record_job, report_jobs
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Request, Submission


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Two cells in an array of which the second is followed by job 40; the report's job is 13."""
    here = tmp_path / "table" / "slurm" / "0"
    here.mkdir(parents=True)
    for n, jobs in enumerate([["12_0"], ["12_1", "40_1"]]):
        (tmp_path / str(n)).mkdir()
        for job in jobs:
            record_job(RunDir(tmp_path / str(n)), job, here)
    requests = [Request(word="a", asked=0.0, job="12"), Request(word="b", asked=0.0, job="13", is_report=True)]
    write_record(here / "submission.json", Submission(requests=requests))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    stand_in(tmp_path / "bin", "sbatch", "echo 41")
    return tmp_path


def report(table, *known):
    stand_in(table / "bin", "squeue", "\n".join(f"echo '{job}'" for job in known))
    return main([str(table / "table" / "slurm" / "0"), str(table / "0"), str(table / "1")])


def test_it_is_submitted_again_behind_the_jobs_that_are_left(table):
    assert report(table, "12_0|COMPLETED|n|None", "12_1|PREEMPTED|n|None", "40_1|PENDING||Resources") == 0
    script = table / "table" / "slurm" / "0" / "report.sh"
    (words,) = calls(table / "bin", "sbatch")
    assert words.startswith("--parsable --dependency=afterany:40_1 --comment=inceptionctl-")
    assert words.endswith(f" {script}")
    assert [job.id for job in report_jobs(table / "table")] == ["13", "41"]


def test_it_is_written_where_none_is_left(table):
    assert report(table, "40_1|COMPLETED|n|None", "12_5|RUNNING|n|None") == 1
    assert calls(table / "bin", "sbatch") == []


def test_it_is_written_if_it_cannot_be_submitted_again(table, capsys):
    stand_in(table / "bin", "sbatch", "echo 'sbatch: error: too many jobs' >&2; exit 1")
    assert report(table, "40_1|RUNNING|n|None") == 1
    assert "the report is written now" in capsys.readouterr().err
