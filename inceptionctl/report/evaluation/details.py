"""details.json: all that can be said of an evaluation from its record and what the network said of every image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from inceptionctl.evaluation.calibration import ReliabilityBin, brier_score, overconfidence, reliability
from inceptionctl.evaluation.confusion import (
    ClassAccuracy,
    ConfusedPair,
    Confusion,
    class_accuracies,
    confused_pairs,
    confusion,
)
from inceptionctl.evaluation.coverage import TARGETS, CoverageAt, CoverageCurve, coverage_curve
from inceptionctl.evaluation.intervals import Share, share
from inceptionctl.evaluation.sanity import warnings
from inceptionctl.runs.evaluations import Predictions
from inceptionctl.runs.io import Record
from inceptionctl.runs.records.evaluation import EvaluationRecord, ImageSet, ProtocolRecord


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Of the images that were read. `nll` in nats, `ece` in percent, `overconfidence` in points; `brier`: None where
    the probabilities of all classes are not stored or several classes may be right."""

    nll: float
    ece: float
    brier: float | None
    confidence: float
    overconfidence: float
    bins: list[ReliabilityBin]


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Of the images that were read; `risk_area` in percent."""

    risk_area: float
    at: list[CoverageAt]


@dataclass(frozen=True, kw_only=True)
class Details(Record):
    """Errors and accuracies in percent. `network`: what is evaluated; `classes`: names, by index; `of_classes`: those
    that have images; `pairs`: most confused first; `unreadable` and `several`: images that are in no pair, because they
    could not be read or several classes are right (these are in no class's accuracy either). `calibration` and
    `coverage` are None in the oldest evaluations, which have no confidence of images."""

    schema: Literal[1] = 1
    image_set: ImageSet
    protocol: ProtocolRecord
    network: str
    top1_error: Share
    top5_error: Share | None
    classes: list[str]
    of_classes: list[ClassAccuracy]
    pairs: list[ConfusedPair]
    unreadable: int
    several: int
    calibration: Calibration | None
    coverage: Coverage | None
    warnings: list[str]


@dataclass(frozen=True)
class Findings:
    """Details with the arrays that figures are drawn from."""

    details: Details
    confusion: Confusion
    curve: CoverageCurve | None


def find(record: EvaluationRecord, predictions: Predictions, classes: Sequence[str]) -> Findings:
    """`classes`: names of the network's classes."""
    several_N = has_several(predictions)
    top1_N, read_N = predictions.top5_NK[:, 0], predictions.top5_NK[:, 0] >= 0
    found = confusion(predictions.label_N, top1_N, len(classes), several_N)
    pairs = confused_pairs(found)
    curve = None
    if predictions.confidence_N is not None and read_N.any():
        curve = coverage_curve(predictions.confidence_N[read_N], predictions.correct_N[read_N])
    details = Details(
        image_set=record.image_set,
        protocol=record.protocol,
        network=network_text(record),
        top1_error=error(predictions, 1),
        top5_error=None if record.top5_error is None else error(predictions, 5),
        classes=list(classes),
        of_classes=class_accuracies(predictions.label_N, predictions.correct_N, predictions.group_N, pairs, several_N),
        pairs=pairs,
        unreadable=found.unreadable,
        several=found.several,
        calibration=_calibration(record, predictions, read_N) if curve else None,
        coverage=Coverage(risk_area=curve.risk_area, at=[curve.at(one) for one in TARGETS]) if curve else None,
        warnings=doubts(predictions, classes),
    )
    return Findings(details, found, curve)


def network_text(record: EvaluationRecord) -> str:
    """What is evaluated: the weights of a run; the label of a single network, with its weights if it is a run's; the
    number of networks."""
    if not record.members:
        return f"{record.weights} weights"
    if len(record.members) > 1:
        return record.weights
    (member,) = record.members
    return f"{member.label}, {member.weights}" if member.run else member.label


def error(predictions: Predictions, top: int) -> Share:
    return share(~predictions.hit_N(top), predictions.group_N)


def doubts(predictions: Predictions, classes: Sequence[str]) -> list[str]:
    """Warnings of labels, classes and network that do not seem to belong together."""
    kept_N = (predictions.top5_NK[:, 0] >= 0) & ~has_several(predictions)
    confidence_N = None if predictions.confidence_N is None else predictions.confidence_N[kept_N]
    label_N, top1_N, group_N = predictions.label_N, predictions.top5_NK[:, 0], predictions.group_N
    return warnings(label_N[kept_N], top1_N[kept_N], group_N[kept_N], classes, confidence_N)


def has_several(predictions: Predictions) -> np.ndarray:
    """Whether several classes are right for an image (ReaL's labels)."""
    if predictions.labels_NL is None:
        return np.zeros(len(predictions.label_N), bool)
    return np.asarray((predictions.labels_NL >= 0).sum(axis=1) > 1)


def _calibration(record: EvaluationRecord, predictions: Predictions, read_N: np.ndarray) -> Calibration:
    assert predictions.confidence_N is not None
    confidence_N, correct_N = predictions.confidence_N[read_N], predictions.correct_N[read_N]
    brier = None
    if predictions.p_NK is not None and predictions.labels_NL is None:
        brier = brier_score(predictions.p_NK[read_N], predictions.label_N[read_N])
    return Calibration(
        nll=record.nll,
        ece=record.ece,
        brier=brier,
        confidence=float(100 * confidence_N.astype(np.float64).mean()),
        overconfidence=overconfidence(confidence_N, correct_N),
        bins=reliability(confidence_N, correct_N, predictions.group_N[read_N]),
    )
