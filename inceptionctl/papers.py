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
    return yaml.load(files("inceptionctl").joinpath("papers.yaml").read_text(), _Loader)  # type: ignore[no-any-return]


@cache
def _records() -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in figures()["records"]}


def printed(record_id: str) -> Printed:
    """Raises RequestError for an id that papers.yaml does not have."""
    if record_id not in _records():
        raise unknown("record of papers.yaml", record_id, _records())
    record = _records()[record_id]
    values, protocol = record["values"], record["eval"]
    return Printed(
        id=record_id,
        label=record["source"]["row"],
        top1_error=values.get("top1_error_pct"),
        top5_error=values.get("top5_error_pct"),
        cost_billion=values.get("cost_billion_multiply_adds"),
        n_images=protocol.get("n_images"),
        caveat=protocol.get("caveat"),
    )


def title(paper: str) -> str:
    return str(figures()["papers"][paper]["title"])


def computed(network: str, variant: str) -> dict[str, int]:
    """Parameters and multiply-adds counted for a variant (`computed_costs`), by the beginning of its description."""
    for entry in figures()["computed_costs"]:
        if entry["network"] == network and entry["variant"].startswith(variant):
            return {"params": entry["params"], "macs": entry["macs"]}
    raise unknown("computed cost", f"{network}: {variant}", {e["network"] for e in figures()["computed_costs"]})
