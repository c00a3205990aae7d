"""What an evaluation prints at its end: errors with their intervals, and what they are errors of."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.cells import cell_len, set_cell_size

from inceptionctl.errors import count
from inceptionctl.report.evaluation.details import error, network_text
from inceptionctl.report.evaluation.names import middle, one_line
from inceptionctl.report.evaluation.sentences import interval
from inceptionctl.runs.evaluations import Predictions
from inceptionctl.runs.records.evaluation import EvaluationRecord, ImageSet, ProtocolRecord, SubsetRecord

SCHEMA = 1
LABEL_WIDTH = 50  # columns, of a network's


def summary_lines(record: EvaluationRecord, predictions: Predictions) -> list[str]:
    """For the terminal."""
    lines = [f"top-1 error {interval(error(predictions, 1))}"]
    if record.top5_error is not None:
        lines.append(f"top-5 error {interval(error(predictions, 5))}")
    lines.append(f"{_images(record)}, {image_set_text(record.image_set)}; {protocol_text(record.protocol)}")
    lines.append(f"NLL {record.nll:.4f}, ECE {record.ece:.2f} %; {network_text(record)}")
    if effect := _design_effect(predictions):
        lines.append(effect)
    return lines + member_lines(record)


def member_lines(record: EvaluationRecord) -> list[str]:
    """The table of an ensemble: each member alone, all but each, and all; none for a single network."""
    if len(record.members) < 2:
        return []
    whole = SubsetRecord(
        label=f"all {len(record.members)}", top1_error=record.top1_error, top5_error=record.top5_error, nll=record.nll
    )
    rows = [(one.label, one) for one in record.alone] + [(f"without {one.label}", one) for one in record.without]
    rows.append((whole.label, whole))
    labels = [middle(one_line(label), LABEL_WIDTH) for label, _ in rows]
    width = max(map(cell_len, labels))
    titles = ("top-1", "top-5", "NLL")
    lines = [f"{set_cell_size('networks', width)}{''.join(f'{title:>9}' for title in titles)}"]
    for label, (_, one) in zip(labels, rows, strict=True):
        top5 = "-" if one.top5_error is None else f"{one.top5_error:.2f} %"
        lines.append(f"{set_cell_size(label, width)}{one.top1_error:>7.2f} %{top5:>9}{one.nll:>9.4f}")
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
        "unreadable_images": record.unreadable_images and asdict(record.unreadable_images),
        "top1_error": asdict(error(predictions, 1)),
        "top5_error": None if record.top5_error is None else asdict(error(predictions, 5)),
        "nll": record.nll,
        "ece": record.ece,
        **{name: [asdict(one) for one in getattr(record, name)] for name in ("members", "alone", "without")},
    }


def image_set_text(one: ImageSet) -> str:
    """`test of digits`, with what differs from all images under their own labels."""
    parts = [one.name if one.name == one.data else f"{one.name} of {one.data}"]
    parts += ["without blacklisted ones"] if one.blacklist else []
    parts += ["with ReaL labels"] if one.labels == "real" else []
    return ", ".join(parts)


def protocol_text(one: ProtocolRecord) -> str:
    views = "" if one.crops == 1 else f", {one.crops} views, mean of {one.averaging}"
    if one.averaging == "maximum":
        views = f", {one.crops} views, maximum of softmax"
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
