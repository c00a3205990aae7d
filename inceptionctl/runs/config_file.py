"""config.yaml: the resolved settings of a run."""

from __future__ import annotations

from dataclasses import asdict

import yaml

from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse_frozen
from inceptionctl.errors import RequestError
from inceptionctl.runs.io import write_text
from inceptionctl.runs.paths import RunDir


def write_config(run: RunDir, config: Config) -> None:
    header = "# The resolved settings of this run. Do not edit: start another run instead.\n"
    write_text(run.config, header + yaml.safe_dump(asdict(config), sort_keys=False))


def read_config(run: RunDir) -> Config:
    """Raises RequestError if the folder is not a run's, or if this version does not know its settings."""
    if not run.config.is_file():
        raise RequestError(f"{run.path} is not a run folder: it has no config.yaml")
    _check_links(run)
    try:
        return parse_frozen(yaml.safe_load(run.config.read_text()))
    except (yaml.YAMLError, RequestError) as error:
        raise RequestError(f"{run.config} cannot be read: {error}") from error


def _check_links(run: RunDir) -> None:
    """A folder from a stranger may hold links, through which a run would write to files outside it."""
    for path in (*run.path.iterdir(), *run.log().parent.glob("*")):
        if path.is_symlink():
            raise RequestError(f"{run.path} cannot be trusted: {path.relative_to(run.path)} in it is a link")
