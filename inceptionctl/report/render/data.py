"""The findings as data with full precision: JSON for programs, CSV for spreadsheets. Errors in percent."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import Any

from inceptionctl.papers.records import Printed
from inceptionctl.report.findings import Finding, Findings, Rung
from inceptionctl.report.results import Cell, Table
from inceptionctl.report.statistics import Summary

Record = dict[str, Any]

TABLE_FIELDS = ("title", "setting", "command", "metric", "weights", "protocol", "comparable", "chance_error")


def as_json(findings: Findings) -> str:
    return json.dumps(record(findings), indent=2, allow_nan=False) + "\n"


def record(findings: Findings) -> Record:
    table = findings.table
    return {
        "table": table.name,
        **{field: getattr(table, field) for field in TABLE_FIELDS},
        "quoted": [_printed(one) for one in table.quoted],
        "rows": [_row(table, one, top5=findings.shows_top5) for one in findings.rows],
        "rungs": [_rung(one) for one in findings.rungs],
        "overall": findings.overall and _rung(findings.overall),
        "resolved": findings.resolved,
        "detectable_points": findings.detectable,
        "seeds": findings.seeds,
        "overrides": [asdict(one) for one in table.overrides],
    }


def as_csv(findings: Findings) -> str:
    """One line per quoted row, per row and, last, for the last row against the first; what there is not stays empty."""
    lines = [{"kind": "quoted", **_flat_paper(one)} for one in findings.table.quoted]
    lines += [_flat_row(one, findings.rung(one.row), findings) for one in findings.rows]
    if findings.overall:
        label = f"{findings.overall.after.label} against {findings.overall.before.label}"
        lines.append({"kind": "overall", "label": label, **_flat_rung(findings.overall)})
    fields = list(dict.fromkeys(field for line in lines for field in line))
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def _printed(one: Printed) -> Record:
    return {
        "cell": one.id,
        "label": one.label,
        "top1_error": one.top1_error,
        "top5_error": one.top5_error,
        "cost_billion": one.cost_billion,
        "n_images": one.n_images,
    }


def _row(table: Table, one: Finding, *, top5: bool) -> Record:
    row, measured = one.row, one.measured
    return {
        "label": row.label,
        "switch": row.switch,
        "paper": _printed(row.printed),
        "params": row.params,
        "macs": row.macs,
        "full_params": row.full_params,
        "full_macs": row.full_macs,
        "top1_error": one.top1 and asdict(one.top1),
        "top5_error": asdict(one.top5) if one.top5 and top5 else None,
        f"top1_error_{table.other_weights}": one.other and asdict(one.other),
        "converged": measured and measured.converged,
        "plateau": measured and measured.plateau,
        "inverse_rms": one.inverse_rms and asdict(one.inverse_rms),
        "cells": [_cell(table, cell) for cell in row.cells],
    }


def _cell(table: Table, cell: Cell) -> Record:
    return {
        "seed": cell.seed,
        "status": cell.status,
        "run": cell.run and cell.run.path.relative_to(table.folder.parent).as_posix(),
        "top1_error": cell.outcome and cell.outcome.top1_error,
        f"top1_error_{table.other_weights}": cell.outcome and cell.outcome.other_error,
    }


def _rung(rung: Rung) -> Record:
    return {"before": rung.before.label, "after": rung.after.label, **_flat_rung(rung)}


def _flat_rung(rung: Rung) -> Record:
    known = rung.difference
    return {
        "paper_change": rung.paper_change,
        "change": known and known.change,
        "change_low": known and known.low,
        "change_high": known and known.high,
        "seeds_resampled": known and known.seeds_resampled,
        "verdict": rung.verdict,
        "welch_p": rung.welch_p,
        "holm_p": rung.holm_p,
    }


def _flat_paper(one: Printed) -> Record:
    figures = {"top1_error": one.top1_error, "top5_error": one.top5_error, "cost_billion": one.cost_billion}
    return {"label": one.label, "cell": one.id, **{f"paper_{key}": value for key, value in figures.items()}}


def _flat_row(one: Finding, rung: Rung | None, findings: Findings) -> Record:
    row, measured, others = one.row, one.measured, findings.table.other_weights
    line = {"kind": "row", **_flat_paper(row.printed), "label": row.label}
    line |= _flat_summary("top1_error", one.top1)
    line |= _flat_summary(f"top1_error_{others}", one.other)
    if findings.shows_top5:
        line |= _flat_summary("top5_error", one.top5)
    line |= _flat_rung(rung) if rung else {}
    line |= {"converged": measured and measured.converged, "plateau": measured and measured.plateau}
    line |= {f"inv_rms_{field}": value for field, value in asdict(one.inverse_rms).items()} if one.inverse_rms else {}
    return line | {field: getattr(row, field) for field in ("macs", "full_macs", "params", "full_params")}


def _flat_summary(name: str, one: Summary | None) -> Record:
    return {f"{name}_{field}": one and getattr(one, field) for field in ("mean", "sd", "n", "low", "high")}
