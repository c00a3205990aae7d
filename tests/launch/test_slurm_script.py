"""The batch scripts: their text, and what bash does with them, with stand-ins for Slurm's commands."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from support.stand_ins import calls, stand_in

from inceptionctl.config.compose import compose
from inceptionctl.config.launch import Slurm
from inceptionctl.config.validate import parse
from inceptionctl.launch.slurm.script import TaskLayout, job_script, report_script, seconds_of, warning_seconds
from inceptionctl.launch.slurm.submission import RunJob, job_log, jobs_of
from inceptionctl.runs.exits import exit_status, is_failure, record_exit
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import EXIT_RETRY, RunDir
from inceptionctl.runs.records.process import ExitStatus

MESSAGE = "training diverged at step 3\n  lower schedule.lr"
ODD_NAMES = ["plain", "a b", "it's", 'say "so"', "50% of %j", "one#two"]


@cache
def defaults():
    return parse(compose("train", ["launch=slurm"])).launch


def slurm(**changes) -> Slurm:
    return replace(defaults(), **changes)


def text(here=Path("/here"), array=False, **changes) -> str:
    return job_script(slurm(**changes), here, "name", {"a cell": here / "run"}, array)


def options(script: str) -> list[str]:
    """As sbatch reads them: with quotes and backslashes as in a shell, and comments after a bare #."""
    lines = [line.removeprefix("#SBATCH") for line in script.splitlines() if line.startswith("#SBATCH")]
    words = [shlex.split(line, comments=True) for line in lines]
    assert [found for found in words if len(found) != 1] == [], "one option a line"
    return [option for (option,) in words]


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        ("30", 1800), ("30:15", 1815), ("1:30:15", 5415), ("2-00", 172800), ("1-06", 108000), ("1-02:03", 93780),
        ("1-02:03:04", 93784), ("UNLIMITED", None), ("1:2:3:4", None), ("1-", None),
    ],
)  # fmt: skip
def test_time_limits_are_read_as_sbatch_reads_them(limit, seconds):
    assert seconds_of(limit) == seconds


@pytest.mark.parametrize(("limit", "seconds"), [("12:00:00", 120), ("4", 60), ("0:40", 10), (None, 120), ("0", 120)])
def test_a_job_is_signalled_two_minutes_before_its_limit_or_a_quarter_of_a_short_one(limit, seconds):
    assert warning_seconds(limit) == seconds
    assert f"--signal=USR2@{seconds}" in options(text(time=limit))


@pytest.mark.parametrize(
    ("asked", "layout"),
    [
        ({"nodes": 2, "gpus_per_node": 4, "cpus_per_gpu": 6}, TaskLayout(2, 4, 4, 6)),
        ({"nodes": 1, "gpus_per_node": 1}, TaskLayout(1, 1, 1, None)),
        ({"nodes": 2, "gpus_per_node": 0, "nproc": 8, "cpus_per_gpu": 2}, TaskLayout(2, 4, 0, 2)),
        ({"nodes": 3, "gpus_per_node": 0}, TaskLayout(3, 1, 0, None)),
    ],
)
def test_there_is_a_rank_per_gpu_or_nproc_ranks_on_cpus(asked, layout):
    assert TaskLayout.of(slurm(**asked)) == layout
    said = options(text(**asked))
    assert {f"--nodes={layout.nodes}", f"--ntasks-per-node={layout.tasks}"} < set(said)
    assert [o for o in said if "gpus" in o] == [f"--gpus-per-node={layout.gpus}"] * bool(layout.gpus)
    assert [o for o in said if "cpus" in o] == [f"--cpus-per-task={layout.cpus}"] * bool(layout.cpus)
    assert layout.nproc == layout.nodes * layout.tasks


def test_settings_become_options_of_sbatch():
    said = options(
        text(partition="long", account="lab", qos="low", mem="64G", constraint="a100|h100", exclude="n[1-2]")
    )
    assert {"--partition=long", "--account=lab", "--qos=low", "--mem=64G", "--constraint=a100|h100"} < set(said)
    assert {"--exclude=n[1-2]", "--requeue", "--open-mode=append"} < set(said)


def test_a_setting_that_is_null_becomes_no_option():
    left = ("partition", "account", "qos", "mem", "time", "constraint", "exclude")
    assert [option for option in options(text()) if option.startswith(tuple(f"--{key}" for key in left))] == []


