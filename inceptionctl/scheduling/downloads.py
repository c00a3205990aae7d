"""Downloads released weights before a run needs them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from inceptionctl.models.weights.releases import Release, release
from inceptionctl.planning.plan import Plan, with_initial_weights
from inceptionctl.scheduling.run_folders import unfinished


def download_missing_weights(plans: Iterable[Plan], console: Console) -> None:
    """Each release once, and says what is taken from it. Raises InceptionctlError if a download fails or what arrives
    does not fit."""
    missing = [(plan, entry) for plan in plans if (entry := missing_weights(plan))]
    for entry in {entry for _, entry in missing}:
        download(entry, console)
    announce_weights((with_initial_weights(plan) for plan, _ in missing), console)


def announce_weights(plans: Iterable[Plan], console: Console) -> None:
    """Says what is loaded from weights that are on this machine, replaced or left."""
    for line in dict.fromkeys(line for plan in plans for line in plan.weights):
        console.print(f"weights: {line}")


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
