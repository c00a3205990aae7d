"""A configuration in its run folder: written once, read by whoever works on the run."""

from __future__ import annotations

from dataclasses import asdict

import yaml

from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.runs.io import write_text
from inceptionctl.runs.paths import RunDir


def write_config(run: RunDir, config: Config) -> None:
    header = "# Frozen: what this run is. Change nothing here; start another run instead.\n"
    write_text(run.config, header + yaml.safe_dump(asdict(config), sort_keys=False))


def read_config(run: RunDir) -> Config:
    """Raises RequestError for a folder that is no run's, or whose settings this version does not know."""
    if not run.config.is_file():
        raise RequestError(f"{run.path} is not a run folder: it has no config.yaml")
    _check_links(run)
    try:
        return parse(yaml.safe_load(run.config.read_text()))
    except (yaml.YAMLError, RequestError) as error:
        raise RequestError(f"{run.config} cannot be read: {error}") from error


def _check_links(run: RunDir) -> None:
    """Work on a folder from a stranger must not write, through a link in it, to what is none of its business."""
    for path in (*run.path.iterdir(), *run.log().parent.glob("*")):
        if path.is_symlink():
            raise RequestError(f"{run.path} is not to be trusted: {path.relative_to(run.path)} in it is a link")
