"""Whether our figure agrees with a paper's: a prediction interval for one more run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

from inceptionctl.report.statistics.summary import CONFIDENCE


@dataclass(frozen=True, kw_only=True)
class AgainstPaper:
    """`offset`: ours minus the paper's, in points; `reach`: half the width of the 95 % interval around it."""

    offset: float
    reach: float

    @property
    def agrees(self) -> bool:
        return abs(self.offset) <= self.reach

    @property
    def text(self) -> str:
        return "agrees" if self.agrees else f"off by {self.offset:+.1f} ± {self.reach:.1f}"


def against_paper(
    mean: float,
    n: int,
    seeds: tuple[float, float],
    printed: float,
    *,
    unit: float,
    images: tuple[int, int | None],
) -> AgainstPaper:
    """The paper's figure is taken for one run with our recipe. `seeds`: variance between seeds and its degrees of
    freedom; `unit`: of the last printed digit; `images`: ours, and the paper's if it says. A part of the same images
    is a sample of them, whose error varies with the share that is left out."""
    variance, df = seeds
    rounding = unit**2 / 12
    parts = variance * (1 + 1 / n)
    total = parts + rounding + sampling(printed, *images)
    freedom = df * (total / parts) ** 2 if parts > 0 else math.inf  # Satterthwaite: only the seeds' part is estimated
    return AgainstPaper(
        offset=mean - printed, reach=math.sqrt(total) * float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom))
    )


def sampling(error: float, ours: int, theirs: int | None) -> float:
    """Variance of the difference of the errors on a set of images and on a part of it."""
    if theirs is None or theirs == ours:
        return 0.0
    return error * (100 - error) * abs(1 / ours - 1 / theirs)


def last_digit(printed: float) -> float:
    """The unit of the last digit of a figure as papers print errors: 0.1, or smaller if it has more decimals."""
    decimals = len(f"{printed:g}".partition(".")[2])
    return float(10.0 ** -max(1, decimals))
