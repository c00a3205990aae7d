"""The lines below the table: the whole ladder, how much could be seen, and what is not as it should be."""

from __future__ import annotations

import os
from pathlib import Path

from inceptionctl.report.findings import Findings
from inceptionctl.report.format import change, signed, verdict
from inceptionctl.report.results import Cell, Row, Table
from inceptionctl.report.runs import InverseRms

UNCONVERGED = "*"
SAME = 0.05  # factors on the rate that differ by less are taken for one


def notes(findings: Findings) -> list[str]:
    return [*overall(findings), resolution(findings), *optimizers(findings), *caveats(findings)]


def warnings(findings: Findings, paths_from: Path) -> list[str]:
    """Logs are named relative to `paths_from`."""
    return [*unconverged(findings), *learning(findings), *unfinished(findings.table, paths_from), *scope(findings)]


def overall(findings: Findings) -> list[str]:
    rung = findings.overall
    if rung is None:
        return []
    here = f"{change(rung)}, {verdict(rung)}" if rung.difference else verdict(rung)
    return [f"{rung.after.label} against {rung.before.label}: paper {signed(rung.paper_change)}, here {here}"]


def resolution(findings: Findings) -> str:
    plateau = sum(one.plateau for _, one in findings.measured)
    settled = f"plateau: {plateau} of {len(findings.measured)} rows"
    if not findings.rungs:
        return settled
    rungs = f"resolved {findings.resolved} of {len(findings.rungs)} rungs"
    smallest = "unknown" if findings.detectable is None else f"{findings.detectable:.1f} points"
    power = f"smallest rung detectable at 80 % power: {smallest} (seeds only, n = {findings.seeds})"
    return f"{rungs} · {power} · {settled}"


def optimizers(findings: Findings) -> list[str]:
    """What RMSProp came to in each row that used it; rows of which the same is true share a line."""
    said: dict[str, list[str]] = {}
    for row, one in findings.measured:
        if one.inverse_rms:
            said.setdefault(rmsprop(one.inverse_rms), []).append(row.label)
    return [f"{', '.join(labels)}: {words}." for words, labels in said.items()]


def rmsprop(one: InverseRms) -> str:
    """98 % of the elements of the parameters lie between the percentiles."""
    if one.p1 >= 1 - SAME and one.p99 <= 1 + SAME:
        return (
            "by its last epoch, RMSProp's 1/sqrt(v+eps) is 1 all over (98 % within 5 %): momentum SGD in all but name"
        )
    if one.p99 <= (1 + SAME) * one.p1:
        return (
            "by its last epoch, RMSProp's 1/sqrt(v+eps) is the same all over (98 % within 5 %): "
            f"momentum SGD at {one.mean:.3g} times the rate"
        )
    return (
        f"RMSProp adapts the rates: 1/sqrt(v+eps) differs {one.p99 / one.p1:.2g}-fold between the 1st and the 99th "
        "percentile of the parameters in the last epoch"
    )


def caveats(findings: Findings) -> list[str]:
    table = findings.table
    paper = {one.label: one.caveat for one in table.quoted} | {row.label: row.printed.caveat for row in table.rows}
    first = {caveat: label for label, caveat in reversed(paper.items()) if caveat}  # each once, by its first row
    whose = "The paper's figures" if table.cumulative else "{}, where it was printed"
    lines = [f"{whose.format(label)}: {caveat}." for caveat, label in reversed(first.items())]
    if not findings.shows_top5:
        lines.append("Top-5 error of ours is left out: five guesses among so few classes mean little.")
    return lines


def unconverged(findings: Findings) -> list[str]:
    if all(one.converged for _, one in findings.measured):
        return []
    limit = f"{findings.table.chance_error / 2:g} %"
    judged = "no rung from or to it is judged"
    return [f"{UNCONVERGED} not converged: a seed's error is above {limit}, half of what guessing gives; {judged}."]


def learning(findings: Findings) -> list[str]:
    names = [row.label for row, one in findings.measured if not one.plateau]
    if not names:
        return []
    what = "rungs" if findings.rungs else "errors"
    return [f"Not on a plateau: {', '.join(names)}. Their {what} speak of learning speed, not of final accuracy."]


def unfinished(table: Table, paths_from: Path) -> list[str]:
    """One line for each failed cell and one for all missing ones, with how to go on."""
    lines = [_failed(row, cell, paths_from) for row, cell in table.cells if cell.status == "failed"]
    missing = [f"{row.label} seed {cell.seed}" for row, cell in table.cells if cell.status == "missing"]
    if missing:
        lines.append(f"Not run: {', '.join(missing)}.")
    return [*lines, f"To go on, the same command again: {table.command}"] if lines else []


def scope(findings: Findings) -> list[str]:
    return [] if findings.table.comparable else ["This scale shows directions at most; it verifies no ImageNet figure."]


def relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _failed(row: Row, cell: Cell, paths_from: Path) -> str:
    log = f", log: {relative(cell.run.log(), paths_from)}" if cell.run else ""
    return f"Failed: {row.label} seed {cell.seed}{log}"
