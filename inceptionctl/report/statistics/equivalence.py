"""Whether two rows are equal within a declared margin, by two one-sided tests (Schuirmann 1987)."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats

from inceptionctl.report.statistics.change import Difference

LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Equivalence:
    """`p`: the larger of the two one-sided tests that the change lies beyond -margin or +margin; None if nothing
    varies or a side has one seed. `holds`: it lies within."""

    margin: float
    p: float | None
    holds: bool


def equivalence(one: Difference, margin: float, level: float | None = None) -> Equivalence:
    """At 5 %, or at the level that is left for the look at which the difference was taken."""
    if one.df is None or one.one_seed:
        return Equivalence(margin=margin, p=None, holds=False)
    p = float(
        max(stats.t.sf((margin + one.change) / one.se, one.df), stats.t.sf((margin - one.change) / one.se, one.df))
    )
    return Equivalence(margin=margin, p=p, holds=p < (1 - one.confidence if level is None else level))
