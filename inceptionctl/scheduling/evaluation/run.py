"""Runs an evaluation on this machine, or submits it as a job of Slurm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from inceptionctl.config.launch import Slurm
from inceptionctl.errors import InceptionctlError, Interrupted
from inceptionctl.files import for_shell, from_here
from inceptionctl.hardware import Allocation, allocate, gpus
from inceptionctl.launch.local import WorkerSlot, preload
from inceptionctl.launch.slurm import sbatch
from inceptionctl.launch.slurm.script import TaskLayout, job_script
from inceptionctl.launch.slurm.submit import next_folder, submit_run
from inceptionctl.planning.evaluation.plan import EvaluationPlan
from inceptionctl.planning.weights import IMAGENET_CLASSES
from inceptionctl.runs.places import check_place
from inceptionctl.scheduling.downloads import download
from inceptionctl.scheduling.evaluation.folders import expected, finished, open_folder, unfinished
from inceptionctl.scheduling.progress import QueueConsole
from inceptionctl.scheduling.queue import QueuedRun, run_queue
from inceptionctl.scheduling.submit import queued_job

PRELOADED = "inceptionctl.worker.evaluation"


def place(plan: EvaluationPlan) -> Allocation | TaskLayout:
    """Where it runs. Raises RequestError for devices that are not there, and for outputs that cannot be made."""
    config, launch = plan.config, plan.config.launch
    check_place(Path(config.outputs, config.name), f"outputs = {config.outputs}, name = {config.name}")
    if isinstance(launch, Slurm):
        return TaskLayout.of(launch)
    return allocate(launch.device, 1, launch.nproc or len(gpus(launch.device)) or 1, launch.threads, 1)


def run_evaluation(plan: EvaluationPlan, console: Console) -> Path:
    """The record of the evaluation, once it is finished. Raises InceptionctlError if it fails, after the console has
    said why."""
    allocation = place(plan)
    assert isinstance(allocation, Allocation), "Slurm's jobs run elsewhere"
    _download_missing(plan, console)
    preload([PRELOADED, *plan.config.data.modules])
    queued = queued_evaluation(plan.label, plan, allocation)
    slot = WorkerSlot(allocation.nproc, allocation.gpus[0], tuple(plan.config.data.modules))
    try:
        with QueueConsole(1, console) as observer:
            code = run_queue([queued], [slot], observer)[plan.label]
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted: what is done is kept; {_again(plan)}") from None
    if code == Interrupted.exit_code:
        raise Interrupted(f"the evaluation was told to stop: {_again(plan)}")
    if code:
        raise InceptionctlError("the evaluation failed: see the message above and its log")
    if not (found := finished(replace(plan, settings=replace(plan.settings, rerun=False)))):
        raise InceptionctlError("the evaluation left no record that can be read")
    return found


def queued_evaluation(label: str, plan: EvaluationPlan, allocation: Allocation) -> QueuedRun:
    return QueuedRun(
        label=label,
        steps=plan.request.n_images,
        open_folder=lambda: open_folder(plan, allocation.nproc, plan.config.launch.threads or allocation.threads),
        restarts=plan.config.launch.restarts,
        hang_timeout=plan.config.launch.hang_timeout,
    )


def _again(plan: EvaluationPlan) -> str:
    return f"the same command{' without rerun=true' if plan.settings.rerun else ''} goes on with it"


def submit_evaluation(plan: EvaluationPlan, console: Console) -> None:
    """As one job. Raises RequestError for what the site refuses, before anything is made."""
    launch = plan.config.launch
    assert isinstance(launch, Slurm), "the caller has checked"
    if (begun := unfinished(plan)) and (job := queued_job(begun)):
        console.print(f"already submitted: job {job}, {from_here(begun.path)}")
        return
    sbatch.check_accepted(preview_script(plan), launch)
    _download_missing(plan, console)
    device = "cuda" if launch.gpus_per_node and launch.device == "auto" else launch.device
    plan = replace(plan, config=replace(plan.config, launch=replace(launch, device=device)))
    run = open_folder(plan, TaskLayout.of(launch).nproc, launch.threads or launch.cpus_per_gpu or 1)
    job = submit_run(launch, _job_name(plan), run)
    console.print(f"submitted: job {job}, {from_here(run.path)}")
    console.print(f"follow it: inceptionctl status {for_shell(run.path)}")
    console.print("the same command prints what it came to when it is done")


def preview_script(plan: EvaluationPlan) -> str:
    """The script as it would be submitted."""
    launch, folder = plan.config.launch, expected(plan).absolute()
    assert isinstance(launch, Slurm), "the caller has checked"
    return job_script(launch, next_folder(folder), _job_name(plan), {plan.label: folder}, array=False)


def _job_name(plan: EvaluationPlan) -> str:
    return f"eval-{plan.identity}"


def _download_missing(plan: EvaluationPlan, console: Console) -> None:
    """Releases that are not in the cache yet; they have ImageNet's classes. Raises InceptionctlError."""
    for each in plan.networks:
        if each.release and not each.release.cached:
            assert each.n_classes == IMAGENET_CLASSES, "nothing else is known before the file is there"
            download(each.release, console)
