"""The command that asks for the same again, from any folder."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict

from inceptionctl.config.keys import flatten, path_keys
from inceptionctl.config.overrides import parse
from inceptionctl.config.schema import Config


def command_again(command: str, words: Sequence[str], config: Config, config_dir: str | None) -> str:
    """`inceptionctl COMMAND WORDS` in the shell's own notation, with every path absolute: that of the user's folder of
    settings, the folder of all runs, and what `words` name of files."""
    folder = ["--config-dir", config_dir] if config_dir else []
    paths = absolute_paths(config)
    kept = [paths.get(override.key_or_group, override.input_line or "") for override in parse(words)]
    place = paths["outputs"]
    return shlex.join(["inceptionctl", command, *folder, *kept, *([] if place in kept else [place])])


def absolute_paths(config: Config) -> dict[str, str]:
    """The word for every setting that holds a path, by its key."""
    values = flatten(asdict(config))
    return {key: f"{key}={values[key]}" for key in path_keys() if isinstance(values.get(key), str)}
