"""The lines below the table: the whole ladder, what could have been detected, and what is missing or doubtful."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from inceptionctl.errors import count
from inceptionctl.report.cells import ResultCell
from inceptionctl.report.declared import history
from inceptionctl.report.findings import Findings
from inceptionctl.report.format import change, signed, verdict
from inceptionctl.report.results import ResultRow, ResultTable
from inceptionctl.report.runs import InverseRms
from inceptionctl.report.statistics_notes import statistics_notes, unit
from inceptionctl.runs.exits import exit_status

UNCONVERGED = "*"
SAME = 0.05  # factors on the learning rate that differ by less count as equal


def footnotes(findings: Findings) -> list[str]:
    return [
        *overall(findings),
        resolution(findings),
        *statistics_notes(findings),
        *optimizers(findings),
        *history(findings),
        *caveats(findings),
    ]


def warnings(findings: Findings, paths_from: Path) -> list[str]:
    """Logs are named relative to `paths_from`."""
    return [
        *unconverged(findings),
        *learning(findings),
        *unfinished(findings.table, paths_from),
        *unreadable(findings.table),
        *scope(findings),
    ]


def overall(findings: Findings) -> list[str]:
    rung = findings.overall
    if rung is None or (rung.paper_change is None and rung.verdict is None):
        return []
    here = f"{change(rung)}, {verdict(rung)}" if rung.difference else verdict(rung)
    paper = "" if rung.paper_change is None else f"paper {signed(rung.paper_change)}, "
    return [f"{rung.after.label} against {rung.before.label}: {paper}here {here}"]


def resolution(findings: Findings) -> str:
    trained = [one for row, one in findings.measured if row.entry.models == 1]
    plateau = f"plateau: {sum(one.plateau for one in trained)} of {len(trained)} rows"
    if not findings.judged:
        return plateau
    rungs = f"resolved {findings.resolved} of {len(findings.judged)} rungs"
    smallest = "unknown" if findings.detectable is None else f"{findings.detectable:.1f} {unit(findings)}"
    power = f"smallest rung detectable at 80 % power: {smallest} (n = {findings.seeds})"
    return f"{rungs} · {power} · {plateau}"


def optimizers(findings: Findings) -> list[str]:
    """How far from momentum SGD each row with RMSProp was."""
    return _by_text((row, rmsprop(one.inverse_rms)) for row, one in findings.measured if one.inverse_rms)


def _by_text(notes: Iterable[tuple[ResultRow, str]]) -> list[str]:
    """A line for each note; rows with the same note share it."""
    labels: dict[str, list[str]] = {}
    for row, text in notes:
        labels.setdefault(text, []).append(row.label)
    return [f"{', '.join(rows)}: {text}." for text, rows in labels.items()]


def rmsprop(one: InverseRms) -> str:
    """98 % of the parameters' elements lie between the percentiles."""
    if one.p1 >= 1 - SAME and one.p99 <= 1 + SAME:
        return (
            "in the last epoch, RMSProp's 1/sqrt(v+eps) is 1 for all parameters (98 % within 5 %): it is momentum SGD"
        )
    if one.p99 <= (1 + SAME) * one.p1:
        return (
            "in the last epoch, RMSProp's 1/sqrt(v+eps) is the same for all parameters (98 % within 5 %): it is "
            f"momentum SGD at {one.mean:.3g} times the learning rate"
        )
    return (
        f"RMSProp adapts the learning rates: 1/sqrt(v+eps) differs {one.p99 / one.p1:.2g}-fold between the 1st and the "
        "99th percentile of the parameters in the last epoch"
    )


def caveats(findings: Findings) -> list[str]:
    table = findings.table
    paper = {one.label: one.caveat for one in table.quoted} | {row.label: row.printed.caveat for row in table.rows}
    first = {caveat: label for label, caveat in reversed(paper.items()) if caveat}  # each once, by its first row
    whose = "The paper's figures" if table.cumulative else "{}, as printed"
    lines = [f"{whose.format(label)}: {caveat}." for caveat, label in reversed(first.items())]
    lines += _by_text((row, row.entry.tuned) for row in table.rows if row.entry.tuned)
    if not findings.shows_top5:
        lines.append("Our top-5 error is left out: with so few classes, five guesses mean little.")
    return lines


def unconverged(findings: Findings) -> list[str]:
    if all(one.converged for _, one in findings.measured):
        return []
    rule, chance = findings.table.manifest.converged, findings.table.manifest.chance_error
    limit = "" if rule.error is None else f", its error is above {rule.error:g} %"
    return [
        f"{UNCONVERGED} not converged: a seed's error is not below guessing's {chance:.4g} % (p > {rule.chance_p:g})"
        f"{limit}, or its training loss fell by less than {100 * rule.loss_fall:g} %; rungs from or to this row are "
        "not judged."
    ]


def learning(findings: Findings) -> list[str]:
    labels = [row.label for row, one in findings.measured if not one.plateau]
    if not labels:
        return []
    what = "Differences" if findings.rungs else "Errors"
    return [f"Not on a plateau: {', '.join(labels)}. {what} show learning speed, not final accuracy."]


def unfinished(table: ResultTable, paths_from: Path) -> list[str]:
    """One line for each failed or damaged cell and one for all missing ones, with how to continue."""
    lines = [_failed(row, cell, paths_from) for row, cell in table.cells if cell.status == "failed"]
    lines += [_damaged(row, cell, paths_from) for row, cell in table.cells if cell.status == "damaged"]
    missing = [f"{row.label} seed {cell.seed}" for row, cell in table.cells if cell.status == "missing"]
    if missing:
        lines.append(f"Not run: {', '.join(missing)}.")
    if waiting := [f"{row.label} seed {cell.seed}" for row, cell in table.cells if cell.status == "not evaluated"]:
        lines.append(f"Trained but not evaluated as the row asks: {', '.join(waiting)}.")
    return [*lines, f"To continue, repeat the command: {table.manifest.command}"] if lines else []


def unreadable(table: ResultTable) -> list[str]:
    """The runs that left training images out or replaced them."""
    counts = [
        f"{count(cell.figures.unreadable, 'image')} of {row.label} seed {cell.seed}"
        for row, cell in table.cells
        if cell.figures and cell.figures.unreadable
    ]
    return [f"Training images that could not be read, by name in result.json: {', '.join(counts)}."] if counts else []


def scope(findings: Findings) -> list[str]:
    if findings.table.manifest.comparable:
        return []
    return ["This scale shows directions at most; it verifies no ImageNet figure."]


def relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _failed(row: ResultRow, cell: ResultCell, paths_from: Path) -> str:
    assert cell.run is not None, "it has failed"
    status = exit_status(cell.run)
    why = f": {status.message.splitlines()[0]}" if status and status.message else ""
    return f"Failed: {row.label} seed {cell.seed}{why}, log: {relative(cell.run.log(), paths_from)}"


def _damaged(row: ResultRow, cell: ResultCell, paths_from: Path) -> str:
    assert cell.run is not None, "it is damaged"
    reason = cell.reason.replace(str(cell.run.path), relative(cell.run.path, paths_from))
    return f"Damaged: {row.label} seed {cell.seed}: {reason}"
