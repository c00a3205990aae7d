"""Runs the cells of a table on this machine: all of them, or until every comparison is resolved."""

from __future__ import annotations

from rich.console import Console

from inceptionctl.errors import Interrupted, count
from inceptionctl.report.find import find
from inceptionctl.report.findings import Findings
from inceptionctl.report.results import read
from inceptionctl.report.statistics.sequential import Look, planned
from inceptionctl.scheduling.run import run_plans
from inceptionctl.scheduling.table_evaluations import evaluate_cells
from inceptionctl.scheduling.table_folder import manifest_in
from inceptionctl.scheduling.table_manifest import write_manifest
from inceptionctl.scheduling.table_plan import TablePlan
from inceptionctl.scheduling.table_seeds import seeds_in


def run_cells(plan: TablePlan, console: Console) -> dict[str, int]:
    """Writes the manifest, runs what is not finished, and evaluates what the cells need beside: exit codes by label."""
    write_manifest(plan)
    to_run = plan.to_run()
    codes = run_plans(to_run, console) if to_run else {}
    return codes if Interrupted.exit_code in codes.values() else codes | evaluate_cells(plan, console)


def run_until_resolved(plan: TablePlan, console: Console) -> dict[str, int]:
    """Runs the seeds in equal groups and looks after each; stops when every comparison is resolved by an interval that
    allows for all the looks, or when a cell failed. A folder that has seeds already goes on with the look they are
    for."""
    codes: dict[str, int] = {}
    for look in due(plan):
        codes |= run_cells(plan.first_seeds(look.seeds), console)
        if any(codes.values()):
            break
        findings = find(read(plan.folder))
        console.print(look_line(look, findings))
        if is_resolved(findings):
            break
    return codes


def due(plan: TablePlan) -> list[Look]:
    """The looks that have not been passed."""
    design, before = plan.design, manifest_in(plan.folder)
    assert design.looks is not None, "the caller has checked"
    assert design.max_seeds is not None, "checked with the settings"
    have = len(seeds_in(before)) if before else 0
    return [look for look in planned(design.looks, design.max_seeds) if look.seeds >= have]


def is_resolved(findings: Findings) -> bool:
    return all(rung.resolved for rung in findings.judged)


def look_line(look: Look, findings: Findings) -> str:
    rungs = findings.judged
    left = [f"{rung.after.label} ({rung.verdict or 'not run'})" for rung in rungs if not rung.resolved]
    last = look.number == look.of
    end = "all are: stopping" if not left else f"{'left' if last else 'not yet'}: {', '.join(left)}"
    return (
        f"look {look.number} of {look.of}, {count(look.seeds, 'seed')} of each row, intervals at "
        f"{100 * look.confidence:.4g} %: {len(rungs) - len(left)} of {len(rungs)} comparisons resolved; {end}"
    )
