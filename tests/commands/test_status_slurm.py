"""`status`, `wait` and `cancel` of Slurm jobs, with stand-ins for Slurm's commands."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from support.records import CONFIG, START, finish
from support.runs import launched
from support.stand_ins import calls, sleeping_command, stand_in

from inceptionctl.commands import wait
from inceptionctl.launch.slurm.submission import job_log
from inceptionctl.runs.exits import record_exit
from inceptionctl.runs.io import append_record, write_record
from inceptionctl.runs.launcher import describe
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Request, Submission, SubmittedJob


class Site:
    """The runs of one submission, and what the cluster knows about their jobs."""

    def __init__(self, folder):
        self.folder, self.bin = folder / "outputs" / "table", folder / "bin"
        self.submission = self.folder / "slurm" / "0"
        (self.submission / "log").mkdir(parents=True)
        self.knows()
        self.remembers()
        stand_in(self.bin, "scancel")

    def knows(self, *jobs, does=""):
        """What squeue prints: jobs as "12_3|RUNNING|node1|None"."""
        stand_in(self.bin, "squeue", "\n".join([*(f"echo '{job}'" for job in jobs), does]))

    def remembers(self, *jobs, does=""):
        """What sacct prints: jobs as "12_3|TIMEOUT|node1|0:0"."""
        stand_in(self.bin, "sacct", "\n".join([*(f"echo '{job}'" for job in jobs), does]))

    def run(self, name, *jobs, started=0, code=None, message="", done=False) -> RunDir:
        """A run with these jobs, the last of which started so often."""
        run = RunDir(self.folder / f"{name}-0")
        run.log().parent.mkdir(parents=True)
        run.config.write_text(CONFIG)
        for job in jobs:
            append_record(run.jobs, SubmittedJob(job=job, submission=str(self.submission)))
        for _ in range(started):
            append_record(run.starts, replace(START, node="node1", job=jobs[-1], submission=str(self.submission)))
        if code is not None:
            record_exit(run, code, message)
        if done:
            finish(run)
        return run

    def log(self, job, text):
        job_log(job, self.submission).write_text(text)

    def status(self) -> dict[str, dict]:
        code, said = launched("status", self.folder, "--json")
        assert code == 0, said
        return {entry["cell"].removesuffix("-0"): entry for entry in json.loads(said)["runs"]}

    def asked(self) -> dict[str, int]:
        return {name: len(calls(self.bin, name)) for name in ("squeue", "sacct")}


@pytest.fixture
def site(tmp_path, monkeypatch):
    made = Site(tmp_path)
    monkeypatch.setenv("PATH", str(made.bin))
    monkeypatch.setattr(wait, "BETWEEN_RUNS_SECONDS", 0.0)
    return made


def test_two_hundred_cells_need_one_squeue_and_one_sacct(site):
    for n in range(200):
        site.run(f"{n:03}", f"12_{n}")
    site.knows(*(f"12_{n}|RUNNING|node{n}|None" for n in range(100)))
    site.remembers(*(f"12_{n}|CANCELLED by 0|None assigned|0:0" for n in range(100, 200)))
    found = site.status()
    assert site.asked() == {"squeue": 1, "sacct": 1}
    assert [entry["state"] for entry in found.values()] == ["starting"] * 100 + ["cancelled"] * 100
    assert "--jobs=12 " in calls(site.bin, "squeue")[0], "the array, not its two hundred tasks"


def test_slurm_is_not_asked_about_finished_runs(site):
    site.run("a", "12_3", started=1, code=0, done=True)
    assert site.status()["a"]["state"] == "done"
    assert site.asked() == {"squeue": 0, "sacct": 0}


@pytest.mark.parametrize(
    ("job", "how", "state", "reason"),
    [
        ("12_3|PENDING||Priority", {}, "queued", "Priority"),
        ("12_3|PENDING||BeginTime", {"started": 1, "code": 130}, "requeued", "BeginTime"),
        ("12_3|RUNNING|node1|None", {}, "starting", None),
        ("12_3|COMPLETING|node1|None", {"started": 1, "code": 0}, "starting", None),
    ],
)
def test_the_controller_decides_for_a_job_that_it_still_has(job, how, state, reason, site):
    site.run("a", "12_3", **how)
    site.knows("12_2|RUNNING|node9|None", job)
    entry = site.status()["a"]
    assert (entry["job"], entry["state"], entry["reason"]) == ("12_3", state, reason)


def test_a_job_whose_rank_0_holds_the_lock_is_running(site):
    """The lock is held on another machine: only its file shows here."""
    run = site.run("a", "12_3", started=2)
    run.lock.touch()
    site.knows("12_3|RUNNING|node1|None")
    entry = site.status()["a"]
    assert (entry["state"], entry["node"], entry["restarts"]) == ("running", "node1", 1)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("CANCELLED by 1000", "cancelled"),
        ("TIMEOUT", "out of time"),
        ("OUT_OF_MEMORY", "out of memory"),
        ("NODE_FAIL", "node failed"),
        ("PREEMPTED", "pre-empted"),
    ],
)
@pytest.mark.parametrize("forgotten", [True, False])
def test_the_end_of_a_job_comes_from_whoever_still_knows_it(forgotten, word, state, site):
    site.run("a", "12_3", started=1)
    if forgotten:
        site.knows(does="echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
        site.remembers(f"12_3|{word}|node1|0:0")
    else:
        site.knows(f"12_3|{word.split()[0]}|node1|None")
        site.remembers(does="echo 'Slurm accounting storage is disabled' >&2; exit 1")
    assert site.status()["a"]["state"] == state


def test_the_last_job_of_a_run_counts(site):
    site.run("a", "12_3", "40", started=1, code=130)
    site.knows("12_3|CANCELLED|node1|None", "40|PENDING||Resources")
    assert (site.status()["a"]["job"], site.status()["a"]["state"]) == ("40", "requeued")


def test_the_job_that_works_counts_and_cancel_takes_the_one_behind_it_first(site):
    site.run("a", "12_3", "40", started=1).lock.touch()
    site.knows("12_3|RUNNING|node1|None", "40|PENDING||Dependency")
    assert (site.status()["a"]["job"], site.status()["a"]["state"]) == ("12_3", "running")
    assert "cancelled 1 job" in launched("cancel", site.folder)[1]
    assert calls(site.bin, "scancel") == ["--quiet 40 12_3"]


def test_what_an_earlier_start_said_is_not_the_reason_of_a_run_that_goes_on(site):
    run = site.run("a", "12_3", started=1)
    run.lock.touch()
    run.log().write_text("inceptionctl: stopped at step 3\n")
    site.knows("12_3|RUNNING|node1|None")
    assert site.status()["a"]["reason"] == "stopped at step 3"
    again = replace(
        START, node="node1", job="12_3", submission=str(site.submission), log_bytes=run.log().stat().st_size
    )
    append_record(run.starts, again)
    assert site.status()["a"]["reason"] is None
    with run.log().open("a") as log:
        log.write("inceptionctl: the disk is slow\n")
    assert site.status()["a"]["reason"] == "the disk is slow"


DOWN = "echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1"


@pytest.fixture
def ended(site):
    """Runs that have ended, each in another way, as far as their files tell."""
    site.run("a", "12_0", started=1, code=130)
    site.run("b", "12_1", started=1)
    site.run("c", "12_2", started=1, code=1, message="it diverged")
    site.run("d", "12_3", started=1, code=0, done=True)
    site.run("e", "12_4", started=1)
    site.log("12_4", "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=12.0\n")
    site.run("f", "12_5", code=1)
    site.log("12_5", "one\ntwo\nthree\nmodule: command not found\n")
    return site


def test_the_run_files_are_enough_where_slurm_has_forgotten_the_jobs(ended):
    found = ended.status()
    states = {name: entry["state"] for name, entry in found.items()}
    assert states == {"a": "stopped", "b": "lost", "c": "failed", "d": "done", "e": "out of memory", "f": "failed"}
    assert found["b"]["reason"] is None, "no log is named that is not there"
    assert found["c"]["reason"] == "it diverged"
    assert "raise launch.mem" in found["e"]["reason"]
    assert "before Python started: two / three / module: command not found; " in found["f"]["reason"]


@pytest.mark.parametrize("slurm", ["is not here", "does not answer"])
def test_a_job_that_slurm_cannot_be_asked_about_is_unknown_unless_the_files_tell_its_end(slurm, ended, monkeypatch):
    ended.knows(does=DOWN)
    ended.remembers(does=DOWN)
    if slurm == "is not here":
        monkeypatch.setenv("PATH", str(ended.folder))
    found = ended.status()
    states = {name: entry["state"] for name, entry in found.items()}
    assert states == {"a": "unknown", "b": "unknown", "c": "failed", "d": "done", "e": "unknown", "f": "unknown"}
    assert "Slurm could not be asked: " in found["a"]["reason"]
    code, said = launched("cancel", ended.folder)
    assert code == (2 if slurm == "is not here" else 1)
    assert "not cancelled, and may be queued or running: a-0 (job 12_0); b-0 (job 12_1); " in said
    assert "nothing is queued" not in said


def test_accounting_tells_the_end_of_a_job_while_the_controller_is_away(ended):
    ended.knows(does=DOWN)
    ended.remembers("12_0|CANCELLED by 0|node1|0:0", "12_1|NODE_FAIL|node1|0:0", "12_5|RUNNING|node1|0:0")
    states = {name: entry["state"] for name, entry in ended.status().items()}
    assert (states["a"], states["b"], states["f"]) == ("cancelled", "unknown", "unknown"), "it may be requeued"


def test_wait_goes_on_while_slurm_does_not_answer(site):
    """Twice; then the job is done."""
    run = site.run("a", "12_3", started=1, code=0)
    finish(run)
    run.result.rename(run.path / "later.json")
    count = 'read n <"$0.n" || n=0; echo $((n + 1)) >"$0.n"; ((n < 2)) && { ' + DOWN + "; }"
    site.knows(does=f"{{ {count}; }}\n/bin/mv '{run.path}/later.json' '{run.result}'\nexit 0")
    code, said = launched("wait", site.folder, "--every", 0.01)
    assert (code, said.count("it is asked again every 0.01 s"), "1 run: 1 unknown" in said) == (0, 1, True), said


def test_wait_on_a_machine_without_slurm_says_so(site, monkeypatch):
    site.run("a", "12_3", started=1, code=130)
    monkeypatch.setenv("PATH", str(site.folder))
    code, said = launched("wait", site.folder)
    assert (code, "there is no Slurm on this machine" in said) == (2, True)


@pytest.mark.parametrize(("age", "state"), [(0.0, "unknown"), (1e9, "new")])
def test_a_request_without_an_answer_is_looked_up_by_its_comment(age, state, site):
    run = site.run("a")
    append_record(run.jobs, SubmittedJob(request="inceptionctl-1", task=3, submission=str(site.submission)))
    request = Request(word="inceptionctl-1", asked=time.time() - age)
    write_record(site.submission / "submission.json", Submission(requests=[request]))
    found = site.status()["a"]
    assert (found["job"], found["state"]) == (None, state)
    site.knows(does="[[ $words = *--me* ]] && echo '12|for X inceptionctl-1' || echo '12_3|PENDING||Priority'")
    found = site.status()["a"]
    assert (found["job"], found["state"]) == ("12_3", "queued")
    assert launched("cancel", site.folder)[0] == 0
    assert calls(site.bin, "scancel") == ["--quiet 12_3"]


def test_a_job_without_a_log_hints_at_the_file_system(site):
    site.run("a", "12_3")
    site.remembers("12_3|FAILED|node1|0:53")
    entry = site.status()["a"]
    assert (entry["state"], "shared file system" in entry["reason"]) == ("failed", True)


def test_status_shows_why_a_job_is_waiting(site):
    site.run("a", "12_3")
    site.knows("12_3|PENDING||AssocGrpGRES")
    code, said = launched("status", site.folder)
    rows = [line.split() for line in said.splitlines()]
    assert (code, ["a-0", "12_3", "queued", "AssocGrpGRES"] in rows) == (0, True)
    assert "1 run: 1 queued" in said


def test_wait_waits_for_queued_jobs(site):
    """Queued at first, done at the second look."""
    run = site.run("a", "12_3", started=1, code=0)
    finish(run)
    run.result.rename(run.path / "later.json")
    mv = f"[ -f '{run.path}/later.json' ] && /bin/mv '{run.path}/later.json' '{run.result}'"
    site.knows("12_3|PENDING||Priority", does=f"{mv}; exit 0")
    code, said = launched("wait", site.folder, "--every", 0.01)
    assert (code, "1 run: 1 requeued" in said) == (0, True)


def test_cancel_cancels_open_jobs_and_the_report_that_depends_on_them(site):
    for n in range(3):
        site.run(f"{n}", f"12_{n}")
    cells = ("12_0|PENDING||Priority", "12_1|RUNNING|node1|None", "12_2|FAILED|node1|None")
    site.knows(*cells, "13|PENDING||Dependency", "14|PENDING||Dependency")
    reports = [Request(word=job, asked=0.0, job=job, is_report=True) for job in ("13", "14")]
    write_record(site.submission / "submission.json", Submission(requests=reports))
    code, said = launched("cancel", site.folder)
    assert (code, "cancelled 2 jobs" in said) == (0, True)
    (words,) = calls(site.bin, "scancel")
    assert {word for word in words.split() if not word.startswith("-")} == {"12_0", "12_1", "13", "14"}


def test_a_run_resumed_on_this_machine_is_cancelled_on_this_machine(site):
    run = site.run("a", "12_3", started=1, code=130)
    site.remembers("12_3|CANCELLED by 0|node1|0:0")
    with sleeping_command() as ours:
        write_record(run.pid, describe(run, ours.pid))
        code, said = launched("cancel", site.folder)
        ours.kill() if calls(site.bin, "scancel") else None
        assert (code, ours.wait(10)) == (0, -15), said
    assert "told 1 command" in said
