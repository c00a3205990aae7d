"""Composes the settings of a command with Hydra: groups and overrides become one resolved tree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override, OverrideType
from hydra.core.utils import setup_globals
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from inceptionctl.config import own_folder
from inceptionctl.config.keys import SCHEMAS, flatten, key_paths
from inceptionctl.config.option_files import OptionFiles
from inceptionctl.config.overrides import axis, check_overrides, is_for_hydra, parse
from inceptionctl.config.safety import check_commands, check_hydra_settings
from inceptionctl.config.table_settings import own_settings
from inceptionctl.config.tuned import NOT_TUNED, tuned_values
from inceptionctl.config.words import for_hydra, read, typed_path
from inceptionctl.errors import RequestError
from inceptionctl.models.settings import NO_REWRITES

# The switches of the networks, so that a new one is a function and no line of YAML.
ConfigStore.instance().store(name="rewrites", group="arch/base", node=NO_REWRITES)

CONFIG_MODULE = "inceptionctl.conf"
NO_GROUPS = ("hydra", "papers")  # folders beside the groups: Hydra's settings, and figures of one's own papers
# What a command has beside the settings of a run, and what it is.
OWN_SETTINGS: dict[str, dict[str, str]] = {
    "train": {},
    "ablate": own_settings(),
    "eval": {},
}
OF_EVALUATIONS = ("arch", "data", "launch", "protocol")  # groups
Tree = dict[str, Any]


class Composer:
    """Composes from our groups and those of the user's own folder, if `config_dir` names one."""

    def __init__(self, config_dir: str | None = None) -> None:
        self.config_dir = _checked(config_dir) if config_dir is not None else None

    @property
    def passed_over(self) -> list[str]:
        """YAML files and folders of `config_dir` that are no options."""
        return own_folder.passed_over(Path(self.config_dir), _our_options()) if self.config_dir else []

    def compose(self, command: str, overrides: Sequence[str]) -> Tree:
        """The resolved tree of one run. Raises RequestError for a key, a group or an option that does not exist."""
        config = self.compose_config(command, overrides)
        with request_errors():
            tree = resolved(config)
            if "tuned" in tree:
                tree["tuned"] = tuned_values(config, self.load(command, [*_untuned(overrides), NOT_TUNED]))
        check_commands(tree, overrides)
        return tree

    def compose_config(self, command: str, overrides: Sequence[str]) -> DictConfig:
        """The same before its interpolations are resolved, with Hydra's own settings."""
        check_overrides(overrides, self.groups(command), {*key_paths(SCHEMAS[command]), *OWN_SETTINGS[command]})
        config = self.load(command, overrides)
        if self.config_dir:
            check_hydra_settings(_ours_of_hydra(command, *_for_hydra(overrides)), _of_hydra(config))
        return config

    def groups(self, command: str) -> dict[str, list[str]]:
        """The options of every group of `command`."""
        if command == "eval":
            return {name: self._groups[name] for name in OF_EVALUATIONS}
        return {name: options for name, options in self._groups.items() if name != "table" or command == "ablate"}

    def settings_in(self, group: str, option: str) -> Tree:
        """What the file of an option sets itself, by key: not what its defaults do."""
        found = self._files.load_config(f"{group}/{option}")
        tree = OmegaConf.to_container(found.config) if found else {}
        return flatten({str(key): value for key, value in tree.items()}) if isinstance(tree, dict) else {}

    def load(self, command: str, overrides: Sequence[str]) -> DictConfig:
        """What Hydra composes, its own settings included; nothing is checked."""
        words = [self._forced(override) for override in parse(overrides)]
        with request_errors(self.config_dir):
            return self._loader.load_configuration(command, words, RunMode.RUN, from_shell=False)

    def hydra_words(self, command: str, overrides: Sequence[str]) -> list[str]:
        """The same words for Hydra itself, the values of each sweep listed."""
        words = list[str]()
        for override in parse(overrides):
            values = [self._forced(read(word)) for word in axis(override, self.groups(command)) if word]
            words.append(",".join([values[0], *(value.partition("=")[2] for value in values[1:])]))
        return words

    def _forced(self, override: Override) -> str:
        """`++key=value` for `key=value`: a key that the chosen option does not have is refused when the settings are
        validated, which names the option that has it."""
        line, is_choice = for_hydra(override), override.key_or_group in self._groups
        if override.type is not OverrideType.CHANGE or is_for_hydra(override):
            return line
        return line if is_choice and not isinstance(override.value(), dict) else f"++{line}"

    @cached_property
    def _groups(self) -> dict[str, list[str]]:
        options = self._files.get_group_options  # the loader's own method copies all of Hydra's schemas
        return {name: options(name) for name in options("", ObjectType.GROUP) if name not in NO_GROUPS}

    @cached_property
    def _loader(self) -> ConfigLoaderImpl:
        version.setbase("1.3")
        setup_globals()
        loader = ConfigLoaderImpl(self.search_path)
        loader.repository = self._files
        return loader

    @cached_property
    def _files(self) -> OptionFiles:
        return OptionFiles(self.search_path, _ours()._files if self.config_dir else None)

    @property
    def search_path(self) -> ConfigSearchPath:
        """Where Hydra finds the groups."""
        found = create_config_search_path(f"pkg://{CONFIG_MODULE}")
        if self.config_dir:
            found.prepend("command-line", f"{own_folder.SCHEME}://{self.config_dir}", anchor="schema")
        return found


