"""config.yaml: the resolved settings of a run."""

from __future__ import annotations

import os
from dataclasses import asdict

import yaml

from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse_frozen
from inceptionctl.errors import RequestError
from inceptionctl.files import FileError
from inceptionctl.runs.damage import check_kinds
from inceptionctl.runs.io import RecordError, write_text
from inceptionctl.runs.paths import RunDir
from inceptionctl.yaml_files import read_yaml


def write_config(run: RunDir, config: Config) -> None:
    header = "# The resolved settings of this run. Do not edit: start another run instead.\n"
    write_text(run.config, header + yaml.safe_dump(asdict(config), sort_keys=False))


def read_config(run: RunDir) -> Config:
    """Raises RequestError if the folder is not a run's, is damaged, or has settings that this version does not know."""
    if not os.path.lexists(run.config):
        raise RequestError(f"{run.path} is not a run folder: it has no config.yaml")
    try:
        check_kinds(run)
        tree = read_yaml(run.config)
        if not isinstance(tree, dict) or not all(isinstance(key, str) for key in tree):
            raise RecordError(f"{run.config} is damaged: it is no mapping of settings")
    except FileError as error:
        raise RequestError(str(error)) from error
    try:
        return parse_frozen(tree)
    except RequestError as error:
        raise RequestError(f"{run.config} cannot be read: {error}") from error
