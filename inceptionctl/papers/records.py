"""The papers' figures, by the ids of the records in papers.yaml, the project's only copy of them. No torch."""

from __future__ import annotations

import math
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
ERRORS = ("top{}_error_pct", "top{}_val_error_pct", "caffe_model_top{}_error_pct")
ACCURACIES = {"top{}_accuracy": 100.0, "top{}_accuracy_pct": 1.0, "centre_crop_top{}_accuracy": 100.0}
# Every value that a report prints, with the most that it can be.
READ_VALUES = {
    **{key.format(top): 100.0 for key in ERRORS for top in (1, 5)},
    **{key.format(top): 100.0 / percent for key, percent in ACCURACIES.items() for top in (1, 5)},
    "cost_billion_multiply_adds": math.inf,
}


@dataclass(frozen=True)
class PaperCell:
    """One row of a paper's table as printed: errors in percent, cost in 10^9 multiply-adds; None: not printed."""

    id: str
    label: str
    top1_error: float | None = None
    top5_error: float | None = None
    cost_billion: float | None = None
    n_images: int | None = None
    caveat: str | None = None


@dataclass(frozen=True)
class PaperSize:
    """A network's size as its paper prints it: parameters and multiply-adds; None: not printed."""

    id: str
    source: str
    params: float | None
    macs: float | None


@cache
def load() -> dict[str, Any]:
    return yaml.load(files("inceptionctl.papers").joinpath("papers.yaml").read_text(), _Loader)  # type: ignore[no-any-return]


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
    )


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
