"""The report in Markdown: the table, the certainty of each rung, its runs, and what differs from the paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from inceptionctl.report.cells import ResultCell
from inceptionctl.report.columns import report_text
from inceptionctl.report.findings import Findings, Rung
from inceptionctl.report.footnotes import relative
from inceptionctl.report.format import DASH, change, signed, verdict
from inceptionctl.report.results import ResultTable

METHOD = """\
Errors in percent, changes in points; cost in multiply-adds. The interval of a row is Student's t over its seeds. The
interval of a change comes from a crossed bootstrap over seeds and test images (clustered by source), widened for few
seeds; it errs on the side of "cannot tell". The p values are Welch's t test over seeds alone, and its correction by
Holm over the rungs. A verdict names a direction only if the interval excludes 0. The smallest detectable rung regards
seeds only. On a plateau, the training loss changes over the last fifth of the run by less than 5 % of its fall
before."""


def markdown(findings: Findings) -> str:
    table = findings.table
    text = report_text(findings, table.folder)
    lines = [[column.title.replace("\n", " ").strip() for column in text.columns]]
    lines += [[plain(cell) for cell in cells] for cells in zip(*(column.cells for column in text.columns), strict=True)]
    numeric = [column.numeric for column in text.columns]
    sections = [
        f"# {plain(text.heading)}",
        f"{plain(text.setting)} · protocol {table.manifest.protocol}",
        grid(lines, numeric),
        "\n".join(f"- {plain(line)}" for line in (*text.footnotes, *text.warnings)),
        "![ladder: the paper's errors and ours](ladder.svg)",
        "![learning curves](curves.svg)",
        *(["## Rungs", _rungs(findings)] if findings.rungs else []),
        METHOD,
        *_overrides(table),
        "## Runs",
        _runs(table),
        f"Made by this command, which also continues it: {code(table.manifest.command)}",
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


def _rungs(findings: Findings) -> str:
    rungs = [*findings.rungs, *([findings.overall] if findings.overall else [])]
    titles = ["rung", "paper change", "change here, 95 % interval", "verdict", "Welch p", "Holm p"]
    return grid([titles, *(_rung(rung) for rung in rungs)], [False, True, True, False, True, True])


def _rung(rung: Rung) -> list[str]:
    name = plain(f"{rung.before.label} → {rung.after.label}")
    return [name, signed(rung.paper_change), change(rung), verdict(rung), _p(rung.welch_p), _p(rung.holm_p)]


def _p(value: float | None) -> str:
    if value is None:
        return DASH
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


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
