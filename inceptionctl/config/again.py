"""The command that asks for the same again, from any folder."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import get_args

from inceptionctl.config.keys import flatten, settings_of
from inceptionctl.config.overrides import parse
from inceptionctl.config.schema import Config
from inceptionctl.settings import AbsolutePath

PLACES = ("outputs", "run_dir")  # relative to the folder that the command is given in


def command_again(command: str, words: Sequence[str], config: Config, config_dir: str | None) -> str:
    """`inceptionctl COMMAND WORDS` in the shell's own notation, with every path absolute: that of the user's folder of
    settings, the folder of all runs, and what `words` name of files."""
    folder = ["--config-dir", str(Path(config_dir).absolute())] if config_dir else []
    paths = absolute_paths(config)
    kept = [paths.get(override.key_or_group, override.input_line or "") for override in parse(words)]
    place = paths["outputs"]
    return shlex.join(["inceptionctl", command, *folder, *kept, *([] if place in kept else [place])])


def absolute_paths(config: Config) -> dict[str, str]:
    """The word for every setting that holds a path, by its key."""
    values = flatten(asdict(config))
    keys = {setting.key for setting in settings_of() if AbsolutePath in (setting.kind, *get_args(setting.kind))}
    found = {key: values[key] for key in keys if isinstance(values.get(key), str)}
    found |= {key: str(Path(values[key]).absolute()) for key in PLACES if values[key]}
    if config.weights and Path(config.weights).expanduser().is_file():
        found["weights"] = str(Path(config.weights).expanduser().absolute())
    return {key: f"{key}={path}" for key, path in found.items()}
