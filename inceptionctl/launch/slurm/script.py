"""The batch scripts, as a person would write them: kept beside the run, to be read, and submitted again by hand."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from inceptionctl.config.schema import Slurm
from inceptionctl.errors import RequestError
from inceptionctl.runs.paths import EXIT_RETRY
from inceptionctl.runs.starts import SUBMISSION

REPORT_MEMORY = "2G"  # a site's default may be less than its figures take
PLAIN = re.compile(r"[\w@%+=:,./\[\]-]+")  # to sbatch; quotes, # and backslashes mean something
WARNING_SECONDS = 120  # before the time limit, to save; at most a quarter of it

JOB = """\
{head}
set -eo pipefail
here={here}
cells=(
{cells}
)
run=${{cells[$((${{SLURM_ARRAY_TASK_ID:-0}} + ${{1:-0}}))]}}  # of an array that had to be split, a part starts at $1
job=${{SLURM_ARRAY_JOB_ID:+${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID}}
job=${{job:-$SLURM_JOB_ID}}
rm -f "$run/.verdict"
trap 'code=$?; ((code == 0)) || echo "$code" >"$run/.verdict"' EXIT
{setup}
# Where the ranks meet.
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
MASTER_PORT=$((10000 + (SLURM_JOB_ID + 997 * ${{SLURM_RESTART_COUNT:-0}}) % 20000))
export MASTER_ADDR MASTER_PORT OMP_NUM_THREADS={threads} {submission}="$here"

# One task a rank; each says what it has to say to its own log. They hear of a time limit or a pre-emption themselves.
code=0
srun --kill-on-bad-exit=1{cpus} --output="${{run//%/%%}}/log/rank-%t.log" --open-mode=append \\
    bash -c 'export RANK=$SLURM_PROCID LOCAL_RANK=$SLURM_LOCALID WORLD_SIZE=$SLURM_NTASKS; exec "$@"' rank \\
    {python} -m inceptionctl.worker "$run" || code=$?

# What the first rank says of its end; where it says nothing, srun's code: above 128, a signal ended it.
if [ -s "$run/.verdict" ]; then code=$(cat "$run/.verdict"); fi
if ((code != {lost} && code < 128)); then exit "$code"; fi
if tail -n 50 "$here/log/$job.log" | grep -qiE 'oom.kill|exceeded .*memory limit'; then exit 1; fi

# Saved after a signal, or lost a process: it goes on from its last checkpoint. The run itself counts its starts, and
# ends when they are too many or lead nowhere. What was cancelled stays so. Where the site forbids to requeue, another
# job follows this one.
case $(squeue --noheader --jobs="$job" --format=%T || true) in CANCELLED | COMPLETING) exit "$code" ;; esac
if scontrol requeue "$job"; then sleep 60; exit 0; fi
task=${{SLURM_ARRAY_TASK_ID:-}}
next=$(sbatch --parsable --dependency="afterany:$job" ${{task:+--array="$task"}} "$here/submit.sh" "${{1:-0}}")
next=${{next%;*}}
printf '{{"job": "%s", "submission": %s}}\\n' "$next${{task:+_$task}}" {here_json} >>"$run/jobs.jsonl"
{report_again}"""
REPORT = """\
{head}
set -eo pipefail
{setup}
exec {python} -m inceptionctl report {table}
"""


@dataclass(frozen=True)
class Layout:
    """`tasks` a node, one a rank; `gpus` a node; `cpus` a task, None: the site's default."""

    nodes: int
    tasks: int
    gpus: int
    cpus: int | None

    @classmethod
    def of(cls, launch: Slurm) -> Layout:
        tasks = launch.gpus_per_node or (launch.nproc or launch.nodes) // launch.nodes
        return cls(launch.nodes, tasks, launch.gpus_per_node, launch.cpus_per_gpu)

    @property
    def ranks(self) -> int:
        return self.nodes * self.tasks

    def __str__(self) -> str:
        cpus = f"{self.tasks * self.cpus} CPUs" if self.cpus else "CPUs by the site's default"
        return f"{self.nodes} nodes x ({self.tasks} tasks, {self.gpus} GPUs, {cpus})"


