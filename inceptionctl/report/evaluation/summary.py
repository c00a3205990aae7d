"""What an evaluation prints at its end: errors with their intervals, and what they are errors of."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from inceptionctl.errors import count
from inceptionctl.report.evaluation.details import error
from inceptionctl.report.evaluation.sentences import interval
from inceptionctl.runs.evaluations import Predictions
from inceptionctl.runs.records.evaluation import EvaluationRecord, ImageSet, ProtocolRecord

SCHEMA = 1


def summary_lines(record: EvaluationRecord, predictions: Predictions) -> list[str]:
    """For the terminal."""
    lines = [f"top-1 error {interval(error(predictions, 1))}"]
    if record.top5_error is not None:
        lines.append(f"top-5 error {interval(error(predictions, 5))}")
    lines.append(f"{_images(record)}, {image_set_text(record.image_set)}; {protocol_text(record.protocol)}")
    lines.append(f"NLL {record.nll:.4f}, ECE {record.ece:.2f} %; weights {record.weights}")
    if effect := _design_effect(predictions):
        lines.append(effect)
    return lines


def summary(record: EvaluationRecord, predictions: Predictions) -> dict[str, Any]:
    """The same for programs: errors in percent."""
    return {
        "schema": SCHEMA,
        "weights": record.weights,
        "image_set": asdict(record.image_set),
        "protocol": asdict(record.protocol),
        "n_images": record.n_images,
        "unreadable": record.unreadable,
        "unreadable_as": record.unreadable_as,
        "top1_error": asdict(error(predictions, 1)),
        "top5_error": None if record.top5_error is None else asdict(error(predictions, 5)),
        "nll": record.nll,
        "ece": record.ece,
        "members": [asdict(one) for one in record.members],
    }


def image_set_text(one: ImageSet) -> str:
    """`test of digits`, with what differs from all images under their own labels."""
    parts = [one.name if one.name == one.data else f"{one.name} of {one.data}"]
    parts += ["without blacklisted ones"] if one.blacklist else []
    parts += ["with ReaL labels"] if one.labels == "real" else []
    return ", ".join(parts)


def protocol_text(one: ProtocolRecord) -> str:
    views = "" if one.crops == 1 else f", {one.crops} crops, mean of {one.averaging}"
    if one.averaging == "maximum":
        views = f", {one.crops} crops, maximum of softmax"
    return f"protocol {one.name}{views}"


def _images(record: EvaluationRecord) -> str:
    text = count(record.n_images, "image")
    if not record.unreadable:
        return text
    how = "counted as wrong" if record.unreadable_as == "wrong" else "left out"
    return f"{text}, {record.unreadable:,} unreadable {'among them ' if how != 'left out' else ''}{how}"


def _design_effect(predictions: Predictions) -> str:
    found = error(predictions, 1)
    if found.n_groups == found.n_images:
        return ""
    return f"intervals: {found.n_groups:,} sources of images, design effect {found.design_effect:.1f}"
