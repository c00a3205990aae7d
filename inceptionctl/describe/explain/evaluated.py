"""How the error of a side was taken: on which images, by how many crops and networks, with which weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from inceptionctl.papers.provenance import record
from inceptionctl.papers.records import paper_cell
from inceptionctl.runs.damage import read_own_evaluation, read_result
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRecord

NAMES = {"set": "image set", "images": "images", "protocol": "protocol", "crops": "crops", "models": "networks",
         "weights": "weights"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """`error`: top-1, in percent; None for what is not known. `images`: how many; `set`: which."""

    error: float | None
    set: str | None
    images: int | None
    protocol: str | None
    crops: int | None
    models: int | None
    weights: str | None

    @property
    def values(self) -> dict[str, Any]:
        """What the error depends on."""
        return {name: value for name, value in asdict(self).items() if name != "error"}


def of_run(run: RunDir) -> Evaluated | None:
    """Of a finished run, with its averaged weights; None of another. Raises FileError for damaged files."""
    if not run.finished:
        return None
    result = read_result(run)
    return _of_evaluation(read_own_evaluation(run, result, run.path / result.evaluation("ema").file))


def _of_evaluation(found: EvaluationRecord) -> Evaluated:
    images, protocol = found.image_set, found.protocol
    parts = [images.data, images.split, "without blacklist" if images.blacklist else "", images.digest or ""]
    return Evaluated(
        error=found.top1_error,
        set=" ".join(part for part in (*parts, "ReaL labels" if images.labels == "real" else "") if part),
        images=found.n_images,
        protocol=protocol.name,
        crops=protocol.crops,
        models=max(1, len(found.members)),
        weights=found.weights,
    )


def of_record(name: str) -> Evaluated:
    """Of a row of a paper's table, as far as the paper says."""
    entry = record(name)
    values, how = entry["values"], entry.get("eval", {})
    return Evaluated(
        error=paper_cell(name).top1_error,
        set=how.get("split"),
        images=_count(how.get("n_images")),
        protocol=None,
        crops=_count(how.get("crops", values.get("crops"))),
        models=_count(how.get("models", values.get("models"))),
        weights=None,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
