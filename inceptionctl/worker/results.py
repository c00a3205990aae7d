"""Writes the evaluations and result.json of a finished run, or a diagnostic dump after divergence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from inceptionctl.data.decode import decoder
from inceptionctl.data.index import FileList
from inceptionctl.data.order import training_batches
from inceptionctl.data.resize import resizer
from inceptionctl.evaluation.calibration import expected_calibration_error
from inceptionctl.evaluation.outcome import Evaluation
from inceptionctl.files import writing
from inceptionctl.planning.evaluation.records import image_set, protocol
from inceptionctl.planning.plan import Plan
from inceptionctl.runs.damage import read_result
from inceptionctl.runs.evaluations import Predictions, write_evaluation
from inceptionctl.runs.io import make_folder, write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRecord, EvaluationSummary
from inceptionctl.runs.records.process import Divergence
from inceptionctl.runs.records.result import Best, Result
from inceptionctl.training.meters import Diverged
from inceptionctl.training.step import TrainStep
from inceptionctl.worker.evaluator import BATCH_SIZE
from inceptionctl.worker.logger import Progress
from inceptionctl.worker.unreadable import unreadable_images


def write_evaluations(
    run: RunDir, plan: Plan, evaluations: Mapping[str, Evaluation], group_N: np.ndarray, device: str
) -> list[EvaluationSummary]:
    """`evaluations` by the weights that were evaluated; `group_N`: source of each image of the set."""
    return [
        write_evaluation(
            run, _record(plan, weights, one, device), predictions(one, group_N, plan.data.files.get("eval"))
        )
        for weights, one in evaluations.items()
    ]


def write_result(
    run: RunDir, plan: Plan, progress: Progress, wall_s: float, evaluations: list[EvaluationSummary]
) -> None:
    """The last file of a run: it is finished then. Earlier evaluations by other protocols follow `evaluations`."""
    files = {one.file for one in evaluations}
    before = read_result(run).evaluations if run.finished else []
    result = Result(
        identity=plan.identity,
        arch=plan.config.arch.name,
        params=plan.cost.params,
        macs=plan.cost.macs,
        seed=plan.config.seed,
        epochs=plan.config.train.epochs,
        classes=list(plan.data.classes),
        rollbacks=progress.rollbacks,
        unreadable=progress.unreadable,
        unreadable_images=unreadable_images(plan.data.files.get("train"), progress.unreadable_images),
        decoder=None if plan.config.data.drawn else decoder(),
        resizer=None if plan.config.data.drawn else resizer(plan.config.augment.resize_methods),
        wall_s=wall_s,
        images_per_s=plan.clock.steps * plan.config.train.batch_size / wall_s,
        best=Best(step=progress.best[0], dev_top1_error=progress.best[1]) if progress.best else None,
        evaluations=[*evaluations, *(one for one in before if one.file not in files)],
    )
    write_record(run.result, result)


def dump(run: RunDir, plan: Plan, step: TrainStep, error: Diverged) -> Path:
    """The weights as they are, which of them are not finite, and the images of the step at which training diverged."""
    folder, settings = run.diverged / f"step-{error.step:08d}", plan.config
    weights = {name: tensor.detach().to("cpu").contiguous() for name, tensor in step.model.state_dict().items()}
    (images,) = training_batches(
        plan.data.n_train, settings.train.batch_size, settings.seed, error.step - 1, error.step
    )
    report = Divergence(
        step=error.step,
        loss=repr(error.loss),
        grad_norm=repr(error.grad_norm),
        lr=plan.schedule(error.step - 1),
        not_finite=[name for name, tensor in weights.items() if not torch.isfinite(tensor).all()],
        images=[(int(epoch), int(index)) for epoch, index in images],
        settings={name: asdict(getattr(settings, name)) for name in ("optim", "schedule", "train")},
    )
    make_folder(run.diverged)
    make_folder(folder)
    write_record(folder / "report.json", report)
    with writing(folder / "model.safetensors") as temporary:
        save_file(weights, temporary)
    return folder


def _record(plan: Plan, weights: str, evaluation: Evaluation, device: str) -> EvaluationRecord:
    return EvaluationRecord(
        image_set=image_set(plan),
        protocol=protocol(plan),
        weights=weights,
        **figures(evaluation, plan.data.files.get("eval")),
        batch_size=BATCH_SIZE,
        device=device,
    )


def figures(evaluation: Evaluation, files: FileList | None) -> dict[str, Any]:
    """As an evaluation's record has them. `files`: of its set of images."""
    read_N, confidence_N, correct_N = evaluation.read_N, evaluation.confidence_N, evaluation.correct_N
    ece = expected_calibration_error(confidence_N[read_N], correct_N[read_N])
    unread = unreadable_images(files, evaluation.unreadable_places)
    return {**evaluation.metrics(), "ece": ece, "n_classes": evaluation.n_classes, "unreadable_images": unread}


def predictions(evaluation: Evaluation, group_N: np.ndarray, files: FileList | None) -> Predictions:
    """`group_N`: source of each image of the set; `files`: where they are read from."""
    index_N, several = evaluation.indices_N, evaluation.labels_NL.shape[1] > 1
    return Predictions(
        label_N=evaluation.labels_N,
        group_N=group_N[index_N],
        top5_NK=evaluation.top5_NK,
        p_true_N=evaluation.p_true_N,
        confidence_N=evaluation.confidence_N,
        index_N=index_N,
        path_N=files.paths_N[index_N] if files else None,
        labels_NL=evaluation.labels_NL if several else None,
        p_NK=evaluation.p_NK,
    )
