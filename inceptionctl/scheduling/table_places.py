"""The folders beside a table's own in which its cells are looked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from inceptionctl.config.table_settings import Asked
from inceptionctl.errors import RequestError
from inceptionctl.runs.records.table import TableManifest


def found_in(asked: Asked, before: TableManifest | None, folder: Path) -> tuple[str, ...]:
    """Those that were typed, and those that the table in `folder` has already, in full. Raises RequestError for one
    that is not there."""
    typed = [os.path.abspath(place) for place in asked.settings.found_in]
    if missing := next((place for place in typed if not os.path.isdir(place)), None):
        raise RequestError(f"found_in: there is no folder {missing}")
    known = [os.path.normpath(folder.absolute() / place) for place in before.found_in] if before else []
    return tuple(dict.fromkeys([*known, *typed]))


def as_seen_from(folder: Path, places: Sequence[str]) -> list[str]:
    """As a manifest keeps them: a table may be moved together with them."""
    return [os.path.relpath(place, folder.absolute()) for place in places]
