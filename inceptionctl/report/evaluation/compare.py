"""Two stored evaluations compared image by image, or refused with what differs between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from inceptionctl.errors import RequestError, count, shortened
from inceptionctl.evaluation.paired import PairedDifference, paired_difference
from inceptionctl.runs.evaluations import Predictions
from inceptionctl.runs.records.evaluation import EvaluationRecord, ProtocolRecord

KINDS = ("ema", "raw", "best-ema", "best-raw")  # of a run's weights: those of one kind are compared
SET_FIELDS = ("data", "split", "blacklist", "digest", "labels")  # not what it is called and where it lies


@dataclass(frozen=True)
class Evaluated:
    """`label`: what the user calls it."""

    label: str
    record: EvaluationRecord
    predictions: Predictions


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """`top5`: None where there are not more than five classes; `notes`: differences that do not forbid it."""

    first: str
    second: str
    top1: PairedDifference
    top5: PairedDifference | None
    notes: list[str]


def compare(first: Evaluated, second: Evaluated) -> Comparison:
    """Raises RequestError, naming what differs, unless both are of the same images, labels, protocol and kind of
    weights."""
    if differences := [*_of_records(first.record, second.record), *_of_images(first.predictions, second.predictions)]:
        listed = "\n  ".join(differences)
        raise RequestError(f"{first.label} and {second.label} cannot be compared: they differ in\n  {listed}")
    has_top5 = first.record.top5_error is not None and second.record.top5_error is not None
    return Comparison(
        first=first.label,
        second=second.label,
        top1=_paired(first, second, 1),
        top5=_paired(first, second, 5) if has_top5 else None,
        notes=list(_notes(first.record, second.record)),
    )


def comparison_lines(found: Comparison) -> list[str]:
    """For the terminal."""
    named = [("top-1", found.top1), ("top-5", found.top5)]
    lines = [f"{found.second} against {found.first}, {found.top1.n_images:,} images:"]
    lines += [f"  {name} error {_text(one)}" for name, one in named if one]
    return lines + [f"  {note}" for note in found.notes]


def _text(one: PairedDifference) -> str:
    p = "p < 0.001" if one.p < 0.001 else f"p = {one.p:.3f}"
    verdict = "no difference shown" if one.p >= 0.05 else "lower" if one.change < 0 else "higher"
    counts = f"{one.only_second:,} images right only here, {one.only_first:,} only there"
    return f"{one.change:+.2f} points [{one.low:+.2f}, {one.high:+.2f}], {p} (McNemar): {verdict}; {counts}"


def _paired(first: Evaluated, second: Evaluated, top: int) -> PairedDifference:
    ours, theirs = first.predictions, second.predictions
    return paired_difference(ours.hit_N(top), theirs.hit_N(top), ours.group_N)


def _of_records(first: EvaluationRecord, second: EvaluationRecord) -> Iterator[str]:
    for name in SET_FIELDS:
        yield from _difference(f"image_set.{name}", getattr(first.image_set, name), getattr(second.image_set, name))
    yield from _of_protocols(first.protocol, second.protocol)
    if first.weights in KINDS and second.weights in KINDS:
        yield from _difference("weights", first.weights, second.weights)
    if first.unreadable or second.unreadable:
        yield from _difference("unreadable images", first.unreadable_as, second.unreadable_as)


def _of_protocols(first: ProtocolRecord, second: ProtocolRecord) -> Iterator[str]:
    """Records that have all settings have names that tell protocols apart; sizes that follow from a network's input may
    differ between two of one name. The oldest records have a few values instead of settings."""
    yield from _difference("protocol.name", first.name, second.name)
    with_settings = bool(first.settings and second.settings)
    if with_settings and first.name == second.name:
        return
    ours, theirs = (one.settings if with_settings else _values(one) for one in (first, second))
    for name in dict.fromkeys([*ours, *theirs]):
        if name != "name":
            yield from _difference(f"protocol.{name}", ours.get(name), theirs.get(name))


def _values(one: ProtocolRecord) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name not in ("settings", "decoder", "resizer")}


def _of_images(first: Predictions, second: Predictions) -> Iterator[str]:
    """Which images, and what they are."""
    ours, theirs = _places(first), _places(second)
    only_ours, only_theirs = len(np.setdiff1d(ours, theirs)), len(np.setdiff1d(theirs, ours))
    if only_ours or only_theirs:
        yield f"images: {only_ours:,} only in the first, {only_theirs:,} only in the second"
    elif len(ours) != len(theirs) or (ours != theirs).any():
        yield "images: their order"
    elif differ := _differing_labels(first, second):
        yield f"labels: of {count(differ, 'image')}"


def _places(one: Predictions) -> np.ndarray:
    return np.arange(len(one.label_N)) if one.index_N is None else one.index_N


def _differing_labels(first: Predictions, second: Predictions) -> int:
    """Images whose right labels are not the same; ReaL's are padded to any number."""
    return sum(
        set(ours) - {-1} != set(theirs) - {-1} for ours, theirs in zip(_labels(first), _labels(second), strict=True)
    )


def _labels(one: Predictions) -> list[list[int]]:
    """All that are right, of each image."""
    labels_NL: np.ndarray = one.label_N[:, None] if one.labels_NL is None else one.labels_NL
    return labels_NL.tolist()  # type: ignore[no-any-return]


def _difference(name: str, first: object, second: object) -> Iterator[str]:
    if first != second:
        yield f"{name} = {shortened(str(first))}, not {shortened(str(second))}"


def _notes(first: EvaluationRecord, second: EvaluationRecord) -> Iterator[str]:
    for name in ("decoder", "resizer"):
        yield from _difference(f"note: protocol.{name}", *(getattr(one.protocol, name) for one in (first, second)))
    yield from _difference("note: device", first.device, second.device)
