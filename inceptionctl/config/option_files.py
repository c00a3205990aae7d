"""The files of options, read once for all that a command composes, such as the rows of a table."""

from __future__ import annotations

import copy
from typing import Any

from hydra._internal.config_repository import ConfigRepository
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult

from inceptionctl.config.own_folder import SCHEME


class OptionFiles(ConfigRepository):
    """Hydra copies its repository for each composition and reads every file anew; this one stays the same, and gives a
    copy of what it has read, into which Hydra merges the rest. `ours`: where all but the user's own files are read."""

    def __init__(self, search_path: ConfigSearchPath, ours: OptionFiles | None = None) -> None:
        super().__init__(search_path)
        self._read: dict[str, ConfigResult | None] = {}
        self._ours = ours

    def load_config(self, config_path: str) -> ConfigResult | None:
        if self._ours and not self._is_own(config_path):
            return self._ours.load_config(config_path)
        if config_path not in self._read:
            self._read[config_path] = super().load_config(config_path)
        return copy.deepcopy(self._read[config_path])

    def _is_own(self, config_path: str) -> bool:
        source = self._find_object_source(config_path, ObjectType.CONFIG)
        return source is not None and source.scheme() == SCHEME

    def __deepcopy__(self, memo: dict[int, Any]) -> OptionFiles:
        """Hydra's copy is for a search path of its own, hydra.searchpath, which is refused."""
        return self
