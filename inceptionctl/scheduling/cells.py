"""From plans to finished runs: which folder a cell works in, and the queue that works through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from inceptionctl import hardware as machine
from inceptionctl.config.schema import Local
from inceptionctl.config.validate import identity as identity_of
from inceptionctl.errors import RequestError, warn
from inceptionctl.hardware import Share, allocate
from inceptionctl.launch.local import WorkerSlot, preload
from inceptionctl.launch.slurm.script import Layout
from inceptionctl.models.weights.download import fetch
from inceptionctl.models.weights.releases import Release, release, source
from inceptionctl.planning.plan import Plan
from inceptionctl.runs import paths as rundir
from inceptionctl.runs.config_file import read_config, write_config
from inceptionctl.runs.paths import RunDir
from inceptionctl.scheduling.progress import CellConsole
from inceptionctl.scheduling.queue import Cell, run_cells


def finished(made: Plan) -> RunDir | None:
    """The newest finished run of this identity, under whatever name, if there is one."""
    done = [run for run in attempts(made) if run.finished]
    return done[-1] if done else None


def needs_run(made: Plan) -> bool:
    return made.config.rerun or finished(made) is None


def attempts(made: Plan) -> list[RunDir]:
    """Every run folder of this identity, oldest first: the one that `run_dir` names, or all below `outputs`."""
    if made.config.run_dir:
        return [RunDir(Path(made.config.run_dir))]
    return rundir.attempts(Path(made.config.outputs), made.identity)


def unfinished(made: Plan) -> RunDir | None:
    """The newest attempt that can go on, unless another is asked for."""
    found = [] if made.config.rerun else [run for run in attempts(made) if run.resumable]
    return found[-1] if found else None


def with_resumed_launch(made: Plan) -> Plan:
    """`made` with the ranks and threads of the attempt that it is to go on with, where it asks for none: only then does
    that end to the same bits."""
    if not (begun := unfinished(made)):
        return made
    asked, had = made.config.launch, read_config(begun).launch
    launch = replace(asked, nproc=asked.nproc or had.nproc, threads=asked.threads or had.threads)
    return replace(made, config=replace(made.config, launch=launch))


def folder(made: Plan, processes: int, threads: int) -> RunDir:
    """The folder to work in: an unfinished attempt if there is one, else a new one. What the run is goes into it once;
    how it is worked on may change."""
    config = made.config
    launch = replace(config.launch, nproc=processes, threads=threads)
    if config.run_dir:
        run = open_run_dir(Path(config.run_dir), made.identity)
    else:
        run = unfinished(made) or rundir.create(Path(config.outputs), config.name, made.identity)
    before = read_config(run) if run.config.is_file() else config
    now = replace(before, launch=launch, data=config.data, tracker=config.tracker)
    if now != before or not run.config.is_file():
        write_config(run, now)
    return run


def open_run_dir(path: Path, identity: str) -> RunDir:
    """The folder that `run_dir` names, made if need be. Raises RequestError if it is another run's or nobody's."""
    check_foreign(path, identity)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"cannot make run_dir = {path}: {error.strerror}") from error
    return RunDir(path)


def check_foreign(path: Path, identity: str) -> None:
    run = RunDir(path)
    if path.exists() and not path.is_dir():
        raise RequestError(f"run_dir = {path} is a file")
    if run.config.is_file():
        if (other := identity_of(read_config(run))) != identity:
            raise RequestError(f"run_dir = {path} belongs to another run ({other}, this one is {identity})")
    elif path.is_dir() and any(path.iterdir()):
        raise RequestError(f"run_dir = {path} is not empty and not a run folder")


def work(plans: Mapping[str, Plan], console: Console) -> dict[str, int]:
    """Runs every plan, by label: exit codes. Cells share the machine; each has processes of its own."""
    share = allocate_devices(plans)  # as asked: what one attempt had before is not for the others
    plans = {label: with_resumed_launch(made) for label, made in plans.items()}
    for entry in {entry for made in plans.values() if (entry := missing_weights(made))}:
        bring(entry, console)
    modules = sorted({module for made in plans.values() for module in preload_modules(made)})
    cells = [
        Cell(
            label,
            made.clock.steps,
            lambda made=made: folder(made, share.processes, made.config.launch.threads or share.threads),  # type: ignore[misc]
            made.config.launch.restarts,
            made.config.launch.hang_timeout,
        )
        for label, made in plans.items()
    ]
    preload(modules)
    crews = [WorkerSlot(share.processes, gpus, tuple(modules)) for gpus in share.gpus]
    with CellConsole(len(cells), console) as watcher:
        return run_cells(cells, crews, watcher)


def check_uneven(plans: Mapping[str, Plan]) -> None:
    """Raises RequestError for ranks that cannot share a batch, or that this machine, if they are to run here, has no
    place for."""
    launch = next(iter(plans.values())).config.launch
    if isinstance(launch, Local):
        allocate_devices(plans)
        return
    for made in plans.values():
        made.layout(Layout.of(launch).ranks)


def allocate_devices(plans: Mapping[str, Plan]) -> Share:
    """What each of these runs gets of the machine. Raises RequestError for what it does not have, or a batch that the
    ranks cannot share."""
    launch = next(iter(plans.values())).config.launch
    assert isinstance(launch, Local), "others run elsewhere"
    share = allocate(launch.device, launch.jobs, launch.nproc or 1, launch.threads, len(plans))
    for made in plans.values():
        made.layout(share.processes)
    return share


def with_default_nproc(made: Plan) -> Plan:
    """`made` with as many ranks as this machine has GPUs, or as many of them as its batch can be shared by, unless it,
    or the attempt that it goes on with, says how many."""
    if (made := with_resumed_launch(made)).config.launch.nproc:
        return made
    count = len(machine.gpus(made.config.launch.device)) or 1
    fitting = next((n for n in range(count, 1, -1) if _fits(made, n)), 1)
    if fitting < count:
        warn(
            f"{fitting} of {count} GPUs are used: "
            f"train.batch_size = {made.config.train.batch_size} cannot be shared by more"
        )
    return replace(made, config=replace(made.config, launch=replace(made.config.launch, nproc=fitting)))


def _fits(made: Plan, ranks: int) -> bool:
    try:
        return bool(made.layout(ranks))
    except RequestError:
        return False


def missing_weights(made: Plan) -> Release | None:
    """The release that a run will start from and that is not on this machine; one with a checkpoint needs none."""
    entry = release(made.config.arch.name, made.config.weights) if made.config.weights else None
    begun = unfinished(made)
    return None if (begun and any(begun.checkpoints.glob("step-*"))) or not entry or entry.cached else entry


def bring(entry: Release, console: Console) -> Path:
    """Fetches a release into the cache: the path. Raises InceptionctlError where that fails."""
    found = source(entry)
    console.print(f"fetching {found.url}", highlight=False, soft_wrap=True, markup=False)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(entry.name, total=None)
        place = entry.place(Path(found.url).suffix)
        return fetch(found.url, place, found.sha256, lambda done, whole: bar.update(task, completed=done, total=whole))


def preload_modules(made: Plan) -> list[str]:
    """Slow imports, besides torch, of this plan's worker."""
    digits = ["sklearn.datasets", "sklearn.model_selection"] if made.config.data.name == "digits" else []
    library = (made.config.weights or "").partition(":")[0]
    names = {"timm": ["timm"], "torchvision": ["torchvision.models"]}.get(library, [])
    return digits + names + (["timm.optim.rmsprop_tf"] if made.config.optim.name == "rmsprop" else [])
