"""What is submitted to a Slurm that refuses, answers late or not at all, with stand-ins for its commands."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from support.stand_ins import calls, stand_in

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.launch.slurm import requests, sbatch
from inceptionctl.launch.slurm.clients import NoAnswerError, SlurmError
from inceptionctl.launch.slurm.jobs import queued_jobs
from inceptionctl.launch.slurm.sbatch import QueueFullError, check_accepted
from inceptionctl.launch.slurm.submission import jobs_of, report_jobs
from inceptionctl.launch.slurm.submit import TableSubmission, submit_report
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Submission

FULL = "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying"
LIMIT = "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates "
LIMIT += "accounting/QOS policy (job submit limit, user's size and/or time limits)"
LATE = "echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2; exit 1"
DOWN = "echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1"
# Accepts a job while there is room, which is what an array takes: one for each task.
QUEUE = """\
comment=${{words##*--comment=}} comment=${{comment%% /*}} last=${{words##*--array=0-}} last=${{last%% *}}
[[ $words = *--array=* ]] || last=0
read room <"$0.room" || room=99
if ((last >= room)); then {full}; fi
echo $((room - last - 1)) >"$0.room"
job=$((10 + $(wc -l <"$0.calls")))
echo "$job|$comment" >>"$0.jobs"
{answer}
"""


class Site:
    """A table of four runs, and a queue."""

    def __init__(self, folder: Path):
        self.bin, self.table = folder / "bin", folder / "a table"
        launch = parse(compose("train", ["launch=slurm", "launch.gpus_per_node=0"])).launch
        self.launch = replace(launch, extra={"comment": "for X"})
        self.runs = {f"cell {n}": RunDir(self.table / f"{n}-0") for n in range(4)}
        for run in self.runs.values():
            run.log().parent.mkdir(parents=True)
        stand_in(self.bin, "scontrol", "echo 'MaxArraySize = 4'")
        self.takes()
        self.answers()
        (self.bin / "sbatch.jobs").touch()

    def takes(self, room=99, full=f'echo "{FULL}" >&2; sleep 100; exit 1', answer="echo $job"):
        stand_in(self.bin, "sbatch", QUEUE.format(full=full, answer=answer))
        (self.bin / "sbatch.room").write_text(f"{room}\n")

    def answers(self, also=""):
        """squeue: of a job that is asked for by its comment, the id; by its id, that it is pending."""
        jobs = self.bin / "sbatch.jobs"
        by_id = f"while IFS='|' read job _; do echo \"${{job}}_[0-3]|PENDING||Priority\"; done <'{jobs}'"
        stand_in(self.bin, "squeue", f"{also}\ncase $words in *--me*) cat '{jobs}' ;; *) {by_id} ;; esac")

    def submission(self) -> TableSubmission:
        return TableSubmission(self.launch, "name", self.table, self.runs)

    def jobs(self) -> list[str | None]:
        return [found[-1].id if (found := jobs_of(run)) else None for run in self.runs.values()]

    def queued(self) -> list[str]:
        return list(queued_jobs(job for run in self.runs.values() for job in jobs_of(run)).values())

    @property
    def submitted(self) -> list[str]:
        return calls(self.bin, "sbatch")


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(requests, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(requests, "IN_FLIGHT_SECONDS", 0.0)
    return Site(tmp_path)


def test_a_request_is_noted_before_sbatch_is_called(site):
    seen = f"cp '{site.table}/slurm/0/submission.json' '{site.table}/0-0/jobs.jsonl' '{site.bin}'"
    site.takes(answer=f"{seen}; echo $job")
    site.submission().send()
    (request,) = read_record(site.bin / "submission.json", Submission).requests
    assert (request.job, f'"request": "{request.word}"' in (site.bin / "jobs.jsonl").read_text()) == (None, True)
    assert f"--comment=for X {request.word} " in site.submitted[0], "the user's own stays"
    assert site.jobs() == ["11_0", "11_1", "11_2", "11_3"]


def test_an_answer_that_comes_too_late_is_looked_up_at_once(site):
    site.takes(answer=LATE)
    site.submission().send()
    assert site.jobs() == ["11_0", "11_1", "11_2", "11_3"]


def test_a_job_whose_acceptance_is_not_known_is_found_before_it_is_submitted_again(site, monkeypatch, capsys):
    site.takes(answer=LATE)
    site.answers(also=DOWN)
    with pytest.raises(NoAnswerError, match="asks whether it was accepted"):
        site.submission().send()
    assert site.jobs() == [None] * 4
    with pytest.raises(NoAnswerError, match="could not be asked what is queued"):
        site.queued()
    monkeypatch.setattr(requests, "IN_FLIGHT_SECONDS", 1000.0)
    site.answers(also='read n <"$0.n" || n=0; echo $((n + 1)) >"$0.n"; ((n < 2)) && exit')
    assert site.queued() == ["11_0", "11_1", "11_2", "11_3"]
    assert "until its job shows" in capsys.readouterr().err
    assert site.jobs() == ["11_0", "11_1", "11_2", "11_3"], "it is noted"


@pytest.mark.parametrize(("does", "seconds"), [(LATE, 100.0), ("sleep 100", 0.1)])
def test_a_job_that_never_reached_the_queue_is_none(does, seconds, site, monkeypatch):
    monkeypatch.setattr(sbatch, "SBATCH_SECONDS", seconds)
    stand_in(site.bin, "sbatch", does)
    with pytest.raises(NoAnswerError):
        site.submission().send()
    assert (site.queued(), site.jobs()) == ([], [None] * 4)
    assert [jobs_of(run) for run in site.runs.values()] == [[]] * 4


def test_a_damaged_note_leaves_the_comment_to_find_the_job_by(site, capsys):
    site.submission().send()
    (site.table / "slurm" / "0" / "submission.json").write_text("{")
    assert site.queued() == ["11_0", "11_1", "11_2", "11_3"]
    assert "submission.json is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("full", [f'echo "{FULL}" >&2; sleep 100; exit 1', f'echo "{LIMIT}" >&2; exit 1'])
def test_what_a_full_queue_has_room_for_is_submitted_and_the_rest_is_left(full, site):
    site.takes(room=3, full=full)
    sending = site.submission()
    with pytest.raises(QueueFullError, match="takes no more jobs at present"):
        sending.send()
    assert (sending.sent, sending.jobs) == (3, ["12", "14"])
    assert site.jobs() == ["12_0", "12_1", "14_0", None]
    assert [line.rpartition(" ")[2] for line in site.submitted] == ["0", "0", "2", "2", "3"], (
        "the index of its first run"
    )


def test_a_refusal_of_another_kind_is_no_full_queue(site):
    refused = LIMIT.replace("QOSMaxSubmitJobPerUserLimit", "QOSMaxWallDurationPerJobLimit")
    site.takes(room=0, full=f'echo "{refused}" >&2; exit 1')
    with pytest.raises(SlurmError, match="QOSMaxWallDurationPerJobLimit") as caught:
        site.submission().send()
    assert (type(caught.value), len(site.submitted), site.jobs()) == (SlurmError, 1, [None] * 4)


def test_a_question_that_a_full_queue_does_not_answer_is_no_refusal(site):
    stand_in(site.bin, "sbatch", f'echo "{FULL}" >&2; sleep 100; exit 1')
    with pytest.raises(QueueFullError, match="nothing was submitted: try the same command later"):
        check_accepted("", site.launch)


def test_the_report_job_is_noted_too(site):
    site.submission().send()
    assert submit_report(site.launch, site.table, ["11"]) == "12"
    assert [job.id for job in report_jobs(site.table)] == ["12"]
    assert "--dependency=afterany:11 --comment=for X inceptionctl-" in site.submitted[1]
