"""The two figures of a report: the ladder, the paper's beside ours, and the learning curves."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from inceptionctl.report.findings import Findings, Rung
from inceptionctl.report.format import DASH, signed
from inceptionctl.report.runs import Curves, Floats

WIDTH = 8.0  # inches, a page
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")  # Okabe and Ito
STROKES = ("solid", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (8, 2)))  # distinct without colour
PAPER, OURS, GREY = COLOURS[4], COLOURS[0], "#767676"
LOSS_BINS = 50
TITLE_CHARACTERS = 95  # of a line as wide as the page
LEGEND_COLUMNS = 3
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "text.parse_math": False,  # a $ in a row's label is a $
    "svg.fonttype": "none",  # text is kept as text
    "svg.hashsalt": "inceptionctl",  # the same file every time, since it has no date either
}


def draw(findings: Findings, folder: Path) -> list[Path]:
    """Writes the ladder and the curves into `folder`, each as SVG and PNG."""
    with matplotlib.rc_context(STYLE):
        figures = {"ladder": ladder(findings), "curves": curves(findings)}
        return [_save(figure, folder / f"{name}.{kind}") for name, figure in figures.items() for kind in ("svg", "png")]


def _save(figure: Figure, path: Path) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    dateless = {"Date": None} if path.suffix == ".svg" else {}
    figure.savefig(temporary, format=path.suffix[1:], dpi=150, metadata=dateless)
    temporary.replace(path)
    return path


def ladder(findings: Findings) -> Figure:
    """Rows from top to bottom; the paper's errors on the left, ours with seeds and t intervals on the right."""
    quoted, rows = findings.table.quoted, findings.table.rows
    names = [*(one.label for one in quoted), *(row.name for row in rows)]
    figure = Figure(figsize=(WIDTH, 1.6 + 0.36 * len(names)), layout=ConstrainedLayoutEngine(wspace=0.08))
    theirs, ours = figure.subplots(1, 2, sharey=True)
    _title(figure, findings)
    _paper_panel(theirs, findings)
    _our_panel(ours, findings)
    theirs.set_yticks(range(len(names)), names)
    for label in theirs.get_yticklabels()[: len(quoted)]:
        label.set_color(GREY)
    theirs.set_ylim(len(names) - 0.5, -0.5)
    return figure


def _paper_panel(axes: Axes, findings: Findings) -> None:
    quoted, rows = findings.table.quoted, findings.table.rows
    errors = [np.nan if one.top1_error is None else one.top1_error for one in (*quoted, *(row.printed for row in rows))]
    start = len(quoted)
    axes.plot(errors[:start], range(start), "o", color="#b0b0b0")
    axes.plot(errors[start:], range(start, len(errors)), _marks(findings), color=PAPER, linewidth=1.2)
    _panel(axes, "the paper", "top-1 error, %")
    _changes(axes, findings, lambda rung: signed(rung.paper_change))


def _our_panel(axes: Axes, findings: Findings) -> None:
    start = len(findings.table.quoted)
    for place, one in enumerate(findings.rows, start):
        seeds = [figures.top1_error for figures in one.row.figures]
        axes.plot(seeds, np.full(len(seeds), place + 0.22), "o", color=OURS, alpha=0.5, markersize=3, markeredgewidth=0)
        if one.top1 and one.top1.low is not None and one.top1.high is not None:
            axes.plot([one.top1.low, one.top1.high], [place, place], "-", color=OURS, linewidth=2.5, alpha=0.45)
    means = [one.top1.mean if one.top1 else np.nan for one in findings.rows]  # NaN breaks the line
    axes.plot(means, range(start, start + len(means)), _marks(findings), color=OURS, linewidth=1.2)
    _panel(axes, f"here, {findings.sample}", "top-1 error, % (bar: 95 % t interval, small dots: seeds)")
    _changes(axes, findings, lambda rung: DASH if rung.difference is None else f"{rung.difference.change:+.2f}")


def _marks(findings: Findings) -> str:
    """A line joins the rows only where each adds to the one above."""
    return "o-" if findings.table.cumulative else "o"


def _panel(axes: Axes, title: str, label: str) -> None:
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_xlabel(label)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.margins(x=0.08)


def _changes(axes: Axes, findings: Findings, text: Callable[[Rung], str]) -> None:
    """The change of each rung in a column of its own on the right, where no marker can cover it."""
    beside = axes.get_yaxis_transform()
    if not findings.rungs:
        return
    axes.text(1.16, 1.02, "change", transform=axes.transAxes, ha="right", va="bottom", color=GREY)
    for place, row in enumerate(findings.table.rows, len(findings.table.quoted)):
        if rung := findings.rung(row):
            axes.text(1.16, place, text(rung), transform=beside, ha="right", va="center")


def curves(findings: Findings) -> Figure:
    """Test error and training loss over the epochs: thick lines are means over seeds, thin ones single seeds."""
    legend_rows = -(-len(findings.table.rows) // LEGEND_COLUMNS)
    figure = Figure(figsize=(WIDTH, 3.8 + 0.2 * legend_rows), layout="constrained")
    left, right = figure.subplots(1, 2)
    _title(figure, findings)
    for place, row in enumerate(findings.table.rows):
        runs = [figures.curves for figures in row.figures]
        if runs:
            colour, stroke = COLOURS[place % len(COLOURS)], STROKES[place % len(STROKES)]
            for run in runs:
                left.plot(run.eval_epoch, run.eval_error, color=colour, linewidth=0.6, alpha=0.4)
            left.plot(*_mean_error(runs), color=colour, linestyle=stroke, linewidth=1.8, label=_in_legend(row.name))
            right.plot(*_mean_loss(runs), color=colour, linestyle=stroke, linewidth=1.4)
    _over_epochs(left, f"top-1 error on test images, % ({findings.table.manifest.weights} weights)")
    _over_epochs(right, "training loss, as each row defines it")
    if left.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", ncols=LEGEND_COLUMNS, frameon=False, handlelength=3.2)
    return figure


def _in_legend(name: str) -> str:
    """Matplotlib leaves out names that begin with an underscore."""
    return f" {name}" if name.startswith("_") else name


def _over_epochs(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _mean_error(runs: Sequence[Curves]) -> tuple[Floats, Floats]:
    """Over the epochs at which every run was evaluated."""
    epochs = reduce(np.intersect1d, [run.eval_epoch for run in runs])
    return epochs, np.mean([run.eval_error[np.isin(run.eval_epoch, epochs)] for run in runs], axis=0)


def _mean_loss(runs: Sequence[Curves]) -> tuple[Floats, Floats]:
    """Over all runs and in bins of equal length, which averages out the noise of single batches."""
    epoch, loss = (np.concatenate([getattr(run, name) for run in runs]) for name in ("train_epoch", "train_loss"))
    if not len(epoch):
        return epoch, loss
    bins = np.minimum(LOSS_BINS * epoch / epoch.max(initial=1e-9), LOSS_BINS - 1).astype(int)
    used, index, count = np.unique(bins, return_inverse=True, return_counts=True)
    sums = [np.bincount(index, weights=values, minlength=len(used)) for values in (epoch, loss)]
    return sums[0] / count, sums[1] / count


def _title(figure: Figure, findings: Findings) -> None:
    manifest = findings.table.manifest
    lines = [
        *wrap(manifest.title, TITLE_CHARACTERS),
        *wrap(f"{manifest.setting} · {findings.sample}", TITLE_CHARACTERS),
    ]
    figure.suptitle("\n".join(lines), fontsize=10, ha="left", x=0.01)
