"""Submits plans as Slurm jobs (`launch=slurm`) and returns at once, with the jobs' ids."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from inceptionctl.config.launch import Slurm
from inceptionctl.files import from_here
from inceptionctl.launch.slurm import clients
from inceptionctl.launch.slurm.jobs import active
from inceptionctl.launch.slurm.script import TaskLayout, job_script
from inceptionctl.launch.slurm.submission import jobs_of, submit_run, submit_table
from inceptionctl.planning.plan import Plan
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Submission
from inceptionctl.scheduling.downloads import download_missing_weights
from inceptionctl.scheduling.run_folders import open_folder, unfinished


def submit_one(label: str, plan: Plan, console: Console) -> None:
    """One run as one job. Raises RequestError for what the site refuses, before anything is made."""
    launch = slurm_of(plan)
    clients.check_accepted(preview_script({label: plan}, None), launch)
    if queued := _queued_jobs({label: plan}):
        run, job = queued[label]
        console.print(f"already submitted: job {job}, {from_here(run.path)}")
        return
    run = _open_folders({label: plan}, console)[label]
    submission = submit_run(launch, label, run)
    console.print(f"submitted: job {submission.jobs[0]}, {from_here(run.path)}")
    console.print(f"follow it: inceptionctl status {shlex.quote(from_here(run.path))}")


def submit_many(plans: Mapping[str, Plan], name: str, table: Path, console: Console) -> None:
    """The cells of a table that are not queued yet as arrays, and a job that writes the report after them."""
    launch = slurm_of(next(iter(plans.values())))
    clients.check_accepted(preview_script(plans, table), launch)
    queued = _queued_jobs(plans)
    runs = _open_folders({label: plan for label, plan in plans.items() if label not in queued}, console)
    parts = [f"{len(queued)} already queued or running"] if queued else []
    if runs:
        submission = submit_table(launch, name, table, runs, clients.max_array_size())
        parts += [f"{len(runs)} submitted as {_job_ids(submission)}"]
    console.print(f"{'; '.join(parts)}\nfollow them: inceptionctl status {shlex.quote(from_here(table))}")


def preview_script(plans: Mapping[str, Plan], table: Path | None) -> str:
    """The script as it would be submitted, with the run folders that it would get."""
    folders = {label: _expected_folder(plan) for label, plan in plans.items()}
    label, first = next(iter(plans.items()))
    here = (table or folders[label]).absolute() / "slurm" / "0"
    name = table.name if table else label.replace(" ", "-")
    return job_script(slurm_of(first), here, name, folders, array=table is not None)


def slurm_of(plan: Plan) -> Slurm:
    assert isinstance(plan.config.launch, Slurm), "the caller has checked"
    return plan.config.launch


def _expected_folder(plan: Plan) -> Path:
    if plan.config.run_dir:
        return Path(plan.config.run_dir).absolute()
    run = unfinished(plan)
    return (run.path if run else Path(plan.config.outputs) / plan.config.name / f"{plan.identity}-0").absolute()


def _queued_jobs(plans: Mapping[str, Plan]) -> dict[str, tuple[RunDir, str]]:
    """Run and job of each plan that is queued or running, by one squeue."""
    begun = {label: run for label, plan in plans.items() if (run := unfinished(plan))}
    last = {label: (run, jobs[-1].id) for label, run in begun.items() if (jobs := jobs_of(run)) and jobs[-1].own}
    queued = active(job for _, job in last.values())
    return {label: (run, job) for label, (run, job) in last.items() if job in queued}


def _open_folders(plans: Mapping[str, Plan], console: Console) -> dict[str, RunDir]:
    download_missing_weights(plans.values(), console)
    return {label: _open_folder(plan) for label, plan in plans.items()}


def _open_folder(plan: Plan) -> RunDir:
    """A job that asks for GPUs fails on a node without any, instead of training on its CPU."""
    launch = slurm_of(plan)
    device = "cuda" if launch.gpus_per_node and launch.device == "auto" else launch.device
    plan = replace(plan, config=replace(plan.config, launch=replace(launch, device=device)))
    run = open_folder(plan, TaskLayout.of(launch).nproc, launch.threads or launch.cpus_per_gpu or 1)
    run.log().parent.mkdir(exist_ok=True)
    return run


def _job_ids(submission: Submission) -> str:
    arrays = f"job array{'s' * (len(submission.jobs) > 1)} {', '.join(submission.jobs)}"
    return f"{arrays}; report: job {submission.report}" if submission.report else arrays
