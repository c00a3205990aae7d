"""What stands in each column of a report."""

from __future__ import annotations

from functools import partial

from inceptionctl.report.column import Column, Columns
from inceptionctl.report.findings import Findings, MetricFigures, RowFinding, Rung
from inceptionctl.report.footnotes import UNCONVERGED
from inceptionctl.report.format import (
    DASH,
    change,
    figures,
    in_words,
    interval,
    metric,
    number,
    rates,
    signed,
    spread,
    verdict,
)
from inceptionctl.report.statistics.summary import Summary


def all_columns(findings: Findings) -> list[Column]:
    """Every column that the table can have; further metrics have one each of the same name."""
    make = Columns(findings)
    return [*_paper(make), *_ours(make), *_metrics(make), *_network(make), *_more(make)]


def _paper(make: Columns) -> list[Column]:
    """The paper's steps are those to the error that it chose itself."""
    unit = make.findings.metric
    printed = (
        make.of_paper("paper", "paper\nsteps", lambda one: one.value(str(unit)), _count)
        if unit.name == "steps_to"
        else make.of_paper("paper", "paper\ntop-1", lambda one: one.top1_error, number)
    )
    return [
        printed,
        make.of_paper("cost_paper", "cost,\npaper", lambda one: one.cost_billion, _billions),
        make.of_paper("paper_top5", "paper\ntop-5", lambda one: one.top5_error, number),
        *make.of_rungs(
            "paper_change",
            "paper\nchange",
            lambda rung: rung.paper_change,
            lambda rung: signed(rung.paper_change),
            "paper",
        ),
    ]


def _ours(make: Columns) -> list[Column]:
    unit = make.findings.metric
    what, percent = in_words(unit), f"{100 * make.findings.confidence:.4g} %"
    return [
        make.of_rows("ours", f"ours, {what}\nmean ± sd (n)", lambda one: _mean(one.main), _main),
        make.of_rows(
            "interval",
            f"ours, {what}\n95 % interval",
            lambda one: one.main.summary.low if one.main and one.main.summary else None,
            lambda one: interval(one.main.summary if one.main else None, unit),
        ),
        make.of_rows(
            "agreement",
            "against\nthe paper",
            _offset,
            lambda one: one.against_paper.text if one.against_paper else DASH,
        ),
        *make.of_rungs("change", f"change here\n{percent} interval", _change, lambda rung: change(rung, unit)),
        *make.of_rungs("verdict", "\nverdict", lambda rung: rung.verdict, verdict),
    ]


def _metrics(make: Columns) -> list[Column]:
    findings = make.findings
    columns = []
    further = next((one.metrics[1:] for _, one in findings.measured), ())
    if "final" not in (findings.metric.name, *(found.metric.name for found in further)):
        columns.append(
            make.of_rows(
                "top1", "ours, top-1\nmean ± sd (n)", lambda one: _mean_of(one.top1), lambda one: spread(one.top1)
            )
        )
    for place, found in enumerate(further, 1):
        title = f"ours, {in_words(found.metric)}\nmean ± sd (n)"
        columns.append(make.of_rows("also", title, partial(_further_key, place), partial(_further, place)))
    return columns


def _network(make: Columns) -> list[Column]:
    """Multiply-adds of the network at the paper's size, and of the network as run."""
    of = partial(make.of_rows, source="network")
    return [
        of(
            "cost_full",
            "cost,\nfull size",
            lambda one: one.row.entry.full_macs,
            lambda one: metric(one.row.entry.full_macs),
        ),
        of("cost_here", "cost,\nhere", lambda one: one.row.entry.macs, lambda one: metric(one.row.entry.macs)),
        of("params", "params,\nhere", lambda one: one.row.entry.params, lambda one: metric(one.row.entry.params)),
    ]


def _more(make: Columns) -> list[Column]:
    """Secondary figures: our top-5 errors only if there are enough classes, RMSProp's factors only if it was used."""
    of, others = make.of_rows, make.findings.table.other_weights
    columns = [
        of("seed_sd", "seed sd: test\nset, networks", lambda one: one.split.total if one.split else None, _split),
        of(
            "other_weights",
            f"ours, top-1\n{others} weights",
            lambda one: _mean_of(one.other),
            lambda one: spread(one.other),
        ),
        of(
            "inverse_rms",
            "1/sqrt(v+eps)\nmean [1st, 99th %]",
            lambda one: one.inverse_rms.mean if one.inverse_rms else None,
            lambda one: rates(one.inverse_rms),
        ),
    ]
    if make.findings.shows_top5:
        title = "ours, top-5\nmean ± sd (n)"
        columns.append(of("top5", title, lambda one: _mean_of(one.top5), lambda one: spread(one.top5)))
    return columns


def _main(one: RowFinding) -> str:
    failed = one.measured is not None and not one.measured.converged
    return figures(one.main) + (f" {UNCONVERGED}" if failed else "")


def _further(place: int, one: RowFinding) -> str:
    return figures(one.measured.metrics[place] if one.measured else None)


def _further_key(place: int, one: RowFinding) -> float | None:
    return _mean(one.measured.metrics[place] if one.measured else None)


def _mean(one: MetricFigures | None) -> float | None:
    return _mean_of(one.summary) if one else None


def _mean_of(one: Summary | None) -> float | None:
    return one.mean if one else None


def _offset(one: RowFinding) -> float | None:
    return one.against_paper.offset if one.against_paper else None


def _change(rung: Rung) -> float | None:
    return rung.difference.change if rung.difference else None


def _split(one: RowFinding) -> str:
    return f"{one.split.test_set:.2f}, {one.split.networks:.2f}" if one.split else DASH


def _billions(cost: float | None) -> str:
    return DASH if cost is None else f"{cost:.1f} G"


def _count(value: float | None) -> str:
    return DASH if value is None else metric(value)