def test_extra_options_are_passed_to_sbatch():
    said = options(text(extra={"reservation": "mine", "comment": 'for "X" # 2', "signal": "USR2@600"}))
    assert {"--reservation=mine", '--comment=for "X" # 2'} < set(said)
    assert [option for option in said if "signal" in option] == ["--signal=USR2@600"], "it replaces ours"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_folder_may_have_any_name(name):
    here = Path("/") / name
    for script in (text(here, array=True), report_script(slurm(), here, "name", here, {"a cell": here})):
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        (log,) = [option for option in options(script) if option.startswith("--output=")]
        assert log.startswith(f"--output={str(here).replace('%', '%%')}/log/")


@pytest.mark.parametrize(("array", "job"), [(True, "12_3"), (False, "12")])
def test_status_finds_the_log_of_a_job(array, job):
    (log,) = [option for option in options(text(array=array)) if option.startswith("--output=")]
    written = log.removeprefix("--output=").replace("%A_%a", "12_3").replace("%j", "12")
    assert written == str(job_log(job, Path("/here")))


@dataclass
class Site:
    """A submission of three cells, with stand-ins for Slurm's commands."""

    folder: Path

    def __post_init__(self):
        self.bin, self.here = self.folder / "bin", self.folder / "table" / "slurm" / "0"
        self.runs = {f"cell {n}": RunDir(self.folder / "runs" / str(n)) for n in range(3)}
        for folder in (self.here / "log", *(run.path / "log" for run in self.runs.values())):
            folder.mkdir(parents=True)
        stand_in(self.bin, "sleep")
        for name in ("squeue", "sacct", "sacctmgr", "scancel"):
            stand_in(self.bin, name)
        stand_in(self.bin, "sbatch", "echo '99;cluster'")
        for run in self.runs.values():
            run.config.touch()
        self.controller()

    def controller(self, requeues=True, restarts=0):
        job = f"echo ' Requeue={int(requeues)} Restarts={restarts} '"
        stand_in(
            self.bin,
            "scontrol",
            f"[ $2 = hostnames ] && echo node1; [ $2 = job ] && {job}; [ $1 = show ] || exit {1 - requeues}",
        )

    def ranks(self, code=0, recorded=None, also=""):
        """srun ends with `code`, and rank 0 writes `recorded` to exit.json."""
        record = ""
        if recorded is not None:
            write_record(self.folder / "exit.json", ExitStatus(code=recorded, message=MESSAGE))
            record = f'/bin/cp "{self.folder}/exit.json" "${{@: -1}}/exit.json"'
        stand_in(self.bin, "srun", f"{also}\n{record}\nexit {code}")

    def run(self, task=None, offset=None, restarts=0, behind=(), **changes) -> int:
        """Runs the script as a batch node does: its exit code."""
        paths = {label: run.path for label, run in self.runs.items()}
        script = job_script(slurm(**changes), self.here, "name", paths, array=task is not None)
        array = {} if task is None else {"SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": str(task)}
        known = {"SLURM_JOB_ID": "15", "SLURM_JOB_NODELIST": "node1", "SLURM_RESTART_COUNT": str(restarts), **array}
        environment = os.environ | known | {"PATH": f"{self.bin}:{os.environ['PATH']}"}
        words = ["bash", "-s", *([] if offset is None else [str(offset)]), *behind]
        return subprocess.run(words, input=script, env=environment, text=True, check=False).returncode

    def log(self, job, line):
        job_log(job, self.here).write_text(f"{line}\n")

    @property
    def requeued(self):
        return [line for line in calls(self.bin, "scontrol") if line.startswith("requeue")]

    @property
    def submitted(self):
        return calls(self.bin, "sbatch")

    @property
    def cancelled(self):
        return calls(self.bin, "scancel")

    @property
    def worked_on(self):
        return [Path(line.rpartition(" ")[2]).name for line in calls(self.bin, "srun")]


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.mark.parametrize(("code", "recorded"), [(0, 0), (137, 0), (1, 1), (137, 2)])
def test_the_job_ends_with_the_exit_code_that_rank_0_recorded(code, recorded, site):
    site.ranks(code, recorded)
    assert site.run(task=1) == recorded
    assert exit_status(site.runs["cell 1"]).message == MESSAGE, "the script leaves it alone"
    assert (site.requeued, site.submitted) == ([], [])


