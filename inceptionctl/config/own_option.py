"""One file of the user's own options: its package line and its defaults; that settings exist and take its values."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from inceptionctl.config.hints import unknown_setting
from inceptionctl.config.keys import flatten, key_paths, settings_of
from inceptionctl.config.values import values_of, written
from inceptionctl.errors import RequestError
from inceptionctl.files import FileError, read_bytes, read_text
from inceptionctl.yaml_files import read_yaml

GLOBAL = "_global_"
RECIPES = ("ablation", "experiment", "scale", "tuned")  # groups without a section: an option sets anything
OF_TABLES = ("table", "papers")  # checked by who reads them
GROUPS_AND_TABLE = ("seeds", "table.name")
PACKAGE = re.compile(r"\s*#\s*@package\s+(\S+)\s*")
RESOLVER = re.compile(r"\$\{[^{}]*:")


def read_option(path: Path, config_path: str) -> tuple[dict[str, Any], str | None]:
    """The document of an option's file, and the package that its first lines name. Raises RequestError that names the
    file."""
    group = config_path.rpartition("/")[0]
    try:
        if read_bytes(path).startswith(BOM_UTF8):  # Hydra then reads no package line
            raise RequestError(f"{path} begins with a byte order mark: save it as UTF-8 without BOM")
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
