"""Where a table is written, so that an error names the file and the line."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from inceptionctl.config.compose import CONFIG_MODULE
from inceptionctl.errors import RequestError
from inceptionctl.files import FileError
from inceptionctl.yaml_files import line_of

Key = str | int


@dataclass(frozen=True)
class TableSource:
    """The file of the table that was chosen by its `name`; None: nobody knows."""

    name: str
    path: Path | None = None

    @classmethod
    def find(cls, name: str, config_dir: str | None) -> TableSource:
        """The user's folder goes before ours, as in Hydra."""
        folders = [*([Path(config_dir).absolute()] if config_dir else []), Path(str(files(CONFIG_MODULE)))]
        found = (folder / "table" / f"{name}.yaml" for folder in folders)
        return cls(name, next((path for path in found if path.exists()), None))

    def error(self, keys: tuple[Key, ...], problem: str) -> RequestError:
        """The error about the value under `keys`, such as ("rows", 2, "set", 0)."""
        return RequestError(f"{self.at(keys)}: {problem}")

    def at(self, keys: tuple[Key, ...]) -> str:
        if self.path is None:
            return f"table {self.name}"
        try:
            return f"{self.path}, line {line_of(self.path, keys)}"
        except FileError:
            return str(self.path)
