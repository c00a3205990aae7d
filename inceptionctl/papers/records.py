"""The papers' figures, by the ids of the records in papers.yaml, the project's only copy of them. No torch."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from inceptionctl.errors import unknown

# libyaml reads the file in 0.06 s; the pure Python loader, for platforms whose wheel lacks it, takes 0.4 s.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MILLION, BILLION = 10**6, 10**9
PARAMS = {"parameters": 1, "million_params": MILLION, "parameters_millions": MILLION}
MACS = {"million_mult_adds": MILLION, "cost_billion_multiply_adds": BILLION, "flops_billion": BILLION}
# Keys of errors in percent, and of accuracies with the factor that makes them percent; {} is 1 or 5.
ERRORS = ("top{}_error_pct", "top{}_val_error_pct", "top{}_error_pct_aaai", "caffe_model_top{}_error_pct")
ACCURACIES = {"top{}_accuracy": 100.0, "top{}_accuracy_pct": 1.0, "centre_crop_top{}_accuracy": 100.0}
STEPS = "steps_to_72_2_millions"  # Batch Normalization, Figure 3: to 72.2 % accuracy
SPEED = "steps_per_second"
FACT_ACCURACY, GAIN = "_top1_accuracy_pct", re.compile(r"gain_\w*top1_pct")
# Every value that a report prints, with the most that it can be.
READ_VALUES = {
    **{key.format(top): 100.0 for key in ERRORS for top in (1, 5)},
    **{key.format(top): 100.0 / percent for key, percent in ACCURACIES.items() for top in (1, 5)},
    **dict.fromkeys(["cost_billion_multiply_adds", *PARAMS, STEPS, SPEED], math.inf),
}


@dataclass(frozen=True)
class PaperCell:
    """One row of a paper's table as printed: errors in percent, cost in 10^9 multiply-adds, parameters, millions of
    training steps to the error that the paper chose; None: not printed. `crops`: their number, or "dense"."""

    id: str
    label: str
    top1_error: float | None = None
    top5_error: float | None = None
    cost_billion: float | None = None
    n_images: int | None = None
    caveat: str | None = None
    params: float | None = None
    steps_millions: float | None = None
    steps_per_second: float | None = None
    models: int | None = None
    crops: int | str | None = None

    def value(self, metric: str) -> float | None:
        """What is printed of a metric of tables/metric.py. Of steps to an error, those to the paper's own."""
        if metric.startswith("steps_to"):
            return None if self.steps_millions is None else round(self.steps_millions * MILLION, 3)
        return {"final": self.top1_error, "steps_per_second": self.steps_per_second}.get(metric)


@dataclass(frozen=True)
class PaperSize:
    """A network's size as its paper prints it: parameters and multiply-adds; None: not printed."""

    id: str
    source: str
    params: float | None
    macs: float | None


@cache
def load() -> dict[str, Any]:
    return yaml.load(files("inceptionctl.papers").joinpath("papers.yaml").read_text(encoding="utf-8"), _Loader)  # type: ignore[no-any-return]


@cache
def _records() -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in load()["records"]}


def ids() -> list[str]:
    """Of all records, which are rows of tables."""
    return list(_records())


def papers() -> list[str]:
    """The keys of all papers."""
    return list(load()["papers"])


@cache
def value_keys() -> frozenset[str]:
    return frozenset(key for record in load()["records"] for key in record["values"])


@cache
def eval_keys() -> frozenset[str]:
    return frozenset(key for record in load()["records"] for key in record.get("eval", {}))


def paper_cell(record_id: str, others: Collection[str] = ()) -> PaperCell:
    """Raises RequestError for an id that papers.yaml does not have. `others`: more ids that would do."""
    if fact := fact_cells().get(record_id):
        return fact
    if record_id not in _records():
        paper = record_id.partition(".")[0]
        choices = [*others, *_records()]
        raise unknown(
            "record of a paper", record_id, [one for one in choices if one.startswith(f"{paper}.")] or choices
        )
    return cell_of(_records()[record_id])


def cell_of(record: dict[str, Any]) -> PaperCell:
    """A record as it stands in the file."""
    values, protocol = record["values"], record.get("eval", {})
    return PaperCell(
        id=record["id"],
        label=record["source"]["row"],
        top1_error=_error(values, 1),
        top5_error=_error(values, 5),
        cost_billion=values.get("cost_billion_multiply_adds"),
        n_images=protocol.get("n_images"),
        caveat=protocol.get("caveat"),
        params=_size(values, PARAMS),
        steps_millions=values.get(STEPS),
        steps_per_second=values.get(SPEED),
        models=values.get("models", protocol.get("models")),
        crops=values.get("crops", protocol.get("crops")),
    )


@cache
def fact_cells() -> dict[str, PaperCell]:
    """The facts of the papers' text that give errors of several networks, each by the fact's id and the network's name,
    such as rethinking.linear_vs_relu.relu_relu."""
    named = [
        (f"{fact['id']}.{key.removesuffix(FACT_ACCURACY)}", key, value)
        for fact in load()["text_facts"]
        if isinstance(fact["value"], dict)
        for key, value in fact["value"].items()
        if key.endswith(FACT_ACCURACY)
    ]
    return {
        name: PaperCell(name, key.removesuffix(FACT_ACCURACY).replace("_", " "), round(100 - float(value), 6))
        for name, key, value in named
    }


def stated_change(fact_id: str) -> float:
    """The change of the top-1 error, in points, that a fact of a paper's text states as a gain. Raises RequestError for
    a fact that states none."""
    gains = {
        fact["id"]: -float(value)
        for fact in load()["text_facts"]
        if isinstance(fact["value"], dict)
        for key, value in fact["value"].items()
        if GAIN.fullmatch(key)
    }
    if fact_id not in gains:
        raise unknown("fact that states a change", fact_id, gains)
    return gains[fact_id]


def paper_size(record_id: str) -> PaperSize:
    """The size in a record or a fact of the text. Raises RequestError for an id that papers.yaml does not have."""
    facts = {fact["id"]: fact for fact in load()["text_facts"]}
    if record_id not in _records() and record_id not in facts:
        raise unknown("record of papers.yaml", record_id, [*_records(), *facts])
    record = _records().get(record_id) or facts[record_id]
    values, source = record.get("values") or record["value"], record["source"]
    return PaperSize(record_id, f"{source['paper']}, {source['table']}", _size(values, PARAMS), _size(values, MACS))


def title(paper: str) -> str:
    """Its title; of a paper whose title papers.yaml does not have, authors and year."""
    facts = load()["papers"][paper]
    return str(facts.get("title") or f"{facts['authors']} {facts['year']}")


def _error(values: dict[str, Any], top: int) -> float | None:
    """In percent; some records have accuracies instead, in percent or as fractions."""
    for key in (key.format(top) for key in ERRORS):
        if values.get(key) is not None:
            return float(values[key])
    for key, percent in ((key.format(top), percent) for key, percent in ACCURACIES.items()):
        if values.get(key) is not None:
            return round(100 - percent * float(values[key]), 6)  # without the noise of binary fractions
    return None


def _size(values: dict[str, Any], units: dict[str, int]) -> float | None:
    """The first of these keys that has a value, times its unit, without the noise of binary fractions."""
    return next((round(float(values[k]) * unit, 3) for k, unit in units.items() if values.get(k) is not None), None)
