"""Computes what a table's runs show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from inceptionctl.report.compare import Basis, compare
from inceptionctl.report.contributions import contributions
from inceptionctl.report.declared import check
from inceptionctl.report.findings import Findings, RowFinding, Rung
from inceptionctl.report.measure import measure, metrics_of
from inceptionctl.report.pairing import share_a_run
from inceptionctl.report.results import ResultTable, compared_rows
from inceptionctl.report.runs import Floats
from inceptionctl.report.statistics.change import satterthwaite
from inceptionctl.report.statistics.images import wrong_by_group
from inceptionctl.report.statistics.multiple import holm
from inceptionctl.report.statistics.power import detectable
from inceptionctl.report.statistics.prediction import AgainstPaper, against_paper, last_digit
from inceptionctl.report.statistics.sequential import Look, look_at, planned
from inceptionctl.report.statistics.split import split
from inceptionctl.report.statistics.summary import CONFIDENCE
from inceptionctl.report.statistics.variance import SeedVariance, own_variance, seed_effect, seed_variance
from inceptionctl.runs.records.table import TableManifest


def find(table: ResultTable) -> Findings:
    measured = [RowFinding(row=row, measured=measure(row, table.manifest)) for row in table.rows]
    seeds = min((one.top1.n for one in judged(measured) if one.top1), default=0)
    look = _look(table)
    basis = _basis(table, measured, look.confidence if look else CONFIDENCE)
    rows = tuple(_with_spread(one, basis, table.manifest) for one in measured)
    rungs = _rungs(rows, basis)
    variance = basis.main_variance
    ladder = [one for one in rows if not one.row.entry.standalone]
    findings = Findings(
        table=table,
        rows=rows,
        rungs=rungs,
        overall=compare(ladder[0], ladder[-1], basis) if table.cumulative and len(ladder) > 1 else None,
        seeds=seeds,
        detectable=_detectable(variance, seeds, rungs, basis.confidence),
        metric=metrics_of(table.manifest)[0],
        seed_variance=variance,
        confidence=basis.confidence,
        look=look,
        shapley=contributions(table, rows, basis),
    )
    return replace(findings, declared=check(findings, table.plan) if table.plan else None)


def judged(rows: Sequence[RowFinding]) -> list[RowFinding]:
    """Rows that may be compared."""
    return [one for one in rows if one.measured and one.measured.converged]


def _look(table: ResultTable) -> Look | None:
    """The one that the finished seeds of every row allow."""
    looks, most = table.manifest.looks, table.manifest.max_seeds
    if looks is None or most is None:
        return None
    return look_at(planned(looks, most), min((len(row.figures) for row in table.rows if row.figures), default=0))


def _basis(table: ResultTable, rows: Sequence[RowFinding], confidence: float) -> Basis:
    counts: dict[str, Floats] = {}
    sizes_G = None
    for row in table.rows:
        if row.figures:
            group_N = row.figures[0].predictions.group_N
            correct = [one.predictions.correct_N for one in row.figures]
            counts[row.label], sizes_G = wrong_by_group(correct, group_N)
    metrics, names = metrics_of(table.manifest), compared_rows(table.manifest.mode, table.manifest.rows)
    pooled = [one for one in rows if one.row.label in names]
    return Basis(
        metric=str(metrics[0]),
        variances={str(metric): _pooled(pooled, place) for place, metric in enumerate(metrics)},
        counts=counts,
        sizes_G=sizes_G,
        confidence=confidence,
        margin=table.manifest.margin,
        null=table.manifest.null,
    )


def _pooled(rows: Sequence[RowFinding], metric: int) -> SeedVariance | None:
    """Over rows of single networks that share no run with a row before: the same runs would count twice."""
    pooled: list[RowFinding] = []
    for one in judged(rows):
        again = any(share_a_run(one.row, other.row) for other in pooled)
        if one.row.entry.models == 1 and not again:
            pooled.append(one)
    values = [_by_seed(one, metric) for one in pooled]
    found = seed_variance([list(one.values()) for one in values])
    same = all(one.keys() == values[0].keys() for one in values)
    effect = seed_effect([[one[seed] for seed in values[0]] for one in values]) if found and same else None
    return found and replace(found, effect=effect)


def _by_seed(one: RowFinding, metric: int) -> dict[int, float]:
    """A row's values of a metric; none unless every run has one."""
    figures = one.measured.metrics[metric] if one.measured else None
    if figures is None or figures.summary is None:
        return {}
    seeds = [cell.seed for cell in one.row.cells if cell.figures]
    return {seed: value for seed, value in zip(seeds, figures.values, strict=True) if value is not None}


def _with_spread(one: RowFinding, basis: Basis, manifest: TableManifest) -> RowFinding:
    counts = basis.counts.get(one.row.label)
    if counts is None or basis.sizes_G is None:
        return one
    values = [figures.top1_error for figures in one.row.figures]
    parts = split(values, counts, basis.sizes_G)
    return replace(one, split=parts, against_paper=_against_paper(one, basis, manifest))


def _against_paper(one: RowFinding, basis: Basis, manifest: TableManifest) -> AgainstPaper | None:
    printed, top1, main = one.row.printed, one.top1, one.main
    comparable = manifest.comparable and main is not None and main.metric.name == "final" and one in judged([one])
    if not comparable or top1 is None or printed.top1_error is None:
        return None
    variance = basis.variance("final", one.row)
    own = own_variance([figures.top1_error for figures in one.row.figures])
    seeds = (variance.variance, variance.df) if variance and variance.pooled else own
    if seeds is None:
        return None
    unit, images = last_digit(printed.top1_error), len(one.row.figures[0].predictions.label_N)
    return against_paper(top1.mean, top1.n, seeds, printed.top1_error, unit=unit, images=(images, printed.n_images))


def _rungs(rows: Sequence[RowFinding], basis: Basis) -> tuple[Rung, ...]:
    by_label = {one.row.label: one for one in rows}
    rungs = [compare(by_label[one.row.against], one, basis) for one in rows if one.row.against]
    corrected = holm([None if rung.null else _p(rung) for rung in rungs])
    return tuple(replace(rung, holm_p=p) for rung, p in zip(rungs, corrected, strict=True))


def _p(rung: Rung) -> float | None:
    return rung.welch_p if rung.rank_p is None else rung.rank_p


def _detectable(variance: SeedVariance | None, seeds: int, rungs: Sequence[Rung], confidence: float) -> float | None:
    """With the images' part that is usual among the rungs."""
    if variance is None or seeds < 2 or variance.sd == 0:
        return None
    images = [rung.difference.image_part or 0.0 for rung in rungs if rung.difference and not rung.difference.paired]
    parts = [(variance.variance * 2 / seeds, float(variance.df)), (median(images) if images else 0.0, math.inf)]
    freedom = satterthwaite(parts)
    return detectable(math.sqrt(sum(part for part, _ in parts)), freedom, confidence) if freedom else None
