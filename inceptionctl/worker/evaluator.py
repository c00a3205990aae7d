"""Evaluates the weights of a run, all ranks together, and logs the figures."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from inceptionctl.data.images import DataSplits, Images
from inceptionctl.data.loader import Loader
from inceptionctl.data.order import share
from inceptionctl.evaluation.evaluate import Method, Network, combine, evaluate
from inceptionctl.evaluation.outcome import Evaluation
from inceptionctl.evaluation.protocol_base import ProtocolSettings
from inceptionctl.runs.heartbeat import Heartbeat
from inceptionctl.runs.records.metrics import Purpose
from inceptionctl.training.step import TrainStep
from inceptionctl.worker.logger import RunLogger

BATCH_SIZE = 100  # per device


@dataclass(frozen=True)
class Evaluator:
    """Evaluates the weights of `step` on `images` of `n_classes`. `protocol`: of the final evaluation; training is
    monitored with one view."""

    step: TrainStep
    images: DataSplits
    n_classes: int
    protocol: ProtocolSettings
    loader: Loader
    logger: RunLogger
    heartbeat: Heartbeat

    def monitor(self, num_images: int) -> None:
        """Logs the error of the average on the first of the monitored images."""
        self._evaluate("ema", "monitor", self.images.monitor, self._method(self.images.monitor, num_images))

    def select(self) -> float:
        """The top-1 error of the average on the dev split, in percent."""
        images = self.images.monitor
        return self._evaluate("ema", "selection", images, self._method(images)).error(1)

    def final(self, prefix: str = "") -> dict[str, Evaluation]:
        """The average and the raw weights on every evaluation image, by names that begin with `prefix`."""
        images, names = self.images.eval, [f"{prefix}ema", f"{prefix}raw"]
        method = by_protocol(self._method(images), self.protocol)
        return {weights: self._evaluate(weights, "final", images, method) for weights in names}

    def _method(self, images: Images, num_images: int | None = None) -> Method:
        labels_NL = np.asarray(images.labels_N[:num_images, None], np.int64)
        return Method(labels_NL=labels_NL, n_classes=self.n_classes, batch_size=BATCH_SIZE)

    def _evaluate(self, weights: str, purpose: Purpose, images: Images, method: Method) -> Evaluation:
        model = self.step.ema.module if weights.endswith("ema") else self.step.model
        context = self.step.context
        own = share(method.batches, context.rank, context.world_size)
        batches = self.heartbeat.during(self.loader.evaluation(images, own))
        evaluation = combine(evaluate([Network(model, self.step.to_device)], batches, method), context)
        check_complete(evaluation, method)
        self.logger.log_eval(weights, purpose, evaluation)
        return evaluation


def by_protocol(method: Method, protocol: ProtocolSettings) -> Method:
    """`method` with the views of a protocol."""
    return replace(
        method,
        averaging=protocol.averaging,
        mirrored=protocol.mirrored,
        num_views=protocol.num_views,
        uniform=protocol.uniform,
    )


def check_complete(evaluation: Evaluation, method: Method) -> None:
    found_N = np.sort(np.concatenate([evaluation.indices_N, evaluation.left_out_M]))
    assert np.array_equal(found_N, np.arange(len(method.labels_NL))), "every image is evaluated exactly once"
