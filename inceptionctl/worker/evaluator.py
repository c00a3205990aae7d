"""Evaluates the weights of a run, all ranks together, and logs the figures."""

from __future__ import annotations

from dataclasses import dataclass

from inceptionctl.data.images import DataSplits, Images
from inceptionctl.data.loader import Loader
from inceptionctl.data.order import share
from inceptionctl.evaluation.evaluate import Evaluation, combine, evaluate
from inceptionctl.runs.heartbeat import Heartbeat
from inceptionctl.runs.records.metrics import Purpose
from inceptionctl.training.step import TrainStep
from inceptionctl.worker.logger import RunLogger

BATCH_SIZE = 100  # per device


@dataclass(frozen=True)
class Evaluator:
    """Evaluates the weights of `step` on `images`."""

    step: TrainStep
    images: DataSplits
    loader: Loader
    logger: RunLogger
    heartbeat: Heartbeat

    def monitor(self, num_images: int) -> None:
        """Logs the error of the average on the first of the monitored images."""
        self._evaluate("ema", "monitor", self.images.monitor, num_images)

    def select(self) -> float:
        """The top-1 error of the average on the dev split, in percent."""
        return self._evaluate("ema", "selection", self.images.monitor).error(1)

    def final(self, prefix: str = "") -> dict[str, Evaluation]:
        """The average and the raw weights on every evaluation image, by names that begin with `prefix`."""
        names = [f"{prefix}ema", f"{prefix}raw"]
        return {weights: self._evaluate(weights, "final", self.images.eval) for weights in names}

    def _evaluate(self, weights: str, purpose: Purpose, images: Images, num_images: int | None = None) -> Evaluation:
        count = min(num_images or len(images), len(images))
        model = self.step.ema.module if weights.endswith("ema") else self.step.model
        first = share(count, self.step.context.rank, self.step.context.world_size).start
        batches = self.heartbeat.during(self.loader.evaluation(images, BATCH_SIZE, count))
        evaluation = combine(evaluate(model, batches, self.step.to_device, first), self.step.context)
        assert evaluation.n_images + evaluation.unreadable == count, "every image is evaluated exactly once"
        self.logger.log_eval(weights, purpose, evaluation)
        return evaluation
