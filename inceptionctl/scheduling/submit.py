"""Submits plans as Slurm jobs (`launch=slurm`) and returns at once, with the jobs' ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from inceptionctl.config.launch import Slurm
from inceptionctl.errors import InceptionctlError, Interrupted, count, warn
from inceptionctl.files import for_shell, from_here
from inceptionctl.launch.slurm import clients, sbatch
from inceptionctl.launch.slurm.jobs import queued_jobs
from inceptionctl.launch.slurm.script import TaskLayout, job_script
from inceptionctl.launch.slurm.submission import RunJob, jobs_of, report_jobs
from inceptionctl.launch.slurm.submit import TableSubmission, job_name, next_folder, submit_report, submit_run
from inceptionctl.planning.plan import Plan
from inceptionctl.runs.paths import RunDir
from inceptionctl.scheduling.downloads import download_missing_weights
from inceptionctl.scheduling.run_folders import open_folder, unfinished


def submit_one(label: str, plan: Plan, console: Console) -> None:
    """One run as one job. Raises RequestError for what the site refuses, before anything is made."""
    begun = unfinished(plan)
    if begun and (job := queued_job(begun)):
        console.print(f"already submitted: job {job}, {from_here(begun.path)}")
        return
    sbatch.check_accepted(preview_script({label: plan}, None), slurm_of(plan))
    run = _open_folders({label: plan}, console)[label]
    job = submit_run(slurm_of(plan), label, run)
    console.print(f"submitted: job {job}, {from_here(run.path)}")
    console.print(f"follow it: inceptionctl status {for_shell(run.path)}")


def submit_many(plans: Mapping[str, Plan], table: Path, console: Console, prepare: Callable[[], None]) -> None:
    """The cells of a table that are not queued yet as arrays, and a job that writes the report after them. `prepare` is
    called when the site would accept them, before anything is submitted. Raises InceptionctlError if some are left,
    once what is submitted has been said."""
    launch = slurm_of(next(iter(plans.values())))
    queued = _queued(plans)
    left = {label: plan for label, plan in plans.items() if label not in queued}
    if left:
        sbatch.check_accepted(preview_script(left, table), launch)
    prepare()
    waiting = {label: run for label in queued if (run := unfinished(plans[label]))}
    cells = TableSubmission(launch, table.name, table, _open_folders(left, console), waiting)
    report = None
    try:
        cells.send()
        report = _submit_report(cells, [*queued.values()])
    except InceptionctlError as error:
        raise _incomplete(error, len(left) - cells.sent) from error
    finally:
        _say(cells, len(queued), report, console)


def preview_script(plans: Mapping[str, Plan], table: Path | None) -> str:
    """The script as it would be submitted, with the run folders that it would get."""
    folders = {label: _expected_folder(plan) for label, plan in plans.items()}
    label, first = next(iter(plans.items()))
    here = next_folder(table or folders[label])
    name = table.name if table else job_name(label)
    return job_script(slurm_of(first), here, name, folders, array=table is not None)


def queued_job(run: RunDir) -> str | None:
    """The job of a run that is queued or running. Raises NoAnswerError."""
    return next(iter(queued_jobs(_own_jobs(run)).values()), None)


def slurm_of(plan: Plan) -> Slurm:
    assert isinstance(plan.config.launch, Slurm), "the caller has checked"
    return plan.config.launch


def _expected_folder(plan: Plan) -> Path:
    if plan.config.run_dir:
        return Path(plan.config.run_dir).absolute()
    run = unfinished(plan)
    return (run.path if run else Path(plan.config.outputs) / plan.config.name / f"{plan.identity}-0").absolute()


def _own_jobs(run: RunDir) -> list[RunJob]:
    """Without those of another folder's run that this one is a copy of."""
    return [job for job in jobs_of(run) if job.own]


def _queued(plans: Mapping[str, Plan]) -> dict[str, str]:
    """The job of each plan that is queued or running, by one squeue."""
    begun = {label: run for label, plan in plans.items() if (run := unfinished(plan))}
    jobs = {label: _own_jobs(run) for label, run in begun.items()}
    queued = queued_jobs(job for each in jobs.values() for job in each)
    return {label: queued[job] for label, each in jobs.items() for job in reversed(each) if job in queued}


def _submit_report(cells: TableSubmission, queued: Sequence[str]) -> str | None:
    """One job behind all cells, in place of an earlier one that waits. A partition for GPU jobs only may refuse it,
    which must not stop the runs."""
    arrays = dict.fromkeys(job.partition("_")[0] for job in queued)
    try:
        waiting = queued_jobs(job for job in report_jobs(cells.table) if job.own)
        if waiting and not cells.runs:
            return None
        report = submit_report(cells.launch, cells.table, [*arrays, *cells.jobs])
        with suppress(clients.SlurmError):  # two reports do no harm
            clients.cancel(waiting.values())
        return report
    except clients.SlurmError as error:
        again = f"when the runs are done, run inceptionctl report {for_shell(cells.table)}"
        warn(f"no job for the report ({error}): {again}")
        return None


def _incomplete(error: InceptionctlError, left: int) -> InceptionctlError:
    """`error` with what it leaves undone."""
    if not left:
        return error
    if isinstance(error, clients.NoAnswerError | Interrupted):
        return type(error)(f"{count(left, 'cell')} not known to be submitted: {error}")
    later = " later" if isinstance(error, sbatch.QueueFullError) else ""
    return type(error)(f"{count(left, 'cell')} not submitted: {error}\n  the same command{later} sends the rest")


def _say(cells: TableSubmission, queued: int, report: str | None, console: Console) -> None:
    arrays = f"job array{'s' * (len(cells.jobs) > 1)} {', '.join(cells.jobs)}"
    parts = [f"{queued} already queued or running"] if queued else []
    parts += [f"{cells.sent} submitted as {arrays}"] if cells.sent else []
    parts += [f"report: job {report}"] if report else []
    if parts:
        console.print(f"{'; '.join(parts)}\nfollow them: inceptionctl status {for_shell(cells.table)}")


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
