"""The findings as JSON for programs, with full precision. Errors in percent."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inceptionctl.papers.records import PaperCell
from inceptionctl.report.cells import ResultCell
from inceptionctl.report.findings import Findings, RowFinding, Rung
from inceptionctl.report.results import ResultTable

SCHEMA = 1
MANIFEST_FIELDS = ("title", "setting", "command", "metric", "weights", "protocol", "comparable", "chance_error")
Object = dict[str, Any]


def as_json(findings: Findings) -> str:
    return json.dumps(document(findings), indent=2, allow_nan=False) + "\n"


def document(findings: Findings) -> Object:
    table = findings.table
    return {
        "schema": SCHEMA,
        "table": table.manifest.table,
        **{field: getattr(table.manifest, field) for field in MANIFEST_FIELDS},
        "quoted": [_printed(one) for one in table.quoted],
        "rows": [_row(table, one, top5=findings.shows_top5) for one in findings.rows],
        "rungs": [_rung(one) for one in findings.rungs],
        "overall": findings.overall and _rung(findings.overall),
        "resolved": findings.resolved,
        "detectable_points": findings.detectable,
        "seeds": findings.seeds,
        "overrides": [asdict(one) for one in table.manifest.overrides],
    }


def rung_fields(rung: Rung) -> Object:
    """The figures of a rung, for the CSV as well."""
    difference = rung.difference
    return {
        "paper_change": rung.paper_change,
        "change": difference and difference.change,
        "change_low": difference and difference.low,
        "change_high": difference and difference.high,
        "one_seed": difference and difference.one_seed,
        "verdict": rung.verdict,
        "welch_p": rung.welch_p,
        "holm_p": rung.holm_p,
    }


def _printed(one: PaperCell) -> Object:
    return {
        "cell": one.id,
        "label": one.label,
        "top1_error": one.top1_error,
        "top5_error": one.top5_error,
        "cost_billion": one.cost_billion,
        "n_images": one.n_images,
    }


def _row(table: ResultTable, one: RowFinding, *, top5: bool) -> Object:
    entry, measured = one.row.entry, one.measured
    return {
        "label": entry.label,
        "switch": entry.switch,
        "paper": _printed(one.row.printed),
        "params": entry.params,
        "macs": entry.macs,
        "full_params": entry.full_params,
        "full_macs": entry.full_macs,
        "top1_error": one.top1 and asdict(one.top1),
        "top5_error": asdict(one.top5) if one.top5 and top5 else None,
        f"top1_error_{table.other_weights}": one.other and asdict(one.other),
        "converged": measured and measured.converged,
        "plateau": measured and measured.plateau,
        "inverse_rms": one.inverse_rms and asdict(one.inverse_rms),
        "cells": [_cell(table, cell) for cell in one.row.cells],
    }


def _cell(table: ResultTable, cell: ResultCell) -> Object:
    return {
        "seed": cell.seed,
        "status": cell.status,
        "run": cell.run and Path(os.path.relpath(cell.run.path, table.folder / "..")).as_posix(),
        "top1_error": cell.figures and cell.figures.top1_error,
        f"top1_error_{table.other_weights}": cell.figures and cell.figures.other_error,
    }


def _rung(rung: Rung) -> Object:
    return {"before": rung.before.label, "after": rung.after.label, **rung_fields(rung)}
