"""A paper's table as its YAML file states it, and the seeds that it is run with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Literal

from inceptionctl.config.values import written
from inceptionctl.errors import RequestError, shortened
from inceptionctl.settings import PathSegment, section


@section
class Member:
    """Networks of an ensemble that are trained alike."""

    models: int = 1
    set: list[str] = field(default_factory=list)
    add: str | None = None


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
    protocol: str | None = None
    """Option of conf/protocol that its cells are evaluated by, instead of the table's."""
    members: list[Member] = field(default_factory=list)
    """The networks of an ensemble, each with what it sets and adds to the row's own; none: the row is one network."""
    note: str | None = None
    """What differs from the paper, or between paper and release."""
    scales: dict[str, list[str]] = field(default_factory=dict)
    """What it sets at a scale instead of `set`, by the scale's name, such as the recipe of its own paper."""
    standalone: bool = False
    """In a cumulative table: a network of its own, which builds on no row above, and no row below on it."""
    fact: str | None = None
    """Id of a fact of the paper's text that states its change, if no cell does."""


@section
class Convergence:
    """When a run counts as having learned; one that has not is "not converged", and no row is judged by it."""

    chance_p: float = 0.001
    """Level of the one-sided test that its error is below that of guessing."""
    loss_fall: float = 0.1
    """Least share of its first value by which the training loss falls."""
    error: float | None = None
    """Most that its error may be, in percent; null: any that passes the test."""


@section
class AtScale:
    """What a table sets at one scale, before its rows, and its metrics there, if they are others."""

    set: list[str] = field(default_factory=list)
    metric: str | None = None
    also: list[str] | None = None


@section
class Table:
    """A table of a paper, or one of our own."""

    name: PathSegment
    mode: Literal["cumulative", "independent"]
    paper: str | None = None
    """Key of the paper in papers.yaml, whose title stands above the report."""
    title: str
    caption: str | None = None
    """One or two sentences: what the table shows."""
    metric: str
    """final, steps_to(ERROR), area_under_curve or steps_per_second; see tables/metric.py."""
    also: list[str] = field(default_factory=list)
    """Further metrics, printed beside."""
    weights: Literal["ema", "raw"]
    """Weights that are reported: the moving average or those of the last step."""
    base: list[str]
    """Overrides of every row."""
    scales: dict[str, AtScale] = field(default_factory=dict)
    """What the table sets at a scale, by the scale's name."""
    protocol: str | None = None
    """Option of conf/protocol; null: as the scale has it."""
    margin: float | None = None
    """Points within which two rows count as equal."""
    converged: Convergence = Convergence()
    columns: list[str] = field(default_factory=list)
    """Columns of the report, in order; none: all that have something to show."""
    not_reproducible: str | None = None
    """Why the table cannot be run."""
    changes: list[str] = field(default_factory=list)
    """Settings that any row may change beside its own `changes`; the user may override them."""
    quoted: list[str] = field(default_factory=list)
    """Ids of cells in papers.yaml that the paper's table cites from elsewhere."""
    rows: list[TableRow]

    @property
    def first_built_on(self) -> TableRow:
        """The first row that does not stand alone."""
        return next((row for row in self.rows if not row.standalone), self.rows[0])

    def adding_up_to(self, row: TableRow) -> list[TableRow]:
        """The rows whose settings `row` has, itself last."""
        if self.mode == "independent" or row.standalone:
            return [row]
        return [one for one in self.rows[: self.rows.index(row) + 1] if not one.standalone]


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