@pytest.mark.parametrize(
    ("code", "recorded"), [(130, 130), (0, 130), (137, None), (143, None), (EXIT_RETRY, EXIT_RETRY), (1, EXIT_RETRY)]
)
def test_a_job_that_was_stopped_or_lost_a_process_is_requeued(code, recorded, site):
    site.ranks(code, recorded)
    assert site.run(task=1) == 0
    assert (site.requeued, site.submitted) == (["requeue 12_1"], []), "the bare id would requeue the whole array"


def test_a_job_without_an_array_is_requeued_by_its_id(site):
    site.ranks(130, 130)
    assert site.run() == 0
    assert site.requeued == ["requeue 15"]


def test_a_job_that_ends_before_python_starts_is_not_requeued(site):
    site.ranks(1)
    assert site.run(task=2) == 1
    assert (site.requeued, site.submitted) == ([], [])
    assert is_failure(exit_status(site.runs["cell 2"]))
    assert exit_status(site.runs["cell 2"]).message == "job 12_2 failed: see its log"


def test_the_exit_code_of_an_earlier_start_does_not_count(site):
    record_exit(site.runs["cell 0"], 130, "stopped")
    site.ranks(0)
    assert (site.run(task=0), site.requeued) == (0, [])
    assert exit_status(site.runs["cell 0"]) is None


@pytest.mark.parametrize("state", ["CANCELLED", "COMPLETING"])
def test_a_job_that_is_cancelled_while_it_saves_is_not_requeued(state, site):
    stand_in(site.bin, "squeue", f"echo {state}")
    site.ranks(130, 130)
    assert site.run(task=0) == 130
    assert (site.requeued, site.submitted) == ([], [])


@pytest.mark.parametrize(
    "line",
    ["slurmstepd: error: Detected 1 oom-kill event(s) in StepId=12.0. Some of your processes may have been killed",
     "slurmstepd: error: Job 12 exceeded memory limit (400 > 100), being killed"],
)  # fmt: skip
def test_a_job_that_ran_out_of_memory_is_not_requeued(line, site):
    site.ranks(137)
    site.log("12_1", line)
    assert site.run(task=1) == 1
    assert (site.requeued, site.submitted) == ([], [])


def test_where_a_site_forbids_requeueing_another_job_is_submitted_before_the_ranks_can_be_lost(site):
    site.controller(requeues=False)
    site.ranks(130, 130, also=f"until [ -s '{site.here}/log/12_1.next' ]; do /bin/sleep 0.05; done")
    (site.here / "report.sh").touch()
    assert site.run(task=1, offset=1) == 0
    assert site.submitted == [f"--parsable --dependency=afterany:12_1 --array=1 {site.here}/submit.sh 1 12_1 1"]
    assert jobs_of(site.runs["cell 2"]) == [RunJob("99_1", site.here, own=True)]
    assert site.cancelled == []


@pytest.mark.parametrize("mode", ["Requeue=1 PreemptMode=CANCEL", "PreemptMode=GANG,CANCEL"])
def test_where_pre_empted_jobs_are_cancelled_another_one_is_submitted_too(mode, site):
    stand_in(site.bin, "scontrol", f"echo '{mode}'")
    site.ranks(130, 130)
    assert site.run() == 0
    assert len(site.submitted) == 1
    assert site.requeued == []


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_job_behind_a_run_that_ended_by_itself_is_cancelled(code, site):
    site.controller(requeues=False)
    site.ranks(code, code)
    assert site.run(task=1) == code
    assert site.cancelled == ["99_1"]


def test_the_job_behind_one_that_is_cancelled_is_cancelled_too(site):
    site.controller(requeues=False)
    stand_in(site.bin, "squeue", "echo 12_1")
    site.ranks(130, 130)
    assert site.run(task=1) == 130
    assert site.cancelled == ["99_1"]


def test_a_job_that_follows_a_cancelled_one_does_nothing(site):
    stand_in(site.bin, "squeue", "echo 12_1")
    assert site.run(task=1, offset=0, behind=("12_1", "1")) == 0
    assert site.worked_on == []
    assert exit_status(site.runs["cell 1"]).message == "job 12_1 was cancelled"


@pytest.mark.parametrize(("code", "works"), [(0, False), (1, False), (130, True), (EXIT_RETRY, True), (None, True)])
def test_a_job_that_follows_a_run_that_ended_by_itself_does_nothing(code, works, site):
    if code is not None:
        record_exit(site.runs["cell 1"], code, MESSAGE)
    site.ranks()
    assert site.run(task=1, offset=0, behind=("12_1", "1")) == (0 if works else code)
    assert site.worked_on == ["1"] * works


