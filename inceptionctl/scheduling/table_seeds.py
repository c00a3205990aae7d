"""The seeds that a table is planned with, and which of them joined it after a report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from inceptionctl.config.table_settings import Asked
from inceptionctl.errors import RequestError
from inceptionctl.runs.records.table import SeedsAdded, TableManifest
from inceptionctl.tables.table import seeds_of

REPORT = "report.json"
NULL_OFFSET = 1000  # from the seeds of the first row to those of the A/A row


def planned_seeds(asked: Asked, requested: Any, before: TableManifest | None, folder: Path) -> list[int]:  # noqa: ANN401
    """`requested`: what was composed for seeds=; `before`: the manifest in the table's folder."""
    settings = asked.settings
    if settings.until:
        assert settings.max_seeds is not None, "checked with the settings"
        return seeds_of(settings.max_seeds)
    if asked.more_seeds is None:
        return seeds_of(requested)
    if before is None:
        more = asked.more_seeds
        raise RequestError(f"seeds=+{more} adds to the seeds of a table, and {folder} has none yet: give seeds={more}")
    have = seeds_in(before)
    return seeds_of(sorted([*have, *range(max(have) + 1, max(have) + 1 + asked.more_seeds)]))


def check_seeds(asked: Asked, requested: Any) -> None:  # noqa: ANN401
    """Raises RequestError for seeds that no table has, which needs none of its rows."""
    if not asked.settings.until and asked.more_seeds is None:
        seeds_of(requested)


def seeds_in(manifest: TableManifest) -> list[int]:
    """Those of all rows but the A/A row's."""
    return sorted({cell.seed for row in manifest.rows if row.label != manifest.null for cell in row.cells})


def null_seeds(seeds: Sequence[int]) -> list[int]:
    """Those of the A/A row. Raises RequestError if the first row has one of them."""
    found = [seed + NULL_OFFSET for seed in seeds]
    if shared := sorted({*found} & {*seeds}):
        raise RequestError(
            f"null=true: the A/A row takes the seeds {NULL_OFFSET:,} above the others, and {shared[0]} is among these"
        )
    return found


def seeds_added(before: TableManifest, now: TableManifest, folder: Path) -> list[SeedsAdded]:
    """What `before` says, and the seeds that `now` has in addition, if there was a report to look at. Looks that were
    declared beforehand need no mention."""
    new = [seed for seed in seeds_in(now) if seed not in seeds_in(before)]
    if not new or now.looks is not None or not os.path.lexists(folder / REPORT):
        return before.added
    return [*before.added, SeedsAdded(seeds=new, at=utc_now())]


def utc_now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
