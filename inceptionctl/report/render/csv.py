"""The findings as CSV for spreadsheets, with full precision. Errors in percent."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import Any

from inceptionctl.papers.records import PaperCell
from inceptionctl.report.findings import Findings, RowFinding, Rung
from inceptionctl.report.render.json import rung_fields
from inceptionctl.report.statistics.summary import Summary

Line = dict[str, Any]


def as_csv(findings: Findings) -> str:
    """A line for each quoted row, for each row and, last, for the last row against the first; missing values are
    empty."""
    lines = [{"kind": "quoted", **_paper(one)} for one in findings.table.quoted]
    lines += [_row(one, findings.rung(one.row), findings) for one in findings.rows]
    if findings.overall:
        label = f"{findings.overall.after.label} against {findings.overall.before.label}"
        lines.append({"kind": "overall", "label": label, **rung_fields(findings.overall)})
    fields = list(dict.fromkeys(field for line in lines for field in line))
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def _paper(one: PaperCell) -> Line:
    figures = {"top1_error": one.top1_error, "top5_error": one.top5_error, "cost_billion": one.cost_billion}
    return {"label": one.label, "cell": one.id, **{f"paper_{key}": value for key, value in figures.items()}}


def _row(one: RowFinding, rung: Rung | None, findings: Findings) -> Line:
    row, measured, others = one.row, one.measured, findings.table.other_weights
    line = {"kind": "row", **_paper(row.printed), "label": row.label}
    line |= _summary("top1_error", one.top1)
    for found in measured.metrics if measured else ():
        if found.metric.name != "final":
            line |= _summary(str(found.metric), found.summary) | {f"{found.metric}_not_reached": found.not_reached}
    line |= _summary(f"top1_error_{others}", one.other)
    if findings.shows_top5:
        line |= _summary("top5_error", one.top5)
    line |= rung_fields(rung) if rung else {}
    if one.split:
        line |= {"seed_sd_test_set": one.split.test_set, "seed_sd_networks": one.split.networks}
    line |= {"agreement": one.against_paper.text} if one.against_paper else {}
    line |= {"converged": measured and measured.converged, "plateau": measured and measured.plateau}
    line |= {f"inv_rms_{field}": value for field, value in asdict(one.inverse_rms).items()} if one.inverse_rms else {}
    return line | {field: getattr(row.entry, field) for field in ("macs", "full_macs", "params", "full_params")}


def _summary(name: str, one: Summary | None) -> Line:
    return {f"{name}_{field}": one and getattr(one, field) for field in ("mean", "sd", "n", "low", "high")}
