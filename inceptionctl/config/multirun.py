"""Hydra's part: several runs (-m) by its launchers, and what its flags print. The runs are composed and checked by us.

Of Hydra's own settings only those that this uses may be typed.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra import version
from hydra._internal.hydra import Hydra
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from inceptionctl.config.compose import Composer, request_errors
from inceptionctl.config.flags import Flags
from inceptionctl.config.keys import matches
from inceptionctl.config.overrides import is_for_hydra, parse
from inceptionctl.config.words import hydra_text
from inceptionctl.errors import InceptionctlError, RequestError, unknown, warn

# What launching several runs reads of Hydra's settings; hydra.run, for one, is for a run that Hydra starts.
USED = (
    "hydra/launcher",
    "hydra.launcher",
    "hydra.sweep",
    "hydra.sweeper.max_batch_size",
    "hydra/job_logging",
    "hydra/hydra_logging",
    "hydra.verbose",
    "hydra.job.name",
    "hydra.job.chdir",
    "hydra.job.env_set",
    "hydra.job.env_copy",
)


_NOTHING = object()


def check_hydra_words(command: str, words: Sequence[str], composer: Composer, single: bool) -> None:
    """Raises RequestError for a setting of Hydra's that has no effect, or that does not exist."""
    overrides = [override for override in parse(words) if is_for_hydra(override)]
    for override in overrides:
        word, key = override.input_line or "", override.key_or_group.replace("/", ".")
        if single:
            raise RequestError(f"{word} has no effect on a single run: Hydra's settings are for -m")
        if key == "hydra.sweeper":
            raise RequestError(
                f"{word}: a sweeper such as optuna chooses values by results that are not there yet, and -m checks all "
                "its runs before the first begins\n  list the values, such as schedule.lr=0.05,0.1"
            )
        if not matches(override.key_or_group, USED):
            raise RequestError(f"{word} has no effect here: of Hydra's settings, -m uses {', '.join(USED)}")
        if override.is_sweep_override():
            raise RequestError(f"{word}: the runs of -m are launched in one way")
        if key == "hydra.sweeper.max_batch_size" and not _is_count(override.value()):
            raise RequestError(f"{word}: it takes a number of runs from 1, or null")
    choices = [override.input_line or "" for override in overrides if "/" in override.key_or_group]
    settings = composer.load(command, choices) if overrides else DictConfig({})
    for override in overrides:
        if "/" not in override.key_or_group and not _exists(settings, override.key_or_group):
            section = override.key_or_group.rpartition(".")[0]
            known = OmegaConf.select(settings, section)
            raise unknown("setting", override.key_or_group, [f"{section}.{key}" for key in known or ()])


def _is_count(value: object) -> bool:
    return value is None or (type(value) is int and value > 0)


def _exists(settings: DictConfig, key: str) -> bool:
    """Whether Hydra has this setting, or one above it that takes any."""
    parent, _, leaf = key.rpartition(".")
    above = OmegaConf.select(settings, parent) if parent else settings
    if above is None or (isinstance(above, DictConfig) and not above):
        return bool(parent) and parent.count(".") > 1 and _exists(settings, parent)
    return isinstance(above, DictConfig) and leaf in above


def launch(
    command: str, words: Sequence[str], jobs: Sequence[Callable[[], None]], composer: Composer, outputs: str
) -> None:
    """Runs `jobs`, one for each combination of the values in `words`, by Hydra's launcher: one after the other here,
    unless `words` name another. Raises InceptionctlError if one fails in a process of its own."""

    def job(_: DictConfig) -> None:
        try:
            jobs[HydraConfig.get().job.num]()
        except InceptionctlError as error:  # Hydra would print a traceback and exit with 1
            warn(str(error))
            raise SystemExit(error.exit_code) from None

    place = [] if _names_place(words) else [f"hydra.sweep.dir={hydra_text(str(_checked_place(outputs)))}"]
    overrides = [*composer.hydra_words(command, words), *place, "hydra.mode=MULTIRUN"]
    with _hydra(command, composer) as hydra, _launcher_errors():
        hydra.multirun(command, job, overrides)


def _names_place(words: Sequence[str]) -> bool:
    return any(override.key_or_group == "hydra.sweep.dir" for override in parse(words))


def _checked_place(outputs: str) -> Path:
    """Where the launcher keeps its own files. Raises RequestError if no folder can be made there."""
    place = Path(outputs, "sweeps")
    nearest = next((path for path in (place, *place.parents) if os.path.lexists(path)), place)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise RequestError(f"outputs = {outputs}: {nearest} is not a folder that may be written to")
    return place


def show(command: str, flags: Flags, words: Sequence[str], composer: Composer) -> None:
    """What --cfg, --info and --hydra-help print."""
    overrides = composer.hydra_words(command, words)
    with _hydra(command, composer) as hydra:
        if "--cfg" in flags:
            section = flags.given.get("--package")
            if section and OmegaConf.select(composer.load(command, words), section, default=_NOTHING) is _NOTHING:
                raise RequestError(f"--package {section}: there is no such section")
            hydra.show_cfg(command, overrides, flags.given["--cfg"], section, "--resolve" in flags)
        elif "--info" in flags:
            hydra.show_info(flags.given["--info"], command, overrides)
        else:
            hydra.hydra_help(command, get_args_parser(), Namespace(overrides=[]))


@contextmanager
def _hydra(command: str, composer: Composer) -> Iterator[Hydra]:
    version.setbase("1.3")
    try:
        with request_errors(composer.config_dir):
            yield Hydra.create_main_hydra2(command, composer.search_path)
    finally:
        GlobalHydra.instance().clear()


@contextmanager
def _launcher_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "submitit":
            raise
        raise InceptionctlError(f"a job of the sweep failed: {error}") from error
