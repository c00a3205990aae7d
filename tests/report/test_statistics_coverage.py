"""Coverage of the intervals on simulated tables whose truth is known: a reduced benchmarks/coverage.py."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

# By its path: the name belongs to a well-known package.
SPEC = importlib.util.spec_from_file_location(
    "coverage_benchmark", Path(__file__).parents[2] / "benchmarks/coverage.py"
)
coverage = sys.modules["coverage_benchmark"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(coverage)
NAMES = {one.name: one for one in coverage.REGIMES}


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("regime", coverage.REGIMES, ids=lambda one: one.name)
def test_the_interval_contains_the_truth_19_times_in_20(regime, n):
    """A thousand tables, whose share has a standard error of 0.7 points; the generator is seeded."""
    assert 93 <= coverage.rates(regime, n, rows=5, trials=1000).covered <= 97


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10])
def test_rows_that_differ_by_the_margin_are_rarely_called_equal(n):
    found = coverage.rates(NAMES["all of it"], n, shift=0.3, trials=1000)
    assert 93 <= found.covered <= 97
    assert found.equal <= 7


def test_a_table_is_drawn_with_the_error_that_is_known():
    regime = NAMES["all of it"]
    tables = list(coverage.simulate(regime, seeds=2, rows=2, shift=0.3, trials=100, start=1))
    rates = sum(100 * table.sum(axis=2).mean(axis=1) / regime.sizes_G.sum() for table in tables) / len(tables)
    assert rates == pytest.approx([coverage.error(regime, 0.0, 0), coverage.error(regime, 0.3, 1)], rel=0.03)
