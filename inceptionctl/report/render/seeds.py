"""seeds.csv: a line for each cell, so that others can compute what they like."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from inceptionctl.report.findings import Findings, RowFinding
from inceptionctl.report.footnotes import relative
from inceptionctl.tables.metric import Metric


def seeds_csv(findings: Findings) -> str:
    """Errors in percent, with full precision; empty where a cell has no value. Run folders are relative to the
    table's."""
    others = findings.table.other_weights
    metrics = next(([one.metric for one in found.metrics] for _, found in findings.measured), [findings.metric])
    further = [metric for metric in metrics if metric.name != "final"]
    fields = ["row", "seed", "status", "run", "top1_error", "top5_error", f"top1_error_{others}", *map(str, further)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(fields)
    for one in findings.rows:
        writer.writerows(_lines(findings, one, further))
    return out.getvalue()


def _lines(findings: Findings, one: RowFinding, further: list[Metric]) -> Iterator[list[object]]:
    """The values of a metric are those of the cells that are done, in their order."""
    done = 0
    for cell in one.row.cells:
        line: list[object] = [one.row.label, cell.seed, cell.status]
        line.append(relative(cell.run.path, findings.table.folder) if cell.run else None)
        if cell.figures is None or one.measured is None:
            yield [*line, *[None] * (3 + len(further))]
            continue
        figures = cell.figures
        values = {found.metric: found.values[done] for found in one.measured.metrics}
        yield [
            *line,
            figures.top1_error,
            figures.top5_error,
            figures.other_error,
            *(values[metric] for metric in further),
        ]
        done += 1
