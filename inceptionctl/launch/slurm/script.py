"""Fills in the templates of the batch scripts, job.sh.in and report.sh.in.

In a template, `@name@` stands for a value. Every value is quoted for the shell; only the #SBATCH lines and the user's
own `launch.setup` are inserted as lines.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from inceptionctl.config.launch import Slurm
from inceptionctl.errors import RequestError, count
from inceptionctl.processes import python_module
from inceptionctl.runs.paths import EXIT_RETRY

WORKER, RECORD = "inceptionctl.worker", "inceptionctl.launch.slurm.submission"
POSTPONE = "inceptionctl.launch.slurm.postpone"
REPORT_MEMORY = "2G"  # a site's default may be less than the figures need
PLAIN = re.compile(r"[\w@%+=:,./\[\]-]+")  # what sbatch reads as it is; quotes, # and backslashes need quoting
WARNING_SECONDS = 120  # a job is told so long before its time limit, but at most a quarter of it


@dataclass(frozen=True)
class TaskLayout:
    """How a job is spread over nodes: `tasks` and `gpus` per node, one rank a task; `cpus` per task (None: the site's
    default)."""

    nodes: int
    tasks: int
    gpus: int
    cpus: int | None

    @classmethod
    def of(cls, launch: Slurm) -> TaskLayout:
        tasks = launch.gpus_per_node or (launch.nproc or launch.nodes) // launch.nodes
        return cls(launch.nodes, tasks, launch.gpus_per_node, launch.cpus_per_gpu)

    @property
    def nproc(self) -> int:
        """Ranks of a run."""
        return self.nodes * self.tasks

    def __str__(self) -> str:
        cpus = count(self.tasks * self.cpus, "CPU") if self.cpus else "the site's default number of CPUs"
        return f"{count(self.nodes, 'node')} x ({count(self.tasks, 'task')}, {count(self.gpus, 'GPU')}, {cpus})"


def job_script(launch: Slurm, here: Path, name: str, runs: Mapping[str, Path], array: bool) -> str:
    """The script of a job that works on one of `runs`, folders by label: the one of its array task, or the only one.
    `here` is the folder of the script."""
    layout = TaskLayout.of(launch)
    options = _options(launch, name, here, "%A_%a" if array else "%j") | _resources(launch, layout)
    return _fill(
        "job",
        words={
            "submission": here,
            "srun_options": f"--cpus-per-task={layout.cpus}" if layout.cpus else None,
            "threads": launch.threads or launch.cpus_per_gpu or 1,
            "retry": EXIT_RETRY,
            "restarts": launch.restarts,
        },
        commands={"worker": python_module(WORKER), "record": python_module(RECORD)},
        lines={
            "options": _sbatch_lines(options | (launch.extra or {})),
            "runs": _run_lines(runs),
            "setup": launch.setup or [],
        },
    )


def report_script(launch: Slurm, here: Path, name: str, table: Path, runs: Mapping[str, Path]) -> str:
    """The script of the job that writes a table's report when all other jobs of `runs`, folders by label, have
    ended."""
    options = _options(launch, f"{name}-report", here, "report-%j") | {"ntasks": "1", "mem": REPORT_MEMORY}
    lines = {"options": _sbatch_lines(options), "runs": _run_lines(runs), "setup": launch.setup or []}
    commands = {"report": python_module("inceptionctl", "report"), "postpone": python_module(POSTPONE)}
    return _fill("report", words={"submission": here, "table": table}, commands=commands, lines=lines)


def warning_seconds(limit: str | None) -> int:
    """How long before its time limit a job is signalled."""
    seconds = seconds_of(limit) if limit else None
    return min(WARNING_SECONDS, seconds // 4) if seconds else WARNING_SECONDS


def seconds_of(limit: str) -> int | None:
    """sbatch's minutes[:seconds], hours:minutes:seconds or days-hours[:minutes[:seconds]]; None for anything else."""
    days, dash, clock = limit.rpartition("-")
    parts = clock.split(":")
    if not all(part.isdecimal() for part in (*parts, days or "0")) or len(parts) > 3:
        return None
    units = ("hours", "minutes", "seconds") if dash or len(parts) == 3 else ("minutes", "seconds")
    given = {unit: int(part) for unit, part in zip(units, parts, strict=False)}
    return int(timedelta(days=int(days or 0), **given).total_seconds())


def _fill(
    name: str,
    words: Mapping[str, object],
    commands: Mapping[str, Iterable[str]],
    lines: Mapping[str, Iterable[str]],
) -> str:
    """The template with each word quoted (nothing for None), those of `commands` too, and `lines` inserted as they
    are."""
    values = {key: "" if word is None else _quoted(word) for key, word in words.items()}
    values |= {key: " ".join(map(_quoted, command)) for key, command in commands.items()}
    values |= {key: "\n".join(inserted) for key, inserted in lines.items()}
    template = Path(__file__).with_name(f"{name}.sh.in").read_text(encoding="utf-8")
    return re.sub(r"@(\w+)@", lambda found: values[found[1]], template)


def _run_lines(runs: Mapping[str, Path]) -> list[str]:
    return [f"    {_quoted(path)}  # {_printable(label)}" for label, path in runs.items()]


def _options(launch: Slurm, name: str, here: Path, log: str) -> dict[str, str | None]:
    """sbatch's options for where a job runs, its name and its log."""
    chosen = {key: getattr(launch, key) for key in ("partition", "account", "qos", "constraint", "exclude")}
    return {
        "job-name": name,
        "output": f"{str(here).replace('%', '%%')}/log/{log}.log",
        "open-mode": "append",
        **{key: value for key, value in chosen.items() if value},
    }


def _resources(launch: Slurm, layout: TaskLayout) -> dict[str, str | None]:
    chosen = {"gpus-per-node": layout.gpus, "cpus-per-task": layout.cpus, "mem": launch.mem, "time": launch.time}
    return {
        "requeue": None,
        "signal": f"USR2@{warning_seconds(launch.time)}",
        "nodes": str(layout.nodes),
        "ntasks-per-node": str(layout.tasks),
        **{key: str(value) for key, value in chosen.items() if value},
    }


def _sbatch_lines(options: Mapping[str, str | None]) -> list[str]:
    return [f"#SBATCH --{key}" + (f"={_sbatch_word(value)}" if value else "") for key, value in options.items()]


def _sbatch_word(value: str) -> str:
    """As sbatch reads it: in double quotes unless it is plain, with a backslash before quotes and backslashes."""
    if PLAIN.fullmatch(_printable(value)):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _quoted(value: object) -> str:
    return shlex.quote(_printable(str(value)))


def _printable(text: str) -> str:
    """Raises RequestError for a line break or the like, which could become a line of its own that the nodes would
    run."""
    if not text.isprintable():
        raise RequestError(f"{text!r} cannot be written into a batch script: it has a line break or the like")
    return text
