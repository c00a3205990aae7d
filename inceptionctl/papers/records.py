"""The papers' figures, by the ids of the records in papers.yaml, the project's only copy of them. No torch."""

from __future__ import annotations

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


def paper_cell(record_id: str) -> PaperCell:
    """Raises RequestError for an id that papers.yaml does not have."""
    if record_id not in _records():
        raise unknown("record of papers.yaml", record_id, _records())
    record = _records()[record_id]
    values, protocol = record["values"], record.get("eval", {})
    return PaperCell(
        id=record_id,
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
    return str(load()["papers"][paper]["title"])


def _error(values: dict[str, Any], top: int) -> float | None:
    """In percent; some records have accuracies instead, in percent or as fractions."""
    for key in (f"top{top}_error_pct", f"top{top}_val_error_pct", f"caffe_model_top{top}_error_pct"):
        if values.get(key) is not None:
            return float(values[key])
    accuracies = {f"top{top}_accuracy": 100.0, f"top{top}_accuracy_pct": 1.0, f"centre_crop_top{top}_accuracy": 100.0}
    for key, percent in accuracies.items():
        if values.get(key) is not None:
            return round(100 - percent * float(values[key]), 6)  # without the noise of binary fractions
    return None


def _size(values: dict[str, Any], units: dict[str, int]) -> float | None:
    """The first of these keys that has a value, times its unit, without the noise of binary fractions."""
    return next((round(float(values[k]) * unit, 3) for k, unit in units.items() if values.get(k) is not None), None)
