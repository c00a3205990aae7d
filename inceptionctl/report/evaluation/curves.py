"""The figures of confidence: reliability with the histogram of confidences, and accuracy against coverage."""

from __future__ import annotations

import numpy as np

from inceptionctl.evaluation.calibration import BINS
from inceptionctl.evaluation.coverage import CoverageCurve
from inceptionctl.evaluation.intervals import Share, wilson
from inceptionctl.report.evaluation.details import Calibration, Coverage, Details
from inceptionctl.report.evaluation.figures import title
from inceptionctl.report.evaluation.sentences import calibration_line, coverage_line
from inceptionctl.report.plots.library import Axes, Figure
from inceptionctl.report.plots.style import COLOURS, GREY, OURS

MAX_POINTS = 400  # of a curve: an SVG with one for each image is megabytes


def reliability_figure(details: Details, calibration: Calibration, confidence_N: np.ndarray) -> tuple[Figure, str]:
    """With its description."""
    figure = Figure(figsize=(5.8, 6.0), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bins = calibration.bins
    upper.plot([0, 100], [0, 100], "--", color=GREY, linewidth=1, label="as often right as sure")
    centres, accuracies = [one.confidence for one in bins], [one.accuracy.percent for one in bins]
    reach = [
        [one.accuracy.percent - one.accuracy.low for one in bins],
        [one.accuracy.high - one.accuracy.percent for one in bins],
    ]
    upper.errorbar(
        centres,
        accuracies,
        reach,
        fmt="o",
        color=OURS,
        markersize=4,
        linewidth=1.2,
        capsize=2,
        label="accuracy, 95 % interval",
    )
    upper.set(xlim=(0, 100), ylim=(0, 102), ylabel="accuracy, % of the bin's images")
    upper.legend(loc="lower right", frameon=False)
    weights = np.full(len(confidence_N), 100 / len(confidence_N))
    lower.hist(100 * confidence_N.astype(np.float64), bins=BINS, range=(0, 100), weights=weights, color=OURS, alpha=0.6)
    lower.set(xlabel="confidence: probability of the likeliest class, %", ylabel="images, %")
    title(figure, details, f"Reliability: {calibration_line(calibration)}")
    return figure, "; ".join(
        f"sure to {one.confidence:.0f} %: right in {one.accuracy.percent:.0f} %" for one in bins
    ) + "."


def coverage_figure(details: Details, coverage: Coverage, curve: CoverageCurve) -> tuple[Figure, str]:
    """With its description."""
    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    axes = figure.subplots()
    chosen = np.unique(np.linspace(0, len(curve.coverage_T) - 1, MAX_POINTS).astype(int))
    at, accuracy = curve.coverage_T[chosen], curve.accuracy_T[chosen]
    low, high = _band(at, accuracy, details.top1_error)
    axes.fill_between(at, low, high, color=OURS, alpha=0.18, linewidth=0, label="95 % interval")
    axes.plot(at, accuracy, color=OURS, linewidth=1.6, label="accuracy of the images that are kept")
    _targets(axes, coverage)
    bottom = max(0.0, float(accuracy[at > 5].min(initial=100)) - 8)
    axes.set(
        xlim=(0, 101), ylim=(bottom, 101), xlabel="coverage: images kept, the surest first, %", ylabel="accuracy, %"
    )
    axes.legend(loc="lower left", frameon=False)
    area = f"area under the risk-coverage curve {coverage.risk_area:.2f} %"
    title(figure, details, f"Accuracy against coverage: {area}")
    return figure, f"The surest images come first. {coverage_line(coverage)}."


def _band(coverage: np.ndarray, accuracy: np.ndarray, whole: Share) -> tuple[list[float], list[float]]:
    """Pointwise; images that share a source are as dependent as in the whole set."""
    n = whole.n_images / whole.design_effect / 100
    ends = [wilson(right / 100, max(1.0, n * kept)) for kept, right in zip(coverage, accuracy, strict=True)]
    return [100 * low for low, _ in ends], [100 * high for _, high in ends]


def _targets(axes: Axes, coverage: Coverage) -> None:
    """Right above the curve, which falls, where there is room; otherwise left below it."""
    for one in coverage.at:
        if one.threshold is not None:
            axes.plot(one.coverage, one.accuracy, "D", color=COLOURS[4], markersize=4)
            text, right = f"{one.accuracy:g} % right: {one.coverage:.1f} % kept", one.coverage > 70
            offset, side = ((-6, -13), "right") if right else ((6, 7), "left")
            at = (one.coverage, one.accuracy)
            axes.annotate(text, at, xytext=offset, textcoords="offset points", ha=side, fontsize=8)
