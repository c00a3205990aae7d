"""The checks in their order, and what is made of one that fails itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from inceptionctl.doctor import decoders, gpus, images, limits, slurm, storage, versions
from inceptionctl.doctor.finding import Finding, problem

if TYPE_CHECKING:
    from inceptionctl.config.schema import Config

OUTPUTS = Path("outputs")
Check = Callable[[], Iterable[Finding]]


def checks(config: Config | None, has_data: bool, measured: bool) -> dict[str, Check]:
    """By name. `config`: the settings of a run, if there are some; `has_data`: they name the user's data; `measured`:
    whether ranks are started and speeds are measured."""
    found: dict[str, Check] = {
        "versions": versions.check,
        "gpu": gpus.check,
        "slurm": partial(slurm.check, needed=bool(config and config.launch.name == "slurm")),
        "disk": partial(storage.check, Path(config.outputs) if config else OUTPUTS),
        "limits": limits.check,
        "decoders": decoders.check,
    }
    if config and has_data:
        found["data"] = partial(images.check, config.data)
    if config and measured:
        from inceptionctl.doctor import ranks, speed  # the quick checks do without what these import

        found["ranks"] = partial(ranks.check, config.launch.device)
        found["speed"] = partial(speed.check, config, has_data)
    return found


def made(name: str, check: Check) -> list[Finding]:
    """What a check finds. Its error is a finding, so that the others are still made."""
    try:
        return list(check())
    except Exception as error:  # of any kind: the machine is in an unknown state
        remedy = "this is an error of inceptionctl: please report it with what `inceptionctl doctor --json` prints"
        return [problem(name, f"could not be checked: {type(error).__name__}: {error}", remedy)]
