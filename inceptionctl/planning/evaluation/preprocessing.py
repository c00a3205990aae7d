"""How the images are prepared that a release is published with: its own resize, crop and filter, as words of `eval`."""

from __future__ import annotations

from typing import Any

from inceptionctl.models.weights.releases import Release
from inceptionctl.papers.records import load


def preprocessing(entry: Release) -> list[str]:
    """From papers.yaml (released_weights), or else from timm's own settings of the weights."""
    stated = next((one for one in load()["released_weights"] if _is_of(one, entry)), None)
    if stated is None:
        return _of_timm(entry)
    if entry.publisher == "timm":
        return _timm_words(stated["crop_pct"], stated["interpolation"])
    return [
        "protocol=torchvision",
        f"protocol.resize={stated['crop_pct']['resize']}",
        f"protocol.interpolation={stated['interpolation']}",
    ]


def _is_of(record: dict[str, Any], entry: Release) -> bool:
    return str(record["library"]).startswith(entry.publisher) and record["weights"] == f"{entry.model}.{entry.tag}"


def _of_timm(entry: Release) -> list[str]:
    if entry.publisher != "timm":
        return []
    from timm.models import get_pretrained_cfg  # imports torch: for weights that papers.yaml does not have

    found = get_pretrained_cfg(f"{entry.model}.{entry.tag}")
    return _timm_words(found.crop_pct, found.interpolation) if found else []


def _timm_words(crop_pct: float, interpolation: str) -> list[str]:
    return ["protocol=timm", f"protocol.crop_pct={crop_pct}", f"protocol.interpolation={interpolation}"]
