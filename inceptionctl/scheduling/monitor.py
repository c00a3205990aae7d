"""What runs there are, and where each is: by their files, one squeue and one sacct."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.errors import RequestError
from inceptionctl.launch.slurm.clients import Job
from inceptionctl.launch.slurm.jobs import ACTIVE, look_up
from inceptionctl.launch.slurm.submission import job_log, jobs_of, report_jobs
from inceptionctl.runs import paths as rundir
from inceptionctl.runs.paths import RunDir, read_json
from inceptionctl.runs.starts import starts
from inceptionctl.runs.state import RunState, run_state
from inceptionctl.scheduling.progress import last_words, notices

# Slurm's words for the end of a job that tell more than the run's files do.
ENDS = {
    "CANCELLED": "cancelled",
    "TIMEOUT": "out of time",
    "OUT_OF_MEMORY": "out of memory",
    "NODE_FAIL": "node failed",
    "BOOT_FAIL": "node failed",
    "PREEMPTED": "pre-empted",
    "DEADLINE": "out of time",
}
OPEN = {"queued", "requeued", "starting", "running"}
OUT_OF_MEMORY = ("oom", "memory limit", "out of memory")
LINES = 3  # of a job's log


@dataclass(frozen=True)
class Cell:
    """A run, or one that is to be; `run` is None where nothing has begun."""

    label: str
    run: RunDir | None


@dataclass(frozen=True)
class RunStatus:
    """A line of `status`: `state` in our words, `job` Slurm's id, `reason` why it is not running, or not done."""

    cell: Cell
    state: str
    job: str | None
    reason: str
    files: RunState
    node: str = ""

    @property
    def open(self) -> bool:
        return self.state in OPEN


def cells_in(folder: Path) -> list[Cell]:
    """The cells of a table, or the runs below a folder, or the one that it is. Raises RequestError for neither."""
    if (folder / "config.yaml").is_file():
        return [Cell(folder.absolute().name, RunDir(folder))]
    if (folder / "ledger.json").is_file():
        return _cells_of_table(folder)
    found = sorted(path.parent for path in (*folder.glob("*/config.yaml"), *folder.glob("*/*/config.yaml")))
    if not found:
        raise RequestError(f"no run in {folder}: name a run's folder, a table's, or the one that holds them (outputs)")
    return [Cell(str(path.relative_to(folder)), RunDir(path)) for path in found]


@dataclass(frozen=True)
class StatusReport:
    """Where all of a folder's runs are; `report`: the job that writes a table's report, while there is one."""

    entries: list[RunStatus]
    report: Job | None

    @property
    def going_on(self) -> bool:
        return any(entry.open for entry in self.entries) or bool(self.report and self.report.state in ACTIVE)

    @property
    def summary(self) -> str:
        """How many runs are in which state."""
        counts = Counter(entry.state for entry in self.entries).most_common()
        runs = f"{len(self.entries)} run{'s' * (len(self.entries) > 1)}: {', '.join(f'{n} {s}' for s, n in counts)}"
        return f"{runs}; report: job {self.report.id} {self.report.state.lower()}" if self.report else runs


def collect_status(folder: Path) -> StatusReport:
    """One squeue and one sacct at most. What is done needs no asking. Raises RequestError for a folder without runs."""
    cells, reports = cells_in(folder), report_jobs(folder)[-1:]
    files = {cell.label: run_state(cell.run) if cell.run else RunState("new") for cell in cells}
    jobs = {cell.label: jobs_of(cell.run) for cell in cells if cell.run}
    last = {label: found[-1] for label, found in jobs.items() if found}
    asked = [job for label, (job, _) in last.items() if files[label].state != "done"]
    known = look_up([*asked, *reports])
    found = [_entry(cell, files[cell.label], last.get(cell.label), known) for cell in cells]
    return StatusReport(found, known.get(reports[0]) if reports else None)


def _cells_of_table(folder: Path) -> list[Cell]:
    """A run that began after the ledger was written is found by its identity."""
    cells = []
    for row in read_json(folder / "ledger.json")["rows"]:
        for cell in row["cells"]:
            run = RunDir(folder.parent / cell["run"]) if cell["run"] else None
            tried = rundir.attempts(folder.parent, cell["identity"]) if "identity" in cell else []
            done = [one for one in tried if one.finished]
            newest = (done or tried)[-1] if tried else run
            cells.append(Cell(f"{row['label']}, seed {cell['seed']}", newest))
    return cells


def _entry(cell: Cell, files: RunState, last: tuple[str, Path] | None, known: Mapping[str, Job]) -> RunStatus:
    if cell.run is None:
        return RunStatus(cell, "waiting", None, "not begun", files)
    if last is None or files.state == "done":
        why = _why(cell.run, files.state, None)
        return RunStatus(cell, files.state, last[0] if last else None, why, files, files.node)
    name, submission = last
    job, log = known.get(name), job_log(name, submission)
    state = _state(cell.run, files, job, log)
    if files.state in ("running", "starting") and not (job and job.state in ACTIVE):
        why = _why(cell.run, state, None)
        return RunStatus(cell, state, None, why, files, files.node)  # by a command on this machine
    if job and state in ("queued", "requeued"):
        return RunStatus(cell, state, name, job.reason, files)
    if job is None and files.state == "new" and not log.is_file():
        forgotten = f"Slurm does not answer, or has forgotten this job, and it left no log in {log.parent}"
        return RunStatus(cell, "unknown", name, forgotten, files)
    began = any(start.submission == str(submission) for start in starts(cell.run))
    silent = not began and state not in ("running", "starting", *ENDS.values())
    why = _before_python(log) if silent else _why(cell.run, state, log)
    return RunStatus(cell, state, name, why, files, job.node if job and job.node else files.node)


def _state(run: RunDir, files: RunState, job: Job | None, log: Path) -> str:
    """The controller knows best of a job that it has; of one that has ended, the run's files may know more."""
    if job and job.state == "PENDING":
        return "requeued" if files.restarts or files.node else "queued"
    if job and job.state in ACTIVE:
        return "starting" if not run.lock.is_file() or run.ended is not None else "running"
    if files.state in ("running", "starting"):
        return files.state
    if job and job.state in ENDS:
        return ENDS[job.state]
    if _tells_of_memory(log):
        return "out of memory"
    return "failed" if files.state == "new" and (job or log.is_file()) else files.state


def _why(run: RunDir, state: str, log: Path | None) -> str:
    if state == "done":
        return ""
    if state in OPEN:
        return next(reversed(notices(run.log())), "")
    if state == "out of memory":
        return f"raise launch.mem (of a node), or lower data.workers; {log}"
    if state in ("failed", "stopped"):
        return f"{last_words(run.log())}; {run.log()}"
    return f"its log: {log or run.log()}"


def _before_python(log: Path) -> str:
    """Of a job whose ranks never began."""
    if not log.is_file():
        return f"it left no log; do the nodes see {log.parent}? outputs= has to be on a shared file system"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f"it ended before Python began: {' / '.join(lines[-LINES:]) or 'nothing in its log'}; {log}"


def _tells_of_memory(log: Path) -> bool:
    text = log.read_text(errors="replace").lower() if log.is_file() else ""
    return any(word in text for word in OUT_OF_MEMORY)
