"""A comparison of any runs, written as a table of its own: everything that reports a table then reports it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.config.identity import digest_of
from inceptionctl.errors import InceptionctlError, RequestError, count, warn
from inceptionctl.planning.plan import full_cost
from inceptionctl.report.comparison.groups import Group, differences, groups_of
from inceptionctl.report.comparison.runs import WEIGHTS, ComparedRun, Way, runs_of
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.runs.records.table import COMPARISON, ManifestCell, ManifestRow, TableManifest
from inceptionctl.runs.settings import short_names, shown
from inceptionctl.tables.manifest import setting

FOLDER = "comparisons"  # below outputs
MOST_KEYS = 12  # that a caption lists with their values


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Runs that were evaluated in one way. `folder`: where its table lies; `said`: images and protocol."""

    folder: Path
    manifest: TableManifest
    said: str


def compare(paths: Sequence[Path], outputs: Path, only: Collection[tuple[str, str]] | None = None) -> list[Comparison]:
    """Writes the table of each way in which the runs were evaluated, the one with the most runs first: images and
    protocols are never mixed. `only`: image sets and protocols that count. The first group of runs is what the others
    are compared with. Raises RequestError if there is no run, and InceptionctlError if the tables cannot be written."""
    runs = runs_of(paths)
    by_way = {way: some for way, some in _by_way(runs).items() if not only or (way.image_set, way.protocol) in only}
    if len(by_way) > 1:
        ways = "; ".join(f"{count(len(members), 'run')}: {way.said}" for way, members in by_way.items())
        warn(f"the runs were evaluated in {len(by_way)} ways, a table each, which are never mixed ({ways})")
    name, found = _name(paths, runs), list[Comparison]()
    for way, members in by_way.items():
        end = f".{way.image_set}.{way.protocol}.{way.digest[:6]}" if len(by_way) > 1 else ""
        folder = outputs / FOLDER / f"{name}{end}"
        manifest = _manifest(way, members, paths, folder)
        _write(folder, manifest)
        found.append(Comparison(folder=folder, manifest=manifest, said=way.said))
    return found


def _by_way(runs: Sequence[ComparedRun]) -> dict[Way, list[ComparedRun]]:
    found: dict[Way, list[ComparedRun]] = {}
    for one in runs:
        for way in one.ways:
            found.setdefault(way, []).append(one)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def _name(paths: Sequence[Path], runs: Sequence[ComparedRun]) -> str:
    """Of the folder that was named; of several, a digest of their runs."""
    if len(paths) == 1:
        return os.path.basename(os.path.abspath(paths[0]))
    return digest_of(sorted(one.result.identity for one in runs))[:12]


def _manifest(way: Way, runs: Sequence[ComparedRun], paths: Sequence[Path], folder: Path) -> TableManifest:
    groups = groups_of(runs)
    classes = len(runs[0].result.classes)
    here = os.path.abspath(folder)
    return TableManifest(
        table=COMPARISON,
        mode="independent",
        title=f"Comparison of {count(len(runs), 'run')}",
        setting=setting([group.config for group in groups]),
        command=shlex.join(["inceptionctl", "report", *(os.path.abspath(path) for path in paths)]),
        metric="final",
        image_set=way.image_set,
        protocol=way.protocol,
        weights=WEIGHTS,
        comparable=False,
        chance_error=100.0 * (1 - 1 / classes) if classes else 100.0,
        quoted=[],
        rows=[_row(group, groups[0]) for group in groups],
        overrides=[],
        caption=_caption(groups),
        found_in=list(dict.fromkeys(os.path.relpath(os.path.abspath(one.place), here) for one in runs)),
    )


def _row(group: Group, first: Group) -> ManifestRow:
    result, full = group.runs[0].result, full_cost(group.config.arch)
    names = short_names(list({**first.settings, **group.settings}))
    changed = [key for key in names if first.settings.get(key, ...) != group.settings.get(key, ...)]
    note = ", ".join(f"{names[key]}={shown(group.settings[key])}" for key in changed if key in group.settings)
    return ManifestRow(
        label=group.name,
        paper=None,
        against=None if group is first else first.name,
        switch=None,
        params=result.params,
        macs=result.macs,
        full_params=full.params,
        full_macs=full.macs,
        tuned=str(group.config.tuned) if group.config.tuned else None,
        cells=[ManifestCell(seed=one.result.seed, identity=one.result.identity) for one in group.runs],
        note=note or None,
    )


def _caption(groups: Sequence[Group]) -> str:
    found = differences(groups)
    if not found:
        return "The runs differ in nothing but their seeds."
    listed = [f"{key.removesuffix('.name')} ({', '.join(values)})" for key, values in found.items()]
    more = f", and {len(listed) - MOST_KEYS} more" if len(listed) > MOST_KEYS else ""
    return f"The runs differ in {', '.join(listed[:MOST_KEYS])}{more}."


def _write(folder: Path, manifest: TableManifest) -> None:
    """Raises RequestError if the folder holds another table."""
    path = folder / MANIFEST
    if os.path.lexists(path) and not read_record(path, TableManifest).is_comparison:
        raise RequestError(f"{folder} holds a table: rename it, or compare by other folders")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InceptionctlError(f"cannot make {folder}: {error.strerror}") from error
    write_record(path, manifest)
