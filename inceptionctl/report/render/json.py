"""The findings as JSON for programs, with full precision. Errors in percent."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inceptionctl.papers.records import PaperCell
from inceptionctl.report.cells import ResultCell
from inceptionctl.report.findings import Findings, MetricFigures, RowFinding, Rung
from inceptionctl.report.results import ResultTable

SCHEMA = 2  # 2: metrics, agreement, split of the spread, equivalence, looks, contributions, the declared plan
MANIFEST_FIELDS = (
    "title", "caption", "setting", "command", "metric", "also", "weights", "protocol", "comparable",
    "chance_error", "margin",
)  # fmt: skip
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
        "detectable": findings.detectable,
        "seeds": findings.seeds,
        "seed_variance": findings.seed_variance and asdict(findings.seed_variance),
        "confidence": findings.confidence,
        "look": findings.look and asdict(findings.look),
        "added": [asdict(one) for one in table.manifest.added],
        "contributions": [asdict(one) for one in findings.shapley],
        "declared": None if findings.declared is None else [asdict(one) for one in findings.declared],
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
        "rank_p": rung.rank_p,
        "equivalence_p": rung.equivalence and rung.equivalence.p,
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
        "metrics": [_metric(found) for found in measured.metrics] if measured else [],
        "seed_split": one.split and asdict(one.split),
        "agreement": one.against_paper and {**asdict(one.against_paper), "text": one.against_paper.text},
        "protocol": entry.protocol,
        "models": entry.models,
        "note": entry.note,
        "cells": [_cell(table, cell) for cell in one.row.cells],
    }


def _metric(found: MetricFigures) -> Object:
    return {
        "metric": str(found.metric),
        "unit": found.metric.unit,
        "values": list(found.values),
        "summary": found.summary and asdict(found.summary),
        "not_reached": found.not_reached,
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
    ends = {"before": rung.before.label, "after": rung.after.label, "null": rung.null}
    also = [{"metric": str(one.metric), **asdict(one)["difference"]} for one in rung.also if one.difference]
    return {**ends, **rung_fields(rung), "also": also}
