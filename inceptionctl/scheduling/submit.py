"""`launch=slurm`: plans become jobs, and the command returns with their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from inceptionctl.config.schema import Slurm
from inceptionctl.launch.slurm import clients
from inceptionctl.launch.slurm.jobs import active
from inceptionctl.launch.slurm.script import Layout, job_script
from inceptionctl.launch.slurm.submission import Submitted, jobs_of, submit_run, submit_table
from inceptionctl.planning.plan import Plan
from inceptionctl.runs.paths import RunDir
from inceptionctl.scheduling.cells import bring, folder, missing_weights, unfinished


def submit_one(label: str, made: Plan, console: Console) -> None:
    """One run, one job. Raises RequestError for what the site refuses, before anything is made."""
    launch = of_slurm(made)
    clients.try_out(preview({label: made}, None), launch)
    if at_work := _at_work({label: made}):
        run, job = at_work[label]
        console.print(f"already submitted: job {job}, {run.path}", soft_wrap=True)
        return
    (run,) = _folders({label: made}, console).values()
    sent = submit_run(launch, label, run)
    console.print(f"submitted: job {sent.jobs[0]}, {run.path}", soft_wrap=True, highlight=False)
    console.print(f"watch:     inceptionctl status {run.path}", soft_wrap=True, highlight=False)


def submit_many(plans: Mapping[str, Plan], name: str, table: Path, console: Console) -> Submitted | None:
    """A table's cells that nobody works on yet: arrays, and the report behind them; None if there are no such cells."""
    launch = of_slurm(next(iter(plans.values())))
    clients.try_out(preview(plans, table), launch)
    at_work = _at_work(plans)
    runs = _folders({label: made for label, made in plans.items() if label not in at_work}, console)
    sent = submit_table(launch, name, table, runs, clients.max_array_size()) if runs else None
    said = [f"{len(at_work)} queued or running before"] if at_work else []
    if sent:
        said += [f"{len(runs)} submitted as {_jobs(sent)}"]
    console.print(f"{'; '.join(said)}\nwatch:     inceptionctl status {table}", soft_wrap=True, highlight=False)
    return sent


def preview(plans: Mapping[str, Plan], table: Path | None) -> str:
    """The script as it would be submitted, with the folders that it would get."""
    paths = {label: _expected(made) for label, made in plans.items()}
    label, first = next(iter(plans.items()))
    here = (table or paths[label]).absolute() / "slurm" / "0"
    name = table.name if table else label.replace(" ", "-")
    return job_script(of_slurm(first), here, name, paths, array=table is not None, report=table is not None)


def of_slurm(made: Plan) -> Slurm:
    assert isinstance(made.config.launch, Slurm), "asked before"
    return made.config.launch


def _expected(made: Plan) -> Path:
    if made.config.run_dir:
        return Path(made.config.run_dir).absolute()
    begun = unfinished(made)
    return (begun.path if begun else Path(made.config.outputs) / made.config.name / f"{made.identity}-0").absolute()


def _at_work(plans: Mapping[str, Plan]) -> dict[str, tuple[RunDir, str]]:
    """Cells with a job in the queue: its id. One squeue for all."""
    begun = {label: run for label, made in plans.items() if (run := unfinished(made))}
    last = {label: (run, jobs[-1][0]) for label, run in begun.items() if (jobs := jobs_of(run))}
    known = active(job for _, job in last.values())
    return {label: (run, job) for label, (run, job) in last.items() if job in known}


def _folders(plans: Mapping[str, Plan], console: Console) -> dict[str, RunDir]:
    for entry in {entry for made in plans.values() if (entry := missing_weights(made))}:
        bring(entry, console)
    return {label: _folder(made) for label, made in plans.items()}


def _folder(made: Plan) -> RunDir:
    """With GPUs asked for, a node that has none is an error rather than a slow run."""
    launch = of_slurm(made)
    device = "cuda" if launch.gpus_per_node and launch.device == "auto" else launch.device
    made = replace(made, config=replace(made.config, launch=replace(launch, device=device)))
    run = folder(made, Layout.of(launch).ranks, launch.threads or launch.cpus_per_gpu or 1)
    run.log().parent.mkdir(exist_ok=True)
    return run


def _jobs(sent: Submitted) -> str:
    arrays = f"job array{'s' * (len(sent.jobs) > 1)} {', '.join(sent.jobs)}"
    return f"{arrays}; report: job {sent.report}" if sent.report else arrays
