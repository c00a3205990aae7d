"""Evaluations of made-up networks: records with the arrays that belong to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from inceptionctl.runs.evaluations import Predictions
from inceptionctl.runs.records.evaluation import EvaluationRecord
from support.records import EVALUATION


def evaluation(
    n_classes: int = 10, n: int = 200, accuracy: float = 0.8, seed: int = 0, **arrays: np.ndarray
) -> tuple[EvaluationRecord, Predictions]:
    """Wrong images are taken for the next class. The confidence says how often a network is right."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, n_classes, n)
    confidence = generator.beta(8 * accuracy, 8 * (1 - accuracy), n).astype(np.float32)
    top1 = np.where(generator.random(n) < confidence, label, (label + 1) % n_classes)
    top5 = (top1[:, None] + np.arange(min(5, n_classes))) % n_classes
    found = Predictions(
        label_N=label,
        group_N=np.arange(n),
        top5_NK=top5,
        p_true_N=np.where(top1 == label, confidence, (1 - confidence) / 2).astype(np.float32),
        confidence_N=confidence,
        index_N=np.arange(n),
    )
    return with_arrays(replace(EVALUATION, n_classes=n_classes), found, **arrays)


def with_arrays(
    record: EvaluationRecord, predictions: Predictions, **arrays: np.ndarray | None
) -> tuple[EvaluationRecord, Predictions]:
    """The same evaluation with other arrays, and the errors that these give."""
    found = replace(predictions, **arrays)
    errors = [100 * float(1 - found.hit_N(top).mean()) for top in (1, 5)]
    few = record.n_classes <= 5
    changes = {"top1_error": errors[0], "top5_error": None if few else errors[1], "n_images": len(found.label_N)}
    return replace(record, **changes), found
