"""A paper's table as its YAML file states it, and the seeds that it is run with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Literal

from inceptionctl.config.values import written
from inceptionctl.errors import RequestError, shortened
from inceptionctl.settings import PathSegment, section


@section
class TableRow:
    """One row. In a cumulative table it adds to the row above, in an independent one to the base."""

    label: str
    cell: str | None = None
    """Id of the paper's cell in papers.yaml, if it has one."""
    set: list[str] = field(default_factory=list)
    """Overrides: groups or settings."""
    add: str | None = None
    """A switch of `conf/ablation`."""
    changes: list[str] = field(default_factory=list)
    """Settings that `set` and `add` may change; `optim.**` covers all below optim."""
    against: str | None = None
    """Label of the row above that an independent table compares this one with."""


@section
class Table:
    """A table of a paper, or one of our own."""

    name: PathSegment
    mode: Literal["cumulative", "independent"]
    paper: str | None = None
    """Key of the paper in papers.yaml, whose title stands above the report."""
    title: str
    metric: Literal["final"]
    weights: Literal["ema", "raw"]
    """Weights that are reported: the moving average or those of the last step."""
    base: list[str]
    """Overrides of every row."""
    changes: list[str] = field(default_factory=list)
    """Settings that any row may change beside its own `changes`; the user may override them."""
    quoted: list[str] = field(default_factory=list)
    """Ids of cells in papers.yaml that the paper's table cites from elsewhere."""
    rows: list[TableRow]


MOST_SEEDS = 1000


def seeds_of(requested: int | Sequence[int]) -> list[int]:
    """`3` is 0, 1, 2; a list names them. Raises RequestError for anything else."""
    seeds: object = requested
    if type(requested) is int:
        seeds = list(range(min(requested, MOST_SEEDS + 1)))
    if not isinstance(seeds, list) or not seeds or not all(type(seed) is int and 0 <= seed < 2**32 for seed in seeds):
        raise RequestError(
            f"seeds = {shortened(written(requested))} is not allowed: give a number of seeds from 1, or a list of "
            "seeds from 0 to 4294967295, such as 'seeds=[5,6]'"
        )
    if len(seeds) > MOST_SEEDS:
        raise RequestError(f"seeds = {shortened(written(requested))} is not allowed: at most {MOST_SEEDS:,} seeds")
    if len(set(seeds)) < len(seeds):
        raise RequestError(f"seeds = {written(requested)} names a seed twice: the runs would be the same")
    return seeds