def job_script(launch: Slurm, here: Path, name: str, cells: Mapping[str, Path], array: bool, report: bool) -> str:
    """Of the job that works on `cells`, run folders by label: the array task's, or the only one. `here`: where the
    script will lie; `report`: whether another beside it writes the table's report."""
    _check_breaks(name, str(here), *cells, *map(str, cells.values()))
    layout = Layout.of(launch)
    options = _options(launch, name, here, "%A_%a" if array else "%j") | _resources(launch, layout)
    listed = [f"    {shlex.quote(str(path))}  # {label}" for label, path in cells.items()]
    return JOB.format(
        head=_head(options | (launch.extra or {})),
        here=shlex.quote(str(here)),
        cells="\n".join(listed),
        setup=_setup(launch),
        threads=launch.threads or launch.cpus_per_gpu or 1,
        submission=SUBMISSION,
        cpus=f" --cpus-per-task={layout.cpus}" if layout.cpus else "",
        python=shlex.quote(sys.executable),
        lost=EXIT_RETRY,
        here_json=shlex.quote(json.dumps(str(here))),
        report_again='sbatch --dependency="afterany:$next" "$here/report.sh"\n' if report else "",
    )


def report_script(launch: Slurm, here: Path, name: str, table: Path) -> str:
    """Of the job that runs when all others of a table have ended, however."""
    options = _options(launch, f"{name}-report", here, "report-%j") | {"ntasks": "1", "mem": REPORT_MEMORY}
    python, folder = shlex.quote(sys.executable), shlex.quote(str(table))
    return REPORT.format(head=_head(options), setup=_setup(launch), python=python, table=folder)


def warning_seconds(limit: str | None) -> int:
    """How long before the end of its time a job is told."""
    seconds = seconds_of(limit) if limit else None
    return min(WARNING_SECONDS, seconds // 4) if seconds else WARNING_SECONDS


def seconds_of(limit: str) -> int | None:
    """sbatch's minutes[:seconds], hours:minutes:seconds or days-hours[:minutes[:seconds]]; None for other words."""
    days, dash, clock = limit.rpartition("-")
    parts = clock.split(":")
    if not all(part.isdecimal() for part in (*parts, days or "0")) or len(parts) > 3:
        return None
    units = ("hours", "minutes", "seconds") if dash or len(parts) == 3 else ("minutes", "seconds")
    given = {unit: int(part) for unit, part in zip(units, parts, strict=False)}
    return int(timedelta(days=int(days or 0), **given).total_seconds())


def _options(launch: Slurm, name: str, here: Path, log: str) -> dict[str, str | None]:
    """Where a job goes, what it is called, and where its log is."""
    asked = {key: getattr(launch, key) for key in ("partition", "account", "qos", "constraint", "exclude")}
    return {
        "job-name": name,
        "output": f"{str(here).replace('%', '%%')}/log/{log}.log",
        "open-mode": "append",
        **{key: value for key, value in asked.items() if value},
    }


def _resources(launch: Slurm, layout: Layout) -> dict[str, str | None]:
    asked = {"gpus-per-node": layout.gpus, "cpus-per-task": layout.cpus, "mem": launch.mem, "time": launch.time}
    return {
        "requeue": None,
        "signal": f"USR2@{warning_seconds(launch.time)}",
        "nodes": str(layout.nodes),
        "ntasks-per-node": str(layout.tasks),
        **{key: str(value) for key, value in asked.items() if value},
    }


def _head(options: Mapping[str, str | None]) -> str:
    written = [f"#SBATCH --{key}" + (f"={_word(value)}" if value else "") for key, value in options.items()]
    return "\n".join(["#!/usr/bin/env bash", *written])


def _word(value: str) -> str:
    """As sbatch reads its lines: double quotes around what is not plain, a backslash before those in it."""
    if PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _check_breaks(*written: str) -> None:
    """Raises RequestError for a name that would go on as a line of its own, which the nodes would run."""
    for text in written:
        if not text.isprintable():
            raise RequestError(f"{text!r} cannot be in a batch script: it has a line break or the like")


def _setup(launch: Slurm) -> str:
    return "\n".join(["", *launch.setup, ""]) if launch.setup else ""
