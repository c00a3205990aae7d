"""From plans to finished runs: which folder a cell works in, and the queue that works through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from inceptionctl import rundir
from inceptionctl.commands.plan import Plan
from inceptionctl.config import identity as identity_of
from inceptionctl.errors import RequestError
from inceptionctl.frozen import freeze, thaw
from inceptionctl.launch import machine
from inceptionctl.launch.local import warm_up
from inceptionctl.launch.queue import Cell, run_cells
from inceptionctl.models.download import fetch
from inceptionctl.models.releases import Release, release, source
from inceptionctl.rundir import RunDir
from inceptionctl.trackers.console import CellConsole


def finished(made: Plan) -> RunDir | None:
    """The newest finished run of this identity, under whatever name, if there is one."""
    done = [run for run in attempts(made) if run.finished]
    return done[-1] if done else None


def to_do(made: Plan) -> bool:
    return made.config.rerun or finished(made) is None


def attempts(made: Plan) -> list[RunDir]:
    """Every run folder of this identity, oldest first: the one that `run_dir` names, or all below `outputs`."""
    if made.config.run_dir:
        return [RunDir(Path(made.config.run_dir))]
    return rundir.attempts(Path(made.config.outputs), made.identity)


def folder(made: Plan, threads: int) -> RunDir:
    """The folder to work in: an unfinished attempt if there is one, else a new one with the settings frozen into it."""
    config = made.config
    if config.run_dir:
        run = claim(Path(config.run_dir), made.identity)
    else:
        unfinished = [run for run in attempts(made) if run.resumable]
        if unfinished and not config.rerun:
            return unfinished[-1]
        run = rundir.create(Path(config.outputs), config.name, made.identity)
    if not run.config.is_file():
        freeze(run, replace(config, launch=replace(config.launch, threads=threads)))
    return run


def claim(path: Path, identity: str) -> RunDir:
    """The folder that `run_dir` names, made if need be. Raises RequestError if it is another run's or nobody's."""
    refuse_foreign(path, identity)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"cannot make run_dir = {path}: {error.strerror}") from error
    return RunDir(path)


def refuse_foreign(path: Path, identity: str) -> None:
    run = RunDir(path)
    if path.exists() and not path.is_dir():
        raise RequestError(f"run_dir = {path} is a file")
    if run.config.is_file():
        if (other := identity_of(thaw(run))) != identity:
            raise RequestError(f"run_dir = {path} belongs to another run ({other}, this one is {identity})")
    elif path.is_dir() and any(path.iterdir()):
        raise RequestError(f"run_dir = {path} is not empty and not a run folder")


def work(plans: Mapping[str, Plan], console: Console) -> dict[str, int]:
    """Runs every plan, by label: exit codes. Cells share the machine; each is a process of its own."""
    launch = next(iter(plans.values())).config.launch
    jobs, threads, gpus = places(launch.device, launch.jobs, launch.threads, len(plans))
    for entry in {entry for made in plans.values() if (entry := awaited(made))}:
        bring(entry, console)
    cells = [
        Cell(label, made.clock.steps, lambda made=made: folder(made, threads))  # type: ignore[misc]
        for label, made in plans.items()
    ]
    warm_up(sorted({module for made in plans.values() for module in needed(made)}))
    with CellConsole(len(cells), console) as watcher:
        return run_cells(cells, jobs, gpus, watcher)


def awaited(made: Plan) -> Release | None:
    """The release that a run will start from and that is not on this machine; one with a checkpoint needs none."""
    entry = release(made.config.arch.name, made.config.weights) if made.config.weights else None
    unfinished = [] if made.config.rerun else [run for run in attempts(made) if run.resumable]
    begun = unfinished and any(unfinished[-1].checkpoints.glob("step-*"))
    return None if begun or not entry or entry.cached else entry


def bring(entry: Release, console: Console) -> Path:
    """Fetches a release into the cache: the path. Raises InceptionctlError where that fails."""
    found = source(entry)
    console.print(f"fetching {found.url}", highlight=False, soft_wrap=True, markup=False)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(entry.name, total=None)
        place = entry.place(Path(found.url).suffix)
        return fetch(found.url, place, found.sha256, lambda done, whole: bar.update(task, completed=done, total=whole))


def needed(made: Plan) -> list[str]:
    """Slow imports, besides torch, of this plan's worker."""
    digits = ["sklearn.datasets", "sklearn.model_selection"] if made.config.data.name == "digits" else []
    library = (made.config.weights or "").partition(":")[0]
    names = {"timm": ["timm"], "torchvision": ["torchvision.models"]}.get(library, [])
    return digits + names + (["timm.optim.rmsprop_tf"] if made.config.optim.name == "rmsprop" else [])


def places(device: str, jobs: int | None, threads: int | None, cells: int) -> tuple[int, int, list[str]]:
    """(processes side by side, threads of each, GPUs). One process a GPU, or a core; the cores are shared out."""
    gpus, cores = machine.gpus(device), machine.num_cores()
    if device == "cuda" and not gpus:
        raise RequestError("launch.device = cuda, and nvidia-smi shows no GPU on this machine: use auto or cpu")
    jobs = min(jobs or len(gpus) or cores, cells)
    return jobs, threads or max(1, cores // jobs), gpus
