"""How often the 95 % interval of a change contains the true change, on simulated tables whose truth is known.

`python benchmarks/coverage.py` prints the table of docs/statistics.md (a few minutes on one core); `--trials 200` is
quicker. Every trial is a table of rows x seeds x images, analysed by the functions that analyse a report.

The log odds that an image is wrong are the row's level, plus the hardness of the image's source, the same for all rows,
plus that of the row alone, plus what the seed and what the seed on this source adds; all but the level are drawn from
normal distributions. Rows have the same level, so that the true change is 0, or one has a higher level and the true
change follows by quadrature.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import special

from inceptionctl.report.runs import Floats
from inceptionctl.report.statistics.change import Difference, Side, difference
from inceptionctl.report.statistics.equivalence import equivalence
from inceptionctl.report.statistics.variance import seed_variance

TRIALS = 2000
SEEDS = (2, 3, 5, 10)
LEVEL = -2.2  # log odds of an error: 10 % where nothing varies
CHUNK = 50  # trials at once


@dataclass(frozen=True, kw_only=True)
class Regime:
    """Standard deviations of the log odds. `seed`: a value for each row, repeated as needed; `sizes`: images of each
    source, repeated as needed."""

    name: str
    sources: int
    sizes: tuple[int, ...] = (1,)
    hardness: float = 0.0
    own: float = 0.0
    seed: tuple[float, ...] = (0.0,)
    interaction: float = 0.0

    @property
    def sizes_G(self) -> Floats:
        return np.resize(self.sizes, self.sources).astype(float)


REGIMES = (
    Regime(name="all errors independent", sources=1000),
    Regime(name="hard images", sources=1000, hardness=1.5),
    Regime(name="seeds differ", sources=1000, hardness=1.5, seed=(0.3,)),
    Regime(name="rows find other images hard", sources=1000, hardness=1.0, own=1.0),
    Regime(name="seeds find other sources hard", sources=200, sizes=(5,), hardness=1.0, interaction=1.0),
    Regime(name="sources of five images", sources=200, sizes=(5,), hardness=1.5, own=0.5),
    Regime(name="sources of 1 to 20 images", sources=200, sizes=(1, 2, 5, 20), hardness=1.0, own=0.7, seed=(0.15,)),
    Regime(name="all of it", sources=200, sizes=(5,), hardness=1.0, own=0.7, seed=(0.2,), interaction=0.7),
)
UNLIKE = Regime(name="rows vary unlike (sd x 3)", sources=1000, hardness=1.0, seed=(0.15, 0.45))


@dataclass(frozen=True, kw_only=True)
class Rates:
    """In percent of the trials. `covered`: the interval contains the true change; `equal`: two one-sided tests said
    that the rows are equal within the true change, which they are not; `half_width`: of the interval, in points."""

    covered: float
    equal: float
    half_width: float


def rates(
    regime: Regime, seeds: int, *, rows: int = 5, shift: float = 0.0, trials: int = TRIALS, start: int = 0
) -> Rates:
    """Of the change between the first two rows of a table; the second has the log odds `shift` more."""
    truth = error(regime, shift, 1) - error(regime, 0.0, 0)
    found = [change(regime.sizes_G, table) for table in simulate(regime, seeds, rows, shift, trials, start)]
    reaches = [(one, one.reach) for one in found if one.reach is not None]  # known: there are images
    return Rates(
        covered=100 * float(np.mean([abs(truth - one.change) <= reach for one, reach in reaches])),
        equal=100 * float(np.mean([equivalence(one, abs(truth)).holds for one in found])) if truth else 0.0,
        half_width=float(np.mean([reach for _, reach in reaches])),
    )


def simulate(regime: Regime, seeds: int, rows: int, shift: float, trials: int, start: int) -> Iterator[Floats]:
    """Wrong images per row, seed and source, for each trial."""
    generator = np.random.default_rng(start)
    level_R = np.full(rows, LEVEL)
    level_R[1] += shift
    seed_R = np.resize(regime.seed, rows)[:, None, None]
    for first in range(0, trials, CHUNK):
        shape = min(CHUNK, trials - first), rows, seeds, regime.sources
        log_odds = np.broadcast_to(level_R[:, None, None], shape).copy()
        for sd, kept in (
            (regime.hardness, (0, 3)),
            (regime.own, (0, 1, 3)),
            (seed_R, (0, 1, 2)),
            (regime.interaction, (0, 1, 2, 3)),
        ):
            if np.any(sd):
                log_odds += sd * generator.standard_normal(
                    [size if axis in kept else 1 for axis, size in enumerate(shape)]
                )
        yield from generator.binomial(regime.sizes_G.astype(int), special.expit(log_odds)).astype(float)


def change(sizes_G: Floats, table_RSG: Floats) -> Difference:
    """As report/compare.py computes it."""
    errors_RS = 100 * table_RSG.sum(axis=2) / sizes_G.sum()
    before, after = (
        Side(weight=weight, values=tuple(errors_RS[row]), counts_SG=table_RSG[row])
        for row, weight in enumerate((-1, 1))
    )
    return difference(before, after, sizes_G, seed_variance(errors_RS.tolist()))


def error(regime: Regime, shift: float, row: int) -> float:
    """True error of a row in percent."""
    seed = np.resize(regime.seed, row + 1)[row]
    sd = math.sqrt(regime.hardness**2 + regime.own**2 + seed**2 + regime.interaction**2)
    nodes, weights = np.polynomial.hermite_e.hermegauss(99)
    return 100 * float(special.expit(LEVEL + shift + sd * nodes) @ weights / weights.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--trials", type=int, default=TRIALS, help="simulated tables for each figure (default: %(default)s)"
    )
    trials = parser.parse_args().trials
    print("| errors | rows | " + " | ".join(f"n = {n}" for n in SEEDS) + " |")
    print("|---|---:|" + "---:|" * len(SEEDS))
    for regime in (*REGIMES, UNLIKE):
        for rows in (2, 5):
            covered = [rates(regime, n, rows=rows, trials=trials).covered for n in SEEDS]
            print(f"| {regime.name} | {rows} | " + " | ".join(f"{one:.1f}" for one in covered) + " |", flush=True)
    print()
    print("| errors | n | contains the true change | says equal within it |")
    print("|---|---:|---:|---:|")
    for regime in (REGIMES[0], REGIMES[-1]):
        for n in SEEDS[1:]:
            one = rates(regime, n, shift=0.3, trials=trials)
            print(f"| {regime.name} | {n} | {one.covered:.1f} | {one.equal:.1f} |", flush=True)


if __name__ == "__main__":
    main()
