"""A folder of the user's own options, `--config-dir DIR`: `DIR/optim/mine.yaml` is optim=mine.

Hydra reads it through `OwnOptions`, so that each file is read by our strict reader, and what is wrong is named with its
file: a key that no setting has, a value that its setting does not take, a missing package line, a cycle.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf

from inceptionctl.config.own_option import read_option
from inceptionctl.errors import RequestError

SCHEME = "own"
OUR_FILES = ("ablate.yaml", "base.yaml", "train.yaml")
MOST_FILES, MOST_INCLUDES = 10_000, 100
EXAMPLE = "such as optim/mine.yaml"


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
