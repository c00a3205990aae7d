"""The settings of `inceptionctl ablate` itself: which rows, in what order, with which seeds, until when."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from inceptionctl.config.keys import settings_of
from inceptionctl.config.overrides import parse
from inceptionctl.config.validate import parse_as
from inceptionctl.config.values import values_of, written
from inceptionctl.errors import RequestError
from inceptionctl.settings import Count, Flag, Integer, NonNegativeInt, Positive, section

Crossing = Literal["cumulative", "leave_one_out", "grid"]
MORE_SEEDS = re.compile(r"seeds=\+(\d{1,4})")
MOST_ORDERS = 10_000
LEAST_RATES = 3  # with two, the better one is always at the edge


@section
class TableSettings:
    """A default of null is "not asked for"."""

    seeds: int | list[int]
    """Seeds of each row: 3 is 0, 1, 2; [5,6] names them; +2 adds two to those that the table has."""
    switches: list[str]
    """Switches of conf/ablation to cross, instead of a table: 'switches=[label_smoothing,bn_auxiliary]'."""
    mode: Crossing | None
    """How switches= are crossed: each added to those before, each left out of all, or every combination."""
    order: Literal["permute"] | None
    """Whether the switches of a cumulative table are added in several orders, for the mean contribution of each."""
    orders: Annotated[Integer, Field(ge=2, le=MOST_ORDERS)] | None
    """Number of random orders; null: all of them, for up to 4 switches."""
    order_seed: NonNegativeInt
    """Seed that random orders are drawn with."""
    null: Flag
    """Whether an A/A row is added: the first row again with other seeds, where any difference is a false alarm."""
    until: Literal["resolved"] | None
    """When to stop before max_seeds: as soon as every comparison is resolved, by intervals that allow for the looks."""
    max_seeds: Count | None
    """Most seeds of each row, with until=resolved."""
    looks: Count | None
    """How often, at equal numbers of seeds, until=resolved looks at the results."""
    found_in: list[str]
    """More folders whose runs count as cells: other outputs, or the runs of one name: 'found_in=[/data/outputs]'."""
    lr_policy: Literal["shared", "tuned"]
    """Whether all rows have one learning rate, or each the best of lr_grid by the dev split."""
    lr_grid: list[Positive]
    """Learning rates that lr_policy=tuned tries: at least three, such as 'lr_grid=[0.1,0.2,0.4]'."""
    tune_seeds: Count
    """Seeds of each learning rate that lr_policy=tuned tries."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`settings` as typed or as conf/ablate.yaml has them; `typed`: the keys of those that were typed; `more_seeds`: of
    seeds=+N, which Hydra reads as N; `words`: what was typed for every row."""

    settings: TableSettings
    typed: frozenset[str]
    more_seeds: int | None
    words: list[str]

    @classmethod
    def read(cls, tree: Mapping[str, Any], words: Sequence[str]) -> Asked:
        """Raises RequestError for a value that its setting does not take, and for settings that do not go together."""
        own, overrides = own_settings(), parse(words)
        seeds = [o.input_line or "" for o in overrides if o.key_or_group == "seeds"]
        more = MORE_SEEDS.fullmatch(seeds[0]) if seeds else None
        if more and not int(more[1]):
            raise RequestError(f"{seeds[0]} adds no seed")
        values = {key: tree[key] for key in own} | {"seeds": [0]}  # seeds_of reads them, with messages of its own
        asked = cls(
            settings=parse_as(TableSettings, values),
            typed=frozenset(o.key_or_group for o in overrides),
            more_seeds=int(more[1]) if more else None,
            words=[o.input_line or "" for o in overrides if o.key_or_group not in own],
        )
        _check_together(asked)
        return asked


def own_settings() -> dict[str, str]:
    """What each is for, and the values that it takes."""
    return {
        setting.key: f"{setting.docs} [{_values(setting.key, setting.kind)}]" for setting in settings_of(TableSettings)
    }


def _values(key: str, kind: object) -> str:
    return "integer or list" if key == "seeds" else values_of(kind)


def _check_together(asked: Asked) -> None:
    settings, typed = asked.settings, asked.typed
    if settings.switches and "table" in typed:
        raise RequestError(
            "table= and switches= do not go together: a table has its own switches\n  leave one of them out"
        )
    if settings.switches and settings.mode is None:
        raise RequestError(
            "switches= needs mode=cumulative (each is added to those before), mode=leave_one_out (each is left out of "
            "all) or mode=grid (every combination)"
        )
    _need(asked, "mode", "switches", bool(settings.switches))
    _need(asked, "orders", "order=permute", settings.order is not None)
    _need(asked, "order_seed", "order=permute with orders=N", settings.orders is not None)
    if settings.order and settings.switches and settings.mode != "cumulative":
        raise RequestError(f"order=permute is for mode=cumulative, and mode={settings.mode} has no order: leave it out")
    _check_until(asked)
    _check_tuning(asked)


def _check_until(asked: Asked) -> None:
    settings = asked.settings
    for key in ("max_seeds", "looks"):
        _need(asked, key, "until=resolved", settings.until is not None)
    if settings.until is None:
        return
    if "seeds" in asked.typed:
        raise RequestError("until=resolved chooses the number of seeds, up to max_seeds=N: leave seeds= out")
    if settings.order:
        raise RequestError("until=resolved compares rows, and order=permute averages over them: give seeds=N")
    if settings.max_seeds is None or settings.looks is None:
        raise RequestError("until=resolved needs max_seeds=N, the most seeds of a row, and looks=K, such as looks=4")
    if settings.looks < 2:
        raise RequestError(f"looks={settings.looks}: one look is seeds={settings.max_seeds}; until=resolved needs two")
    if settings.max_seeds < 2 * settings.looks:
        raise RequestError(
            f"max_seeds={settings.max_seeds} looks={settings.looks}: each look needs at least two more seeds of a row\n"
            f"  give max_seeds={2 * settings.looks} or more, or fewer looks"
        )


def _check_tuning(asked: Asked) -> None:
    grid, tuned = asked.settings.lr_grid, asked.settings.lr_policy == "tuned"
    for key in ("lr_grid", "tune_seeds"):
        _need(asked, key, "lr_policy=tuned", tuned)
    if tuned and (len(grid) < LEAST_RATES or len({*grid}) < len(grid)):
        raise RequestError(f"lr_grid={written(grid)}: give at least {LEAST_RATES} learning rates, each once")


def _need(asked: Asked, key: str, other: str, there: bool) -> None:
    if key in asked.typed and not there:
        raise RequestError(f"{key}= has no effect without {other}")
