"""Errors that are published of released weights, of timm's and torchvision's and of other people's collections. No
torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from inceptionctl.papers.records import load

CROPS = {"single_crop_error_pct": 1, "crop10_error_pct": 10, "crop12_error_pct": 12}


@dataclass(frozen=True, kw_only=True)
class PublishedFigure:
    """Errors in percent; None: not published. `collection`: what papers.yaml (released_weights) calls the library;
    `weights`: as there."""

    collection: str
    weights: str
    crops: int
    top1_error: float | None
    top5_error: float | None
    note: str | None = None


def published() -> list[PublishedFigure]:
    """In the order of the file; of one record those of one crop first."""
    return [figure for record in load()["released_weights"] for figure in _figures(record)]


def _figures(record: dict[str, Any]) -> Iterator[PublishedFigure]:
    what = {"collection": record["library"], "weights": record["weights"], "note": record.get("note")}
    if "top1_accuracy_pct" in record:
        errors = [round(100 - record[f"top{top}_accuracy_pct"], 6) for top in (1, 5)]  # no noise of binary fractions
        yield PublishedFigure(**what, crops=1, top1_error=errors[0], top5_error=errors[1])
    for key, crops in CROPS.items():
        if errors_pct := record.get(key):
            yield PublishedFigure(
                **what, crops=crops, top1_error=errors_pct.get("top1"), top5_error=errors_pct.get("top5")
            )
