"""What a run leaves behind: predictions and result, or what it looked like when it blew up."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from inceptionctl.data.order import training_batches
from inceptionctl.evaluation.evaluate import Evaluation
from inceptionctl.planning.plan import Plan
from inceptionctl.runs.metrics import Row
from inceptionctl.runs.paths import RunDir, write_json, writing
from inceptionctl.training.meters import Diverged
from inceptionctl.training.step import Step
from inceptionctl.worker.logger import Record

Found = dict[str, Evaluation]  # by weights, "raw" and "ema"


def write_results(
    run: RunDir, made: Plan, record: Record, last: Found, best: Found | None, groups_N: np.ndarray
) -> None:
    """`last`: the weights of the last step, which are the run's figure; `best`: those chosen on the dev split."""
    protocol, progress, wall_s = made.config.protocol.name, record.progress, record.wall_s
    write_predictions(run.predictions(protocol), last, groups_N)
    result: Row = {
        "identity": made.identity,
        "arch": made.config.arch.name,
        "params": made.cost.params,
        "macs": made.cost.macs,
        "seed": made.config.seed,
        "epochs": made.config.train.epochs,
        "classes": list(made.data.classes),
        "status": "done",
        "selected_by": "last",
        "rollbacks": progress.rollbacks,
        "unreadable": progress.unreadable,
        "wall_s": wall_s,
        "images_per_s": made.clock.steps * made.config.train.batch_size / wall_s,
        "evaluations": _evaluations(made, last),
    }
    if best and progress.best:
        step, dev_error = progress.best
        write_predictions(run.predictions(f"{protocol}-best"), best, groups_N)
        result["best"] = {
            "selected_by": "dev",
            "step": step,
            "dev_top1_error": dev_error,
            "evaluations": _evaluations(made, best),
        }
    write_json(run.result, result)


def write_predictions(path: Path, found: Found, groups_N: np.ndarray) -> None:
    """Whole or not at all."""
    one = next(iter(found.values()))
    arrays = {"label": one.labels_N, "group": groups_N[one.indices_N]}
    for weights, evaluation in found.items():
        arrays |= {f"{weights}_top5": evaluation.top5_NK, f"{weights}_p_true": evaluation.p_true_N}
    with writing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def dump(run: RunDir, made: Plan, step: Step, error: Diverged) -> Path:
    """The weights as they are, which of them are no numbers, and the pictures of the step in question."""
    folder = run.diverged / f"step-{error.step:08d}"
    weights = {name: tensor.detach().to("cpu").contiguous() for name, tensor in step.model.state_dict().items()}
    settings = made.config
    (pictures,) = training_batches(
        made.data.train, settings.train.batch_size, settings.seed, error.step - 1, error.step
    )
    write_json(folder / "report.json", {
        "step": error.step,
        "loss": repr(error.loss),  # JSON has no word for what is no number
        "grad_norm": repr(error.grad_norm),
        "lr": made.schedule(error.step - 1),
        "not_finite": [name for name, tensor in weights.items() if not torch.isfinite(tensor).all()],
        "pictures": [{"epoch": epoch, "index": index} for epoch, index in pictures],
        "settings": {name: asdict(getattr(settings, name)) for name in ("optim", "schedule", "train")},
    })  # fmt: skip
    with writing(folder / "model.safetensors") as temporary:
        save_file(weights, temporary)
    return folder


def _evaluations(made: Plan, found: Found) -> list[Row]:
    settings = made.config
    rendered = settings.data.name == "digits"  # drawn at the input's size: nothing to resize, crop or decode
    return [
        {
            "protocol": settings.protocol.name,
            "weights": weights,
            **evaluation.row(),
            "resize": None if rendered else settings.arch.pixels,
            "crop": None if rendered else settings.protocol.crop,
            "interpolation": None if rendered else "bilinear",
            "decoder": None if rendered else "pillow",
            "blacklist": False,
            "eval_split": settings.data.eval_split,
        }
        for weights, evaluation in found.items()
    ]
