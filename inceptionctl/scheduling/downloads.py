"""Downloads released weights before a run needs them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from inceptionctl.models.weights.releases import Release, release
from inceptionctl.planning.plan import Plan
from inceptionctl.scheduling.run_folders import unfinished


def download_missing_weights(plans: Iterable[Plan], console: Console) -> None:
    """Each release once. Raises InceptionctlError if a download fails."""
    for entry in {entry for plan in plans if (entry := missing_weights(plan))}:
        download(entry, console)


def missing_weights(plan: Plan) -> Release | None:
    """The release that a run will start from, if it is not in the cache; a run with a checkpoint needs none."""
    entry = release(plan.config.arch.name, plan.config.weights) if plan.config.weights else None
    if not entry or entry.cached:
        return None
    run = unfinished(plan)
    return None if run and any(run.checkpoints.glob("step-*")) else entry


def download(entry: Release, console: Console) -> Path:
    """The path of a release, downloaded with a progress bar on a terminal. Raises InceptionctlError if that fails."""
    console.print(f"downloading {entry.url}")
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    disable = not console.is_terminal or entry.path is None  # the hub shows its own
    with Progress(*columns, console=console, transient=True, disable=disable) as bar:
        task = bar.add_task(entry.name, total=None)
        return entry.download(lambda done, total: bar.update(task, completed=done, total=total))
