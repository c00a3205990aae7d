"""Training steps per second of a table's rows in relation to its first, beside the paper's."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from inceptionctl.papers.records import paper_cell
from inceptionctl.runs.records.speed import SpeedRecord, SpeedRow


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Of a row's steps per second to the first row's: median and quartiles over the repeats, since a machine that does
    something else meanwhile slows single ones down by far; `paper`: the ratio that the paper's figures have."""

    label: str
    median: float
    low: float
    high: float
    paper: float | None


def ratios(record: SpeedRecord) -> list[Ratio]:
    """Of every row but the first. Each repeat has a ratio of its own: its blocks stood side by side."""
    first, *others = record.rows
    return [_ratio(first, row) for row in others]


def lines(record: SpeedRecord) -> Iterator[str]:
    yield f"{record.table}: {record.setting}, {record.environment.device}"
    for row in record.rows:
        rates = row.steps_per_second
        low, median, high = statistics.quantiles(rates, method="inclusive")
        yield f"  {row.label}: {median:.3f} [{low:.3f}, {high:.3f}] steps/s"
    for ratio in ratios(record):
        beside = "" if ratio.paper is None else f"; paper {ratio.paper:.3f}"
        found = f"{ratio.median:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
        yield f"  {ratio.label} / {record.rows[0].label}: {found}{beside}"
    repeats = len(record.rows[0].steps_per_second)
    clock = "time of the process" if record.clock == "process" else "time on the wall"
    yield f"  median [quartiles] of {repeats} repeats of {record.steps} steps, the networks in turn"
    yield f"  {clock}, images of noise"


def _ratio(first: SpeedRow, row: SpeedRow) -> Ratio:
    found = [ours / theirs for ours, theirs in zip(row.steps_per_second, first.steps_per_second, strict=True)]
    printed = [paper_cell(one.paper).steps_per_second if one.paper else None for one in (row, first)]
    paper = printed[0] / printed[1] if printed[0] and printed[1] else None
    low, median, high = statistics.quantiles(found, method="inclusive")
    return Ratio(label=row.label, median=median, low=low, high=high, paper=paper)
