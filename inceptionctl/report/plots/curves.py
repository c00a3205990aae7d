"""Learning curves: test error and training loss over the epochs, means over seeds and every seed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from inceptionctl.report.findings import Findings
from inceptionctl.report.plots.drawing import Data, Drawing, heading
from inceptionctl.report.plots.library import Axes, Figure, FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter
from inceptionctl.report.plots.style import COLOURS, STROKES, Look
from inceptionctl.report.runs import Curves, Floats

LOSS_BINS = 50
LEGEND_COLUMNS = 3


def curves(findings: Findings, look: Look) -> Drawing | None:
    """Thick lines are means over seeds, thin ones single seeds. None if no run is finished."""
    if not findings.measured:
        return None
    columns = 1 if look.narrow else LEGEND_COLUMNS
    legend = 0.19 * -(-len(findings.measured) // columns)
    height = (4.2 if look.narrow else 2.7) + 0.5 * look.title + legend
    figure = Figure(figsize=(look.width, height), layout="constrained")
    left, right = figure.subplots(2, 1) if look.narrow else figure.subplots(1, 2)
    left.sharex(right)  # raw weights are evaluated at the end alone: one point, on an axis of its own, has no scale
    heading(figure, findings, look)
    for place, row in enumerate(findings.table.rows):
        runs = [figures.curves for figures in row.figures]
        if runs:
            colour, stroke = COLOURS[place % len(COLOURS)], STROKES[place % len(STROKES)]
            for run in runs:
                _line(left, run.eval_epoch, run.eval_error, color=colour, linewidth=0.6, alpha=0.4)
            _line(left, *_mean_error(runs), color=colour, linestyle=stroke, linewidth=1.8, label=_in_legend(row.name))
            _line(right, *_mean_loss(runs), color=colour, linestyle=stroke, linewidth=1.4)
    _over_epochs(left, f"top-1 error, test images, % ({findings.table.manifest.weights} weights)")
    _over_epochs(right, "training loss, as each row defines it")
    figure.legend(loc="outside lower center", ncols=columns, frameon=False, handlelength=3.2)
    return Drawing(
        name="curves",
        title="Learning curves of all seeds",
        description=_description(findings),
        figure=figure,
        data=_data(findings),
    )


def _line(axes: Axes, epochs: Floats, values: Floats, **style: Any) -> None:  # noqa: ANN401
    """With a marker where there is one value, as after a single epoch: a line of one point is invisible."""
    axes.plot(epochs, values, marker="o" if len(epochs) == 1 else None, markersize=4, **style)


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


def _description(findings: Findings) -> str:
    last = [
        f"{row.label} {row.figures[0].curves.eval_epoch[-1]:g} epochs, {one.top1.mean:.2f} %"
        for row, one in findings.measured
        if len(row.figures[0].curves.eval_epoch)
    ]
    return f"Test error and training loss over the epochs, on logarithmic axes. At the end: {'; '.join(last)}."


def _data(findings: Findings) -> Data:
    lines: list[list[object]] = [["row", "seed", "curve", "epoch", "value"]]
    for row, cell in findings.table.cells:
        if cell.figures:
            run = cell.figures.curves
            for curve, xs, ys in (
                ("top1_error", run.eval_epoch, run.eval_error),
                ("train_loss", run.train_epoch, run.train_loss),
            ):
                lines += [
                    [row.label, cell.seed, curve, f"{x:.6g}", f"{y:.6g}"]
                    for x, y in zip(xs.tolist(), ys.tolist(), strict=True)
                ]
    return lines
