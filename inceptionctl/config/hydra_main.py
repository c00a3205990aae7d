"""Runs a command whose settings Hydra composes: one run by ourselves, several (-m) by Hydra's launcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from inceptionctl.config.compose import Composer, Tree, composer_for
from inceptionctl.config.flags import ALONE, Flags, read_flags
from inceptionctl.config.help import Command, help_text
from inceptionctl.config.overrides import is_for_hydra, parse, sweeps
from inceptionctl.config.safety import check_words
from inceptionctl.config.switches import check_switches
from inceptionctl.config.validate import check_tree
from inceptionctl.config.words import read
from inceptionctl.errors import warn
from inceptionctl.settings import absolute

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
        words = [override.input_line or "" for override in parse(overrides)]
        tree = composer.compose(command, words)
        if command == "train":  # the switches of a table are checked on its rows
            check_switches(composer, words, tree)
        return cls(tree, words, composer)


def run_hydra(
    command: Command,
    argv: Sequence[str],
    prepare: Callable[[Request], Prepared],
    run: Callable[[Prepared], None],
    preview: Callable[[Prepared], None],
    finish: Callable[[list[Prepared]], None] | None = None,
) -> None:
    """Composes, checks and prepares what `argv` requests, then runs what was prepared; with --dry-run, previews it.

    With -m all runs are prepared before the first begins, and `finish` is called after the last. Hydra's flags (--cfg,
    --help, -m, --config-dir) keep their meaning.
    """
    flags = read_flags(argv)
    check_words(flags.words)
    composer = composer_for(flags.config_dir)
    if composer.passed_over:
        warn(f"not read of {composer.config_dir}: {', '.join(composer.passed_over)}: options lie in groups")
    if "--help" in flags:
        print(help_text(command, flags.words, composer))
        return
    requests = _requests(command.name, flags, composer)
    if any(flag in flags for flag in ALONE):
        _show(command.name, flags, requests, composer)
        return
    prepared = [prepare(request) for request in requests]
    if "--dry-run" in flags or "--multirun" not in flags:
        for one in prepared:
            (preview if "--dry-run" in flags else run)(one)
        return
    from inceptionctl.config import multirun

    jobs = [partial(_run_job, command.name, r.overrides, composer.config_dir, prepare, run) for r in requests]
    outputs = absolute(str(requests[0].tree["outputs"]))
    multirun.launch(command.name, flags.words, jobs, composer, outputs)
    if finish:
        finish(prepared)


def _requests(command: str, flags: Flags, composer: Composer) -> list[Request]:
    """What each run asks for, without Hydra's settings."""
    if any(is_for_hydra(override) for override in parse(flags.words)):
        from inceptionctl.config import multirun

        single = "--multirun" not in flags and not any(flag in flags for flag in ALONE)
        multirun.check_hydra_words(command, flags.words, composer, single)
    runs = sweeps(flags.words, "--multirun" in flags, composer.groups(command))
    ours = [[word for word in words if not is_for_hydra(read(word))] for words in runs]
    return [Request.compose(command, words, composer) for words in ours]


def _show(command: str, flags: Flags, requests: Sequence[Request], composer: Composer) -> None:
    """What a flag prints instead of running, if the request is right."""
    from inceptionctl.config import multirun

    for request in requests:
        check_tree(command, request.tree)
    multirun.show(command, flags, flags.words, composer)


def _run_job(
    command: str, words: Sequence[str], config_dir: str | None,
    prepare: Callable[[Request], Prepared], run: Callable[[Prepared], None],
) -> None:  # fmt: skip
    """A job of -m, composed where it runs."""
    run(prepare(Request.compose(command, words, composer_for(config_dir))))
