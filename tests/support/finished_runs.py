"""Finished runs with known figures, as training leaves them, but for their checkpoints and logs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from inceptionctl.config.compose import compose
from inceptionctl.config.identity import identity
from inceptionctl.config.label import typed_label
from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse
from inceptionctl.runs.config_file import write_config
from inceptionctl.runs.evaluations import Predictions, write_evaluation
from inceptionctl.runs.io import to_line, write_record
from inceptionctl.runs.label import write_label
from inceptionctl.runs.paths import RunDir
from support.records import EVAL_ROW, EVALUATION, RESULT, TRAIN_ROW

CLASSES = 10
EPOCHS, ROWS_AN_EPOCH = 8, 4  # of metrics


@cache
def config_of(*words: str) -> Config:
    return parse(compose("train", list(words)))


@dataclass(frozen=True)
class Images:
    """`n` images of which `renderings` each share a source."""

    n: int = 200
    renderings: int = 5
    digest: str | None = None

    def predictions(self, wrong: int, seed: int) -> Predictions:
        """`wrong` images, drawn by the seed, are taken for the class after theirs."""
        label = np.arange(self.n) % CLASSES
        first = label.copy()
        first[np.random.default_rng(seed).permutation(self.n)[:wrong]] += 1
        return Predictions(
            label_N=label,
            group_N=np.arange(self.n) // self.renderings,
            top5_NK=(first[:, None] + np.arange(5)) % CLASSES,
            p_true_N=np.full(self.n, 0.5, np.float32),
            confidence_N=np.full(self.n, 0.5, np.float32),
            index_N=np.arange(self.n),
        )


def finished_run(
    outputs: Path, *words: str, wrong: int, seed: int = 0, images: Images | None = None, protocol: str = "single"
) -> RunDir:
    """A run that `words` asked for, whose averaged weights miss `wrong` images and whose last weights miss two more."""
    images = images or Images()
    config = replace(config_of(*words), seed=seed)
    run = RunDir(outputs / "train" / f"{identity(config)}-0")
    run.path.mkdir(parents=True)
    write_config(run, config)
    write_label(run, typed_label([*words, *([f"seed={seed}"] if seed else [])]))
    summaries = []
    for weights, missed in (("ema", wrong), ("raw", wrong + 2)):
        error = 100 * missed / images.n
        record = replace(
            EVALUATION,
            image_set=replace(EVALUATION.image_set, digest=images.digest),
            protocol=replace(EVALUATION.protocol, name=protocol),
            weights=weights, n_images=images.n, top1_error=error, top5_error=error / 4,
        )  # fmt: skip
        summaries.append(write_evaluation(run, record, images.predictions(missed, seed)))
    names = [str(number) for number in range(CLASSES)]
    result = replace(RESULT, identity=run.identity, seed=seed, classes=names, arch=config.arch.name)
    write_record(run.result, replace(result, evaluations=summaries))
    run.metrics.write_bytes(b"".join(_metrics(100 * wrong / images.n, images.n, seed)))
    return run


def _metrics(error: float, n_images: int, seed: int) -> list[bytes]:
    """A loss that falls onto a plateau, an evaluation on a subset after each epoch, and one on all images."""
    steps = np.arange(1, EPOCHS * ROWS_AN_EPOCH + 1)
    noise = np.random.default_rng(seed).normal(0, 0.01, len(steps))
    loss = noise + 0.2 + 2.1 * np.exp(-1.5 * (steps - 1) / ROWS_AN_EPOCH)
    train = [
        replace(TRAIN_ROW, step=10 * step, epoch=step / ROWS_AN_EPOCH, loss=value)
        for step, value in zip(steps.tolist(), loss.tolist(), strict=True)
    ]
    seen = [
        replace(EVAL_ROW, epoch=float(epoch), n_images=50, top1_error=error + (99 - error) * 0.5**epoch)
        for epoch in range(1, EPOCHS + 1)
    ]
    final = replace(EVAL_ROW, epoch=float(EPOCHS), purpose="final", n_images=n_images, top1_error=error)
    return [to_line(row) for row in (*train, *seen, final)]
