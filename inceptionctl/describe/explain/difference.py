"""Every setting that differs between two sides, where the paper's value comes from and what is published on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from inceptionctl.config.idle import effective_settings
from inceptionctl.config.keys import PLACES, matches, path_keys
from inceptionctl.describe.explain.evaluated import Evaluated
from inceptionctl.describe.explain.sides import Side
from inceptionctl.papers.provenance import Effect, Source, effects_of, paper_of, source_of

ABSENT = "-"  # a setting that only one side has
NOT_COMPARED = (*PLACES, "tuned", "weights_key", "resolved", "protocol", "data.renderings", "train.monitor")
WHOLE = ("data", "augment")  # groups whose options are compared by their names first
STATUS = ("stated", "read", "not_stated", None)  # the order among settings without a figure


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`source`: where the paper's value comes from, None if that has not been looked up or is no question of a recipe;
    `effects`: on the error of the first side."""

    key: str
    a: Any
    b: Any
    source: Source | None = None
    effects: list[Effect] = field(default_factory=list)

    @property
    def points(self) -> float | None:
        """The first published effect of this very change."""
        return next((e.points for e in self.effects if e.points is not None and not e.values), None)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """`paper`: whose recipe the settings are marked by."""

    a: Side
    b: Side
    paper: str | None
    settings: list[Difference]
    evaluation: list[Difference]

    @property
    def sum(self) -> float | None:
        """Of all published effects of these very changes."""
        points = [one.points for one in (*self.settings, *self.evaluation) if one.points is not None]
        return round(sum(points), 6) if points else None


def explain(a: Side, b: Side) -> Explanation:
    paper = b.paper or a.paper or paper_of(b.config.arch.name)
    recipe = effective_settings(a.config if a.paper and not b.paper else b.config)
    settings = [_with_source(one, paper, recipe) for one in _settings(a, b)]
    evaluation = [*_evaluation(a.evaluated, b.evaluated, recipe)] if a.evaluated and b.evaluated else []
    return Explanation(a=a, b=b, paper=paper, settings=sorted(settings, key=_rank), evaluation=evaluation)


def _settings(a: Side, b: Side) -> Iterator[Difference]:
    one, other = (_compared(side) for side in (a, b))
    of_runs = not (a.paper or b.paper)
    for key in dict.fromkeys([*other, *one]):
        left, right = one.get(key, ABSENT), other.get(key, ABSENT)
        group, _, leaf = key.partition(".")
        named = f"{group}.name"
        follows = group in WHOLE and leaf != "name" and one.get(named) != other.get(named)
        if repr(left) != repr(right) and not follows and (of_runs or key != "seed"):
            yield Difference(key=key, a=left, b=right)


def _compared(side: Side) -> dict[str, Any]:
    """Its settings without those that say where or how it runs or is evaluated; of its data, the digest instead."""
    settings = effective_settings(side.config)
    kept = {key: value for key, value in settings.items() if not matches(key, (*NOT_COMPARED, *path_keys()))}
    digest = side.config.resolved.data_fingerprint
    return kept | ({"data.digest": digest} if digest else {}) | {"weights": side.config.weights}


def _with_source(one: Difference, paper: str | None, recipe: dict[str, Any]) -> Difference:
    return Difference(
        key=one.key,
        a=one.a,
        b=one.b,
        source=source_of(paper, one.key, recipe),
        effects=effects_of(one.key, one.b, one.a, recipe),
    )


def _evaluation(a: Evaluated, b: Evaluated, recipe: dict[str, Any]) -> Iterator[Difference]:
    """What is not known of one side is no difference."""
    settings = recipe | {name: value for name, value in b.values.items() if value is not None}
    for key, right in b.values.items():
        left = a.values[key]
        if left is not None and right is not None and left != right:
            yield Difference(key=key, a=left, b=right, effects=effects_of(key, right, left, settings))


def _rank(one: Difference) -> tuple[float, int, int]:
    """The largest published effect first, then claims without a figure, then what the paper states."""
    status = one.source.status if one.source else None
    return -abs(one.points or 0.0), 0 if one.effects else 1, STATUS.index(status)
