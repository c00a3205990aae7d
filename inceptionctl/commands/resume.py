"""`inceptionctl resume RUN_DIR`: goes on where the last whole checkpoint of a run is.

With other ranks, threads or workers (launch.nproc=2, data.workers=4) it sees the same pictures in the same batches,
but does not end to the same bits.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from inceptionctl.commands.train import train_one
from inceptionctl.config.compose import compose
from inceptionctl.config.schema import Config, Local, Slurm
from inceptionctl.config.validate import IRRELEVANT, identity, key_paths, matches, parse, unknown_setting
from inceptionctl.errors import RequestError
from inceptionctl.planning.plan import plan
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.paths import RunDir
from inceptionctl.scheduling.cells import with_default_nproc


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="inceptionctl resume", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    parser.add_argument("settings", nargs="*", metavar="key=value", help="how it is worked on from here")
    arguments = parser.parse_args(argv)
    run = RunDir(arguments.run)
    if not run.path.is_dir():
        raise RequestError(f"{run.path} is not a folder")
    config = changed(read_config(run), arguments.settings)
    console = Console()
    if run.finished:
        console.print(f"{run.path} is finished: nothing to resume", soft_wrap=True)
        return 0
    made = plan(replace(config, run_dir=str(run.path), rerun=False))
    if config.data.fingerprint != made.config.data.fingerprint:
        raise RequestError(f"the pictures of {run.path} have changed since it began: {made.data.origin}")
    made = with_default_nproc(made) if isinstance(made.config.launch, Local) else made
    train_one(f"{config.arch.name} seed {config.seed}", made, console)
    return 0


def _launch(config: Config, words: Sequence[str]) -> dict[str, Any]:
    """As before, or by another way. How a run was submitted is never taken from its folder: that can name commands."""
    ways = _of_another_launch(words)
    if not ways and isinstance(config.launch, Slurm):
        raise RequestError("it was run by Slurm: say launch=slurm, with its settings, or launch=local")
    before = asdict(config.launch)
    if not ways:
        return before
    named = {word.partition("=")[0] for word in ways}
    kept = {
        key: before[key] for key in ("accumulation_steps", "threads") if f"launch.{key}" not in named and before[key]
    }
    return dict(compose("train", ways)["launch"]) | kept


def _of_another_launch(words: Sequence[str]) -> list[str]:
    """`launch=slurm` and what follows of its settings."""
    named = any(word.startswith("launch=") for word in words)
    return [word for word in words if named and word.startswith(("launch=", "launch."))]


def changed(config: Config, words: Sequence[str]) -> Config:
    """`config` with the settings that `words` change. Raises RequestError for one that the result depends on."""
    tree: dict[str, Any] = asdict(config) | {"launch": _launch(config, words)}
    for word in words:
        if word in _of_another_launch(words):
            continue
        key, equals, value = word.partition("=")
        if not equals or key not in set(key_paths()):
            raise unknown_setting(key, set(key_paths()), word)
        if not matches(key, IRRELEVANT):
            raise RequestError(f"{word} would make another run of it: resume changes only {', '.join(IRRELEVANT)}")
        *groups, leaf = key.split(".")
        section = tree
        for group in groups:
            section = section[group]
        section[leaf] = yaml.safe_load(value)
    found = parse(tree)
    assert identity(found) == identity(config), "nothing else may change"
    return found
