"""A folder of the user's own options, `--config-dir DIR`: `DIR/optim/mine.yaml` is optim=mine.

Hydra reads it through `OwnOptions`, so that each file is read by our strict reader, and what is wrong is named with its
file: a key that no setting has, a value that its setting does not take, a missing package line, a cycle.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf
from pydantic import TypeAdapter, ValidationError

from inceptionctl.config.hints import unknown_setting
from inceptionctl.config.keys import flatten, key_paths, settings_of
from inceptionctl.config.values import values_of, written
from inceptionctl.errors import RequestError
from inceptionctl.files import FileError, read_text, read_yaml

SCHEME = "own"
GLOBAL = "_global_"
RECIPES = ("ablation", "experiment", "scale", "tuned")  # groups without a section: an option sets anything
OUR_FILES = ("ablate.yaml", "base.yaml", "train.yaml")
OF_TABLES = ("table", "papers")  # checked by who reads them
MOST_FILES, MOST_INCLUDES = 10_000, 100
GROUPS_AND_TABLE = ("seeds", "table.name")
EXAMPLE = "such as optim/mine.yaml"
PACKAGE = re.compile(r"\s*#\s*@package\s+(\S+)\s*")
RESOLVER = re.compile(r"\$\{[^{}]*:")


class OwnOptions(ConfigSource):
    """The options in a folder, for Hydra."""

    @staticmethod
    def scheme() -> str:
        return SCHEME

    def load_config(self, config_path: str) -> ConfigResult:
        document, package = read_option(self._file(config_path), config_path.removesuffix(".yaml"))
        _check_includes(self.path, config_path.removesuffix(".yaml"))
        return ConfigResult(
            config=OmegaConf.create(document),
            path=self.full_path(),
            provider=self.provider,
            header={"package": package},
        )

    def available(self) -> bool:
        return True

    def is_group(self, config_path: str) -> bool:
        return Path(self.path, config_path).is_dir()

    def is_config(self, config_path: str) -> bool:
        """Whatever has the name of an option is one: a FIFO, a folder or a broken link is named when it is read."""
        return os.path.lexists(self._file(config_path))

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        found = list[str]()
        for name in _names(Path(self.path, config_path)):
            if results_filter is not ObjectType.CONFIG and self.is_group(f"{config_path}/{name}".lstrip("/")):
                found.append(name)
            elif results_filter is not ObjectType.GROUP and name.endswith(".yaml"):
                found.append(name.removesuffix(".yaml"))
        return sorted({*found})

    def _file(self, config_path: str) -> Path:
        return Path(self.path, self._normalize_file_name(config_path))


SourcesRegistry.instance().register(OwnOptions)


def check_folder(folder: Path, ours: Mapping[str, Sequence[str]]) -> None:
    """Raises RequestError for a folder without options of our groups, `ours`, and for a file that would replace one of
    ours or would never be read."""
    if not folder.is_dir():
        what = "is not a folder" if os.path.lexists(folder) else "does not exist"
        raise RequestError(f"--config-dir {folder} {what}: it holds options of your own, {EXAMPLE}")
    names = _names(folder)
    if "hydra" in names:
        raise RequestError(f"{folder / 'hydra'}: a folder of settings may not change Hydra's own, which can run code")
    if taken := [name for name in names if name in OUR_FILES]:
        raise RequestError(f"{folder / taken[0]} has the name of a file of ours: options lie in groups, {EXAMPLE}")
    groups = [name for name in ("papers", *ours) if (folder / name).is_dir()]
    if not groups:
        raise RequestError(f"--config-dir {folder} holds no options: they lie in groups, {EXAMPLE}")
    for group in groups:
        _check_group(folder / group, ours.get(group, ()))


def passed_over(folder: Path, ours: Mapping[str, Sequence[str]]) -> list[str]:
    """What holds YAML in a folder that `check_folder` allows, and is in no group."""
    return [name for name in _names(folder) if name not in ("papers", *ours) and _holds_yaml(folder / name)]


def _holds_yaml(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    if path.is_dir():
        return any(name.endswith((".yaml", ".yml")) for name in _names(path))
    return path.suffix in (".yaml", ".yml")


def _check_group(folder: Path, ours: Sequence[str]) -> None:
    for name in _names(folder):
        stem, suffix = os.path.splitext(name)
        if suffix.lower() in (".yml", ".yaml") and suffix != ".yaml":
            raise RequestError(f"{folder / name} is not read: rename it to {stem}.yaml")
        if suffix == ".yaml" and stem in ours:
            raise RequestError(f"{folder / name} has the name of an option of ours: rename it")


def _names(folder: Path) -> list[str]:
    """Raises RequestError for a folder that cannot be listed, or of very many files."""
    names = list[str]()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) > MOST_FILES:
                    raise RequestError(f"{folder} holds more than {MOST_FILES:,} files: it is no folder of options")
    except OSError as error:
        raise RequestError(f"{folder} cannot be listed: {error.strerror}") from error
    return sorted(names)


def read_option(path: Path, config_path: str) -> tuple[dict[str, Any], str | None]:
    """The document of an option's file, and the package that its first lines name. Raises RequestError that names the
    file."""
    group = config_path.rpartition("/")[0]
    try:
        document, package = read_yaml(path), _package(path)
    except FileError as error:
        raise RequestError(str(error)) from error
    if document is None:
        raise RequestError(f"{path} is empty: an option without settings is written {{}}")
    if not isinstance(document, dict):
        raise RequestError(f"{path} holds no settings: they are written key: value")
    if group in RECIPES and package != GLOBAL:
        raise RequestError(f"{path} lacks its first line, # @package {GLOBAL}: its settings would be below {group}")
    if package not in (None, GLOBAL, group.replace("/", ".")):
        raise RequestError(f"{path} has the package {package}: # @package {GLOBAL}, or none for settings of {group}")
    _check_defaults(path, document)
    if group not in OF_TABLES and "/" not in group:
        prefix = "" if package == GLOBAL else f"{group}."
        passed_over = ("defaults", "tuned") if group == "tuned" else ("defaults",)
        check_settings(path, {key: value for key, value in document.items() if key not in passed_over}, prefix)
    return document, package


def _package(path: Path) -> str | None:
    """What `# @package` names among the comments at the top of a file; to Hydra, on the first lines alone."""
    for line in read_text(path).splitlines():
        if found := PACKAGE.fullmatch(line):
            return found[1]
        if line.strip() and not line.lstrip().startswith("#"):
            break
    return None


def _check_defaults(path: Path, document: Mapping[str, Any]) -> None:
    entries = document.get("defaults", [])
    if not isinstance(entries, list):
        raise RequestError(f"{path}: defaults is a list, such as [rmsprop]")
    for entry in entries:
        single = isinstance(entry, dict) and len(entry) == 1
        if not (isinstance(entry, str) or (single and all(_is_choice(value) for value in entry.values()))):
            raise RequestError(f"{path}: {entry} in defaults is neither an option nor group: option")


def _is_choice(value: object) -> bool:
    options = value if isinstance(value, list) else [value]
    return all(option is None or isinstance(option, str) for option in options)


def check_settings(path: Path, tree: Mapping[str, Any], prefix: str) -> None:
    """Raises RequestError for a key below `prefix` that no setting has, and for a value that its setting does not
    take."""
    known = key_paths()
    for key, value in flatten(tree, prefix).items():
        if key.partition(".")[0] == "hydra":
            raise RequestError(f"{path}: a folder of settings may not change Hydra's own, which can run code: {key}")
        if key == "name":
            raise RequestError(f"{path}: name has no effect in a file of settings: give it on the command line")
        inner = next((k for k in known if key.startswith(f"{k}.") and _is_mapping(k)), key)
        if inner not in known:
            raise RequestError(f"{path}: {unknown_setting(key, known)}")
        _check_value(path, inner, value if inner == key else ...)


def _is_mapping(key: str) -> bool:
    return any("mapping" in values_of(s.kind) for s in settings_of() if s.key == key and not s.is_section)


def _check_value(path: Path, key: str, value: object) -> None:
    """A value may suit one of the options that have its key."""
    if isinstance(value, str) and "${" in value:
        if RESOLVER.search(value):
            raise RequestError(f"{path}: {key} = {value} would put what it finds into the run folder: write the value")
        named = re.findall(r"\$\{(\w[\w.]*)\}", value)
        if unknown := [name for name in named if name not in key_paths() and name not in GROUPS_AND_TABLE]:
            raise RequestError(f"{path}: {key} = {value}: there is no setting {unknown[0]}")
        return
    settings = [setting for setting in settings_of() if setting.key == key]
    if any(setting.is_section for setting in settings):
        raise RequestError(f"{path}: {key} = {written(value)} is not allowed: it is a section of settings")
    kinds = [setting.kind for setting in settings]
    if value is None or value is ... or any(_suits(value, kind) for kind in kinds):
        return
    takes = " or ".join(dict.fromkeys(values_of(kind) for kind in kinds))
    quotes = ", in quotes here" if "text" in takes and not isinstance(value, dict | list) else ""
    raise RequestError(f"{path}: {key} = {written(value)} is not allowed: it takes {takes}{quotes}")


def _suits(value: object, kind: Any) -> bool:  # noqa: ANN401  a type expression
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


def _check_includes(root: str, config_path: str) -> None:
    """Raises RequestError if the defaults of a file lead back to it, or to more files than anybody writes."""
    seen = 0

    def walk(path: str, above: tuple[str, ...]) -> None:
        nonlocal seen
        seen += 1
        if path in above:
            cycle = " -> ".join(f"{step}.yaml" for step in (*above[above.index(path) :], path))
            raise RequestError(f"{Path(root, path)}.yaml: its defaults lead back to itself: {cycle}")
        if seen > MOST_INCLUDES:
            raise RequestError(f"{Path(root, config_path)}.yaml: its defaults name more than {MOST_INCLUDES:,} files")
        for inner in _included(root, path):
            walk(inner, (*above, path))

    walk(config_path, ())


def _included(root: str, path: str) -> Iterator[str]:
    """The files of the same folder that the defaults of `path` name."""
    file = Path(root, f"{path}.yaml")
    if not os.path.lexists(file):
        return
    document, _ = read_option(file, path)
    for entry in document.get("defaults", []):
        for group, options in [("", entry)] if isinstance(entry, str) else list(entry.items()):
            for option in options if isinstance(options, list) else [options]:
                if option and option != "_self_":
                    yield _place(path, group, option)


def _place(path: str, group: str, option: str) -> str:
    """`optim/mine` for an entry of a file in `optim`; a group that begins with / stands for itself."""
    group, option = group.split(" ")[-1].partition("@")[0], option.partition("@")[0]
    named = f"{group}/{option}" if group else option
    return named.lstrip("/") if named.startswith("/") else f"{path.rpartition('/')[0]}/{named}".lstrip("/")
