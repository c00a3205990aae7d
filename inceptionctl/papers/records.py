"""The papers' figures: the project's own copy of them, papers.yaml, by the ids of its records. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from inceptionctl.errors import unknown

# libyaml reads the file in 0.06 s; the pure Python loader, for platforms whose wheel lacks it, takes 0.4 s.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Printed:
    """One row of a paper's table, as printed: errors in percent, cost in 10^9 multiply-adds, None where it has none."""

    id: str
    label: str
    top1_error: float | None
    top5_error: float | None
    cost_billion: float | None
    n_images: int | None
    caveat: str | None


@cache
def figures() -> dict[str, Any]:
    return yaml.load(files("inceptionctl.papers").joinpath("papers.yaml").read_text(), _Loader)  # type: ignore[no-any-return]


@cache
def _records() -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in figures()["records"]}


def printed(record_id: str) -> Printed:
    """Raises RequestError for an id that papers.yaml does not have."""
    if record_id not in _records():
        raise unknown("record of papers.yaml", record_id, _records())
    record = _records()[record_id]
    values, protocol = record["values"], record.get("eval", {})
    return Printed(
        id=record_id,
        label=record["source"]["row"],
        top1_error=_error(values, 1),
        top5_error=_error(values, 5),
        cost_billion=values.get("cost_billion_multiply_adds"),
        n_images=protocol.get("n_images"),
        caveat=protocol.get("caveat"),
    )


def unprinted(label: str) -> Printed:
    """A row that no paper has."""
    return Printed("", label, None, None, None, None, None)


def _error(values: dict[str, Any], top: int) -> float | None:
    """The records state errors in percent, or accuracies in percent or as shares."""
    for key in (f"top{top}_error_pct", f"top{top}_val_error_pct", f"caffe_model_top{top}_error_pct"):
        if values.get(key) is not None:
            return float(values[key])
    shares = {f"top{top}_accuracy": 100.0, f"top{top}_accuracy_pct": 1.0, f"centre_crop_top{top}_accuracy": 100.0}
    for key, percent in shares.items():
        if values.get(key) is not None:
            return round(100 - percent * float(values[key]), 6)  # takes away what binary fractions add
    return None


def title(paper: str) -> str:
    return str(figures()["papers"][paper]["title"])


def computed(network: str, variant: str) -> dict[str, int]:
    """Parameters and multiply-adds counted for a variant (`computed_costs`), by the beginning of its description."""
    for entry in figures()["computed_costs"]:
        if entry["network"] == network and entry["variant"].startswith(variant):
            return {"params": entry["params"], "macs": entry["macs"]}
    raise unknown("computed cost", f"{network}: {variant}", {e["network"] for e in figures()["computed_costs"]})


@dataclass(frozen=True)
class Claim:
    """What a paper says of a network's size, as printed but in units: parameters and multiply-adds, None if unsaid."""

    id: str
    source: str
    params: float | None
    macs: float | None


PARAMS = {"parameters": 1, "million_params": 10**6, "parameters_millions": 10**6}
MACS = {"million_mult_adds": 10**6, "cost_billion_multiply_adds": 10**9, "flops_billion": 10**9}


def claimed(record_id: str) -> Claim:
    """The size in a record or a text fact. Raises RequestError for an id that papers.yaml does not have."""
    facts = {fact["id"]: fact for fact in figures()["text_facts"]}
    if record_id not in _records() and record_id not in facts:
        raise unknown("record of papers.yaml", record_id, [*_records(), *facts])
    found = _records().get(record_id) or facts[record_id]
    values, source = found.get("values") or found["value"], found["source"]
    return Claim(record_id, f"{source['paper']}, {source['table']}", _size(values, PARAMS), _size(values, MACS))


def _size(values: dict[str, Any], units: dict[str, int]) -> float | None:
    """The first of these keys that has a value, times its unit; rounded, since 1.5 and the like are exact in print."""
    return next((round(float(values[k]) * unit, 3) for k, unit in units.items() if values.get(k) is not None), None)
