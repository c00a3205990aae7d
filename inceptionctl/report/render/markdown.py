"""The report in Markdown: the table, the certainty of each rung, its runs, and what differs from the paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from inceptionctl.report.cells import ResultCell
from inceptionctl.report.columns import report_text
from inceptionctl.report.environment import environment
from inceptionctl.report.findings import Findings, Rung
from inceptionctl.report.footnotes import relative
from inceptionctl.report.format import DASH, change, difference, probability, signed, verdict
from inceptionctl.report.method import METHOD
from inceptionctl.report.results import ResultTable
from inceptionctl.tables.metric import Metric


def markdown(findings: Findings, figures: Sequence[str]) -> str:
    """`figures`: names of files beside it."""
    table = findings.table
    text = report_text(findings, table.folder)
    lines = [[column.heading for column in text.columns]]
    lines += [[plain(cell) for cell in cells] for cells in zip(*(column.cells for column in text.columns), strict=True)]
    numeric = [column.numeric for column in text.columns]
    sections = [
        f"# {plain(text.heading)}",
        *([plain(table.manifest.caption)] if table.manifest.caption else []),
        f"{plain(text.setting)} · protocol {table.manifest.protocol}",
        grid(lines, numeric),
        "\n".join(f"- {plain(line)}" for line in (*text.footnotes, *text.warnings)),
        *(f"![{name.partition('.')[0]}]({name})" for name in figures),
        *(["## Rungs", _rungs(findings)] if findings.rungs else []),
        *_contributions(findings),
        *_declared(findings),
        METHOD,
        *_overrides(table),
        "## Runs",
        _runs(table),
        *_environment(table),
        _made_by(table),
    ]
    return "\n\n".join(sections) + "\n"


def plain(text: str) -> str:
    """`text` without what Markdown would take for emphasis, code, a link or HTML."""
    text = re.sub(r"([\\`*<]|(?<!\w)_|_(?!\w)|&(?=\w+;))", r"\\\1", text)
    return text.replace("](", "]\\(")


def code(text: str) -> str:
    """`text` in a code span, whose fence is longer than any that it has."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{text}{fence}" if len(fence) == 1 else f"{fence} {text} {fence}"


def _made_by(table: ResultTable) -> str:
    also = "" if table.manifest.is_comparison else ", which also continues it"
    return f"Made by this command{also}: {code(table.manifest.command)}"


def _rungs(findings: Findings) -> str:
    rungs = [*findings.rungs, *([findings.overall] if findings.overall else [])]
    titles = ["rung", "paper change", "change here, 95 % interval", "verdict", "Welch p", "Holm p"]
    return grid([titles, *(_rung(rung, findings.metric) for rung in rungs)], [False, True, True, False, True, True])


def _rung(rung: Rung, unit: Metric) -> list[str]:
    name = plain(f"{rung.before.label} → {rung.after.label}")
    return [
        name,
        signed(rung.paper_change),
        change(rung, unit),
        verdict(rung),
        probability(rung.welch_p),
        probability(rung.holm_p),
    ]


def _contributions(findings: Findings) -> list[str]:
    if not findings.shapley:
        return []
    lines = [[plain(one.switch), difference(one.difference, findings.metric)] for one in findings.shapley]
    titles = ["switch", "mean change over all orders, with its interval"]
    return ["## Mean contribution of each switch", grid([titles, *lines], [False, True])]


def _declared(findings: Findings) -> list[str]:
    if not findings.declared:
        return []
    lines = [
        [plain(one.what), plain(one.expected), plain(one.found), "yes" if one.holds else "no"]
        for one in findings.declared
    ]
    return ["## Declared beforehand", grid([["what", "expected", "found", "holds"], *lines], [False] * 4)]


def _overrides(table: ResultTable) -> list[str]:
    overrides = table.manifest.overrides
    if not overrides:
        return []
    lines = [["setting", "paper", "here"], *([f"`{one.key}`", one.paper, one.here] for one in overrides)]
    note = "Settings that the paper does not state are those of the released scripts (`conf/scale/imagenet.yaml`)."
    return ["## Where this scale differs from the paper's recipe", note, grid(lines, [False, True, True])]


def _runs(table: ResultTable) -> str:
    seeds = sorted({cell.seed for _, cell in table.cells})
    lines = [["row", *(f"seed {seed}" for seed in seeds)]]
    for row in table.rows:
        by_seed = {cell.seed: cell for cell in row.cells}
        lines.append([plain(row.name), *(_link(table, by_seed.get(seed)) for seed in seeds)])
    return grid(lines, [False] + [True] * len(seeds))


def _environment(table: ResultTable) -> list[str]:
    facts = environment(table)
    if not facts:
        return []
    lines = [[fact.name, plain("; ".join(value for value, _ in fact.values))] for fact in facts]
    return ["## Environment", grid([["what", "value"], *lines], [False, False])]


def _link(table: ResultTable, cell: ResultCell | None) -> str:
    if cell is None or cell.run is None:
        return DASH
    target = cell.run.log() if cell.status == "failed" else cell.run.path
    text = f"{cell.figures.top1_error:.2f}" if cell.figures else cell.status
    return f"[{text}]({relative(target, table.folder)})"


def grid(lines: Sequence[Sequence[str]], numeric: Sequence[bool]) -> str:
    """A table: the first of `lines` are its titles."""
    rule = ["---:" if one else "---" for one in numeric]
    first, *rest = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join("| " + " | ".join(line) + " |" for line in chain([first, rule], rest))
