"""Holds a report against what was declared before the runs, and says which seeds came after a look."""

from __future__ import annotations

from collections.abc import Iterator

from inceptionctl.errors import count
from inceptionctl.report.findings import Declared, Findings, Rung
from inceptionctl.report.verdicts import NOT_CONVERGED
from inceptionctl.runs.records.declared import DeclaredPlan, Expectation
from inceptionctl.runs.records.table import TableManifest

DIRECTIONS = ("lower", "higher")
NOT_RUN = "not run"


def check(findings: Findings, plan: DeclaredPlan) -> tuple[Declared, ...]:
    """A line for the seeds, the metric, the margin, and each comparison of which a direction was expected."""
    manifest = findings.table.manifest
    seeds = sorted({cell.seed for row in manifest.rows if row.label != manifest.null for cell in row.cells})
    return (
        _of("seeds", _listed(sorted(plan.seeds)), _listed(seeds)),
        _of("metric", plan.metric, manifest.metric),
        _of("margin", _points(plan.margin), _points(manifest.margin)),
        *(_of_rung(one, one.direction, findings) for one in plan.expected if one.direction),
    )


def history(findings: Findings) -> list[str]:
    """What a reader must know of how the table came about: the plan, seeds that were added after a report, and learning
    rates that were chosen."""
    manifest, plan = findings.table.manifest, findings.table.plan
    lines = [*_added(manifest), *_rates(manifest)]
    if plan is None or findings.declared is None:
        return lines
    when = f"{count(plan.done, 'cell')} of {plan.cells} finished" if plan.done else "no cell finished"
    lines.append(f"Declared on {plan.at}, with {when}: {'; '.join(map(_line, findings.declared))}.")
    if plan.done:
        lines.append("The plan was written after cells had finished: it is no declaration beforehand for these.")
    return lines


def _line(one: Declared) -> str:
    found = "as declared" if one.holds else f"found {one.found}"
    return f"{one.what} {one.expected}: {found}"


def _added(manifest: TableManifest) -> Iterator[str]:
    for one in manifest.added:
        noun = "seed" if len(one.seeds) == 1 else "seeds"
        yield f"{noun.capitalize()} {_listed(one.seeds)} added on {one.at} after looking at a report."


def _rates(manifest: TableManifest) -> Iterator[str]:
    chosen = [row for row in manifest.rows if row.lr is not None]
    if chosen:
        edge = {False: "", True: " (at the edge of the grid: a rate beyond it may be better)"}
        rates = ", ".join(f"{row.label} {row.lr:g}{edge[row.lr_at_edge]}" for row in chosen)
        grid = ", ".join(f"{lr:g}" for lr in manifest.lr_grid)
        yield f"Learning rate of each row by the dev split, of {grid}: {rates}."


def _of(what: str, expected: str, found: str) -> Declared:
    return Declared(what=what, expected=expected, found=found, holds=expected == found)


def _of_rung(one: Expectation, expected: str, findings: Findings) -> Declared:
    rung = next((r for r in findings.rungs if (r.before.label, r.after.label) == (one.before, one.after)), None)
    found = _direction(rung)
    holds = found not in (*DIRECTIONS, NOT_CONVERGED, NOT_RUN) if expected == "equal" else found == expected
    return Declared(what=f"{one.after} against {one.before}", expected=expected, found=found, holds=holds)


def _direction(rung: Rung | None) -> str:
    """Of a change that is resolved; otherwise the verdict."""
    if rung is None or rung.verdict is None:
        return NOT_RUN
    if not rung.difference or not (rung.resolved or rung.null):
        return rung.verdict
    if not rung.difference.excludes_0:
        return rung.verdict
    return "higher" if rung.difference.change > 0 else "lower"


def _listed(seeds: list[int]) -> str:
    return ", ".join(map(str, seeds))


def _points(margin: float | None) -> str:
    return "none" if margin is None else f"{margin:g}"