@cache
def _ours() -> Composer:
    return Composer()


def composer_for(config_dir: str | None) -> Composer:
    """A new one where the user's own files may have changed; else that of this process, which has read ours."""
    return Composer(config_dir) if config_dir is not None else _ours()


def compose(command: str, overrides: Sequence[str]) -> Tree:
    """`Composer.compose` from our groups alone."""
    return _ours().compose(command, overrides)


def groups(command: str) -> dict[str, list[str]]:
    """`Composer.groups` of our groups alone."""
    return _ours().groups(command)


def resolved(config: DictConfig) -> Tree:
    """`config` as a plain tree without interpolations and without Hydra's own settings."""
    ours = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    tree = OmegaConf.to_container(ours, resolve=True)
    assert isinstance(tree, dict)
    return {str(key): value for key, value in tree.items()}


def _untuned(overrides: Sequence[str]) -> list[str]:
    return [o.input_line for o in parse(overrides) if o.input_line and o.key_or_group != "tuned"]


def _for_hydra(overrides: Sequence[str]) -> list[str]:
    return [override.input_line or "" for override in parse(overrides) if is_for_hydra(override)]


@cache
def _ours_of_hydra(command: str, *words: str) -> Tree:
    """Hydra's own settings without a folder of the user's own."""
    return _of_hydra(_ours().load(command, words))


def _of_hydra(config: DictConfig) -> Tree:
    """Hydra's own settings, with their interpolations."""
    tree = OmegaConf.to_container(config.hydra)
    assert isinstance(tree, dict)
    return {str(key): value for key, value in tree.items()}


def _our_options() -> dict[str, list[str]]:
    """Of every group, those that other options alone name included."""
    composer = _ours()
    return composer._groups | {"arch/base": composer._files.get_group_options("arch/base")}


def _checked(config_dir: str) -> str:
    """The folder of --config-dir in full."""
    folder = typed_path("--config-dir", config_dir)
    own_folder.check_folder(Path(folder), _our_options())
    return folder


@contextmanager
def request_errors(config_dir: str | None = None) -> Iterator[None]:
    """Turns what Hydra refuses to compose into a RequestError, with the file of `config_dir` that it lies in."""
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise RequestError(_in_words(str(error), config_dir)) from error
    except RecursionError as error:
        raise RequestError("the settings cannot be composed: some name each other in a circle") from error


def _in_words(text: str, config_dir: str | None) -> str:
    message, _, rest = text.partition("\n    full_key: ")
    key, message = rest.partition("\n")[0], " ".join(message.partition("Config search path:")[0].split())
    option = re.match(r"In '([^']+)'", message)
    file = Path(config_dir or "", f"{option[1]}.yaml") if option else Path()
    return f"{f'{file}: ' if config_dir and file.is_file() else ''}{f'{key}: ' if key else ''}{message}"
