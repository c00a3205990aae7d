"""The words that the report says of a rung."""

from __future__ import annotations

from inceptionctl.report.statistics.change import Difference
from inceptionctl.report.statistics.equivalence import Equivalence

CANNOT_TELL = "cannot tell"
NOT_CONVERGED = "not converged"


def verdict(difference: Difference, paper_change: float | None, equal: Equivalence | None = None) -> str:
    """A direction only if the interval excludes 0, and never from one seed, which does not show how much a row varies.
    A direction is named even where the rows are also equal within the margin."""
    if difference.one_seed:
        return CANNOT_TELL
    if not difference.excludes_0:
        return f"equal within {equal.margin:g}" if equal and equal.holds else CANNOT_TELL
    return direction(difference.change, paper_change)


def direction(change: float, paper_change: float | None) -> str:
    if not paper_change:
        return "lower" if change < 0 else "higher"
    return "same direction" if (change < 0) == (paper_change < 0) else "opposite direction"


def by_ranks(p: float, confidence: float, paper_change: float | None, *, first_is_lower: bool) -> str:
    """Of runs of which some never reached the error: these rank last."""
    return CANNOT_TELL if p >= 1 - confidence else direction(1 if first_is_lower else -1, paper_change)
