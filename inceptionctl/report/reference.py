"""Tests a table's runs against the points of convergence that the program ships with.

A build, a machine or a change of the code passes if its runs do not learn more slowly than the reference runs did.
Learning faster fails as well, as in MLPerf's checker: then something that should be fixed is not what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from inceptionctl.errors import RequestError
from inceptionctl.report.metric_values import steps_to
from inceptionctl.report.results import ResultRow, ResultTable, read
from inceptionctl.report.statistics.acceptance import Acceptance, accept
from inceptionctl.report.statistics.multiple import holm
from inceptionctl.runs.io import read_record
from inceptionctl.runs.records.reference import Reference, ReferenceRow
from inceptionctl.runs.records.table import TableManifest

LEVEL = 0.05
SAME, SLOWER, FASTER = "as the reference", "slower", "faster than possible: check what changed"


@dataclass(frozen=True, kw_only=True)
class FigureCheck:
    """One figure of a row. `n`: runs of ours, and of the reference; p values after Holm's correction over the table."""

    name: str
    unit: str
    acceptance: Acceptance
    n: tuple[int, int]
    p_slower: float
    p_faster: float


@dataclass(frozen=True, kw_only=True)
class RowCheck:
    label: str
    figures: tuple[FigureCheck, ...]

    @property
    def verdict(self) -> str:
        if any(one.p_slower < LEVEL for one in self.figures):
            return SLOWER
        return FASTER if any(one.p_faster < LEVEL for one in self.figures) else SAME


@dataclass(frozen=True, kw_only=True)
class ReferenceCheck:
    """`untested`: rows of the table that have no finished run or no reference; `made`: of what the reference is."""

    table: str
    made: str
    rows: tuple[RowCheck, ...]
    untested: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether some row was tested, and all that were are as the reference."""
        return bool(self.rows) and all(row.verdict == SAME for row in self.rows)


def check(folder: Path, shipped: Path | None = None) -> ReferenceCheck:
    """Of the table in `folder`, against the reference that ships with the program, or lies in the folder `shipped`.
    Raises RequestError if there is none for this table and setting."""
    table = read(folder)
    reference = _matching(table.manifest, references(shipped))
    known = {one.label: one for one in reference.rows}
    pairs = [(row, known[row.label]) for row in table.rows if row.figures and _is_same(row, known.get(row.label))]
    tested = [(row.label, one) for row, other in pairs for one in _figures(row, other, reference)]
    return ReferenceCheck(
        table=table.manifest.table,
        made=f"{reference.command}, {reference.made}",
        rows=tuple(_corrected(tested)),
        untested=_untested(table, [row.label for row, _ in pairs]),
    )


def reference_lines(found: ReferenceCheck) -> list[str]:
    lines = [f"{row.label}: {row.verdict} ({'; '.join(map(_text, row.figures))})" for row in found.rows]
    if found.untested:
        lines.append(f"Not tested, for want of runs or of a reference: {', '.join(found.untested)}.")
    lines.append(f"The reference: {found.made}.")
    return [*lines, f"One-sided t tests of trimmed means to either side, {100 * LEVEL:g} % over all rows (Holm)."]


def references(folder: Path | None = None) -> list[Reference]:
    if folder is not None:
        return [read_record(path, Reference) for path in sorted(folder.glob("*.json"))]
    shipped = files("inceptionctl").joinpath("reference")
    if not shipped.is_dir():
        return []
    with as_file(shipped) as path:
        return references(path)


def _matching(manifest: TableManifest, known: Sequence[Reference]) -> Reference:
    asked = (manifest.table, manifest.setting, manifest.image_set, manifest.protocol, manifest.weights)
    for one in known:
        if (one.table, one.setting, one.image_set, one.protocol, one.weights) == asked:
            return one
    choices = "\n".join(f"  {one.table}: {one.setting} ({one.command})" for one in known) or "  none"
    raise RequestError(
        f"no reference for table {manifest.table} at this setting: {manifest.setting}, images {manifest.image_set}, "
        f"protocol {manifest.protocol}, {manifest.weights} weights\n  there are references for:\n{choices}"
    )


def _is_same(row: ResultRow, other: ReferenceRow | None) -> bool:
    return other is not None and (row.entry.params, row.entry.macs) == (other.params, other.macs)


def _figures(row: ResultRow, other: ReferenceRow, reference: Reference) -> Iterable[FigureCheck]:
    """Steps to the error, if every reference run reached it, and the final error. A run of ours that never reached it
    counts with its last step: it needs at least that many."""
    steps = [steps_to(one.curves, reference.error) or float(one.curves.eval_step.max()) for one in row.figures]
    known = [value for value in other.steps if value is not None]
    if len(known) == len(other.steps):
        yield _figure(f"steps to {reference.error:g} %", "", steps, known)
    errors = [one.curves.eval_error[-1] for one in row.figures]
    yield _figure("final error", " %", errors, [one[-1] for one in other.errors])


def _figure(name: str, unit: str, ours: Sequence[float], reference: Sequence[float]) -> FigureCheck:
    found = accept(ours, reference)
    counts = len(ours), len(reference)
    return FigureCheck(
        name=name, unit=unit, acceptance=found, n=counts, p_slower=found.p_larger, p_faster=found.p_smaller
    )


def _corrected(tested: Sequence[tuple[str, FigureCheck]]) -> Iterable[RowCheck]:
    """The figures by row, with p values corrected over all of them."""
    slower, faster = (holm([getattr(one, name) for _, one in tested]) for name in ("p_slower", "p_faster"))
    by_row: dict[str, list[FigureCheck]] = {}
    for (label, one), p_slower, p_faster in zip(tested, slower, faster, strict=True):
        fields = {**vars(one), "p_slower": p_slower, "p_faster": p_faster}
        by_row.setdefault(label, []).append(FigureCheck(**fields))
    return [RowCheck(label=label, figures=tuple(figures)) for label, figures in by_row.items()]


def _untested(table: ResultTable, tested: Sequence[str]) -> tuple[str, ...]:
    return tuple(row.label for row in table.rows if row.label not in tested)


def _text(one: FigureCheck) -> str:
    p = min(one.p_slower, one.p_faster)
    ours, reference = one.acceptance.ours, one.acceptance.reference
    return (
        f"{one.name} {ours:.4g}{one.unit} against {reference:.4g}{one.unit}, n = {one.n[0]} and {one.n[1]}, p = {p:.3f}"
    )
