"""Runs a command whose settings Hydra composes: one run by ourselves, several (-m) by Hydra's sweeper and launcher."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from inceptionctl.config.compose import CONFIG_MODULE, Composer, Tree, request_errors
from inceptionctl.config.help import Command, help_text
from inceptionctl.config.keys import key_paths
from inceptionctl.config.overrides import is_for_hydra, parse, sweeps
from inceptionctl.config.safety import check_words
from inceptionctl.config.switches import check_switches
from inceptionctl.config.validate import parse as parse_config
from inceptionctl.errors import InceptionctlError, RequestError, unknown, warn

Prepared = TypeVar("Prepared")


@dataclass(frozen=True)
class Request:
    """One run or table: `tree` is what its `overrides` compose to; `composer` composes more of it, such as rows."""

    tree: Tree
    overrides: list[str]
    composer: Composer

    @classmethod
    def compose(cls, command: str, overrides: Sequence[str], composer: Composer) -> Request:
        """Raises RequestError for overrides that cannot be composed and for switches that change nothing."""
        tree = composer.compose(command, overrides)
        if command == "train":  # the switches of a table are checked on its rows
            check_switches(composer, overrides, tree)
        return cls(tree, list(overrides), composer)


def run_hydra(
    command: Command, argv: list[str], prepare: Callable[[Request], Prepared], run: Callable[[Prepared], None]
) -> None:
    """Composes, checks and prepares what `argv` requests, then runs what was prepared.

    With -m all runs are prepared before the first begins. Hydra's flags (--cfg, --help, -m, --config-dir) keep their
    meaning.
    """
    flags = _parse_flags(command.name, argv)
    check_words(flags)
    composer = Composer(flags.config_dir)
    if flags.help:
        print(help_text(command, flags.overrides, composer))
        return
    requests = [Request.compose(command.name, words, composer) for words in sweeps(flags.overrides, flags.multirun)]
    if flags.hydra_help or flags.cfg or flags.info:
        for request in requests:
            parse_config({key: request.tree[key] for key in request.tree.keys() & key_paths()})
        _run_by_hydra(command.name, flags, argv, lambda config: None)
    elif flags.multirun:
        config_dir = flags.config_dir
        for request in requests:
            prepare(request)
        _run_by_hydra(command.name, flags, argv, lambda _: run(prepare(_request_of_job(command.name, config_dir))))
    else:
        (request,) = requests
        _check_no_hydra_settings(request.overrides)
        run(prepare(request))


def _parse_flags(command: str, argv: list[str]) -> argparse.Namespace:
    """Hydra's flags, before, between and behind the overrides."""

    def refuse(message: str) -> NoReturn:
        raise RequestError(f"{command}: {message}")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    flags, others = parser.parse_known_intermixed_args(argv)
    if others:
        raise unknown("flag", others[0], ["--dry-run", *(word for a in parser._actions for word in a.option_strings)])
    return flags


def _check_no_hydra_settings(overrides: Sequence[str]) -> None:
    for override in parse(overrides):
        if is_for_hydra(override):
            raise RequestError(f"{override.input_line} has no effect on a single run: Hydra's settings are for -m")


def _run_by_hydra(command: str, flags: argparse.Namespace, argv: list[str], task: Callable[[DictConfig], None]) -> None:
    def job(config: DictConfig) -> None:
        try:
            task(config)
        except InceptionctlError as error:  # Hydra would print a traceback and exit with 1
            warn(str(error))
            raise SystemExit(error.exit_code) from None

    sys.argv = [f"inceptionctl {command}", *(word for word in argv if word not in flags.overrides), *flags.overrides]
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra then raises a launcher's error instead of printing it
    try:
        with request_errors():
            hydra.main(version_base="1.3", config_path=f"pkg://{CONFIG_MODULE}", config_name=command)(job)()
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "submitit":
            raise
        raise InceptionctlError(f"a job of the sweep failed: {error}") from error


def _request_of_job(command: str, config_dir: str | None) -> Request:
    """The request of one job of -m, composed where the job runs: Hydra's own composition lacks our checks."""
    return Request.compose(command, list(HydraConfig.get().overrides.task), Composer(config_dir))