def test_jobs_follow_each_other_as_often_as_a_run_may_start(site):
    site.controller(requeues=False)
    site.ranks(130, 130)
    assert site.run(task=0, offset=0, behind=("11_0", "2")) == 0
    before = site.submitted
    assert before[0].endswith("submit.sh 0 12_0 3")
    assert site.run(task=1, offset=0, behind=("11_1", "50")) == 1
    assert site.submitted == before


def test_a_job_that_was_requeued_has_the_job_behind_it_that_it_had(site):
    site.controller(requeues=False)
    site.ranks(130, 130)
    assert site.run(task=1) == 0
    site.controller(requeues=False, restarts=1)
    assert site.run(task=1, restarts=1) == 0
    assert len(site.submitted) == 1


def test_a_job_on_a_node_that_slurm_has_lost_leaves_the_run_to_its_next_start(site):
    site.controller(restarts=1)
    site.ranks(137, None)
    assert site.run(task=1) == 0
    assert (site.requeued, site.submitted, site.cancelled) == ([], [], [])
    assert exit_status(site.runs["cell 1"]) is None


def test_a_job_whose_run_folder_is_gone_from_the_node_fails(site):
    site.ranks(0, 0, also=f"rm -r '{site.runs['cell 1'].path}'; mkdir '{site.runs['cell 1'].path}'")
    assert site.run(task=1) == 1
    assert (site.requeued, site.submitted) == ([], [])


@pytest.mark.parametrize("name", ODD_NAMES)
def test_status_finds_the_new_job_whatever_the_folder_is_called(name, tmp_path):
    site = Site(tmp_path / name)
    site.controller(requeues=False)
    site.ranks(130, 130)
    assert site.run() == 0
    assert site.submitted == [f"--parsable --dependency=afterany:15 {site.here}/submit.sh 0 15 1"]
    assert jobs_of(site.runs["cell 0"]) == [RunJob("99", site.here, own=True)]


def test_a_job_that_can_neither_be_requeued_nor_submitted_has_failed(site):
    site.controller(requeues=False)
    stand_in(site.bin, "sbatch", "exit 1")
    site.ranks(130, 130)
    assert site.run(task=0) == 1
    assert is_failure(exit_status(site.runs["cell 0"]))


@pytest.mark.parametrize(("task", "offset", "cell"), [(None, None, 0), (2, None, 2), (2, 0, 2), (0, 2, 2), (1, 1, 2)])
def test_each_task_runs_its_cell_and_a_later_array_later_cells(task, offset, cell, site):
    site.ranks()
    assert site.run(task, offset) == 0
    assert site.worked_on == [str(cell)]


def test_setup_runs_before_the_ranks_and_sets_their_environment(site):
    site.ranks(also=f'echo "$LOADED" >"{site.folder}/seen"')
    assert site.run(setup=["LOADED='cuda 13'", "export LOADED"]) == 0
    assert (site.folder / "seen").read_text() == "cuda 13\n"


def test_a_setup_that_fails_ends_the_job_before_the_ranks_start(site):
    site.ranks()
    assert site.run(task=1, setup=["false"]) == 1
    assert site.worked_on == []
    assert is_failure(exit_status(site.runs["cell 1"]))


def test_every_rank_gets_its_number_and_the_rendezvous_address(site, monkeypatch):
    """The stand-in for srun starts rank 2 of 4, on the second node, with a stand-in for Python."""
    tell = 'echo "$RANK $LOCAL_RANK $WORLD_SIZE $OMP_NUM_THREADS $MASTER_ADDR $INCEPTIONCTL_SUBMISSION" >"$0.told"'
    stand_in(site.bin, "python", tell + '\necho "$MASTER_PORT" >>"$0.ports"')
    monkeypatch.setattr(sys, "executable", str(site.bin / "python"))
    begin = "while [ $1 != bash ]; do shift; done; export SLURM_PROCID=2 SLURM_LOCALID=0 SLURM_NTASKS=4"
    site.ranks(also=f'{begin}; "$@"')
    for restarts in (0, 1):
        assert site.run(nodes=2, gpus_per_node=2, cpus_per_gpu=3, restarts=restarts) == 0
    assert (site.bin / "python.told").read_text() == f"2 0 4 3 node1 {site.here}\n"
    assert calls(site.bin, "python")[0] == f"-P -m inceptionctl.worker {site.runs['cell 0'].path}"
    before, again = (int(port) for port in (site.bin / "python.ports").read_text().split())
    assert 10000 <= before != again < 30000, "the port of the earlier start may still be taken"
