"""Calibration and coverage in a line each, for figures and the terminal."""

from __future__ import annotations

from inceptionctl.evaluation.coverage import CoverageAt
from inceptionctl.evaluation.intervals import Share
from inceptionctl.report.evaluation.details import Calibration, Coverage


def calibration_line(one: Calibration) -> str:
    brier = "" if one.brier is None else f", Brier score {one.brier:.3f}"
    direction = "high" if one.overconfidence > 0 else "low"
    return (
        f"NLL {one.nll:.3f}, ECE {one.ece:.2f} %{brier}, mean confidence {one.confidence:.1f} %: "
        f"{abs(one.overconfidence):.1f} points too {direction}"
    )


def coverage_line(one: Coverage) -> str:
    first, *others = one.at
    kept = [f"{first.accuracy:g} % right: {_kept(first)} kept", *(f"{at.accuracy:g} %: {_kept(at)}" for at in others)]
    return f"{', '.join(kept)}; risk-coverage area {one.risk_area:.2f} %"


def interval(one: Share, digits: int = 2) -> str:
    """`22.10 % [21.74, 22.47]`: error or accuracy, 95 % interval."""
    return f"{one.percent:.{digits}f} % [{one.low:.{digits}f}, {one.high:.{digits}f}]"


def _kept(one: CoverageAt) -> str:
    return "none" if one.threshold is None else f"{one.coverage:.1f} %"
