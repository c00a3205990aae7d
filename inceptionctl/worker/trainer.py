"""Trains and evaluates one run on one rank, from its checkpoint, if it has one, to its result.json."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from inceptionctl.config.schema import Config
from inceptionctl.data.images import DataSplits
from inceptionctl.data.loader import Loader, TrainingBatch
from inceptionctl.errors import InceptionctlError, warn
from inceptionctl.evaluation.outcome import Evaluation
from inceptionctl.planning.plan import Plan
from inceptionctl.runs.heartbeat import Heartbeat
from inceptionctl.runs.paths import RunDir
from inceptionctl.training import checkpoint, determinism, precise_bn
from inceptionctl.training.clock import Clock
from inceptionctl.training.device import device_name
from inceptionctl.training.loop import Action, Callbacks, in_micro_batches, train
from inceptionctl.training.memory import memory_shortage
from inceptionctl.training.meters import Diverged, StepMeter
from inceptionctl.training.optimizer_stats import inverse_rms
from inceptionctl.training.partition import BatchPartition
from inceptionctl.training.step import StepOutput, TrainStep
from inceptionctl.worker.checkpoints import Checkpoints
from inceptionctl.worker.evaluator import Evaluator
from inceptionctl.worker.logger import RunLogger
from inceptionctl.worker.results import dump, write_evaluations, write_result

ROLLBACK_LR_FACTOR = 0.5  # on the learning rate, for each rollback


@dataclass
class Trainer(Callbacks):
    """Made by `assemble`."""

    run: RunDir
    plan: Plan
    partition: BatchPartition
    images: DataSplits
    loader: Loader
    step: TrainStep
    meter: StepMeter
    logger: RunLogger
    heartbeat: Heartbeat
    evaluator: Evaluator
    checkpoints: Checkpoints
    should_stop: Callable[[], bool] = lambda: False

    @property
    def config(self) -> Config:
        return self.plan.config

    @property
    def clock(self) -> Clock:
        return self.plan.clock

    def fit(self, should_stop: Callable[[], bool]) -> None:
        """Trains to the end, evaluates and writes the result. Raises Interrupted, after a checkpoint, soon after
        `should_stop` says so on any rank."""
        self.should_stop = should_stop
        try:
            if self.config.train.deterministic and not self.clock.done:
                self._check_determinism()
            if self.config.train.rollbacks and not self.clock.step:
                self.save()  # something to roll back to
            while not self._train():
                self.checkpoints.roll_back()
            self._finish()
        except (RuntimeError, MemoryError) as error:
            if not (shortage := memory_shortage(error)):
                raise
            raise InceptionctlError(self._out_of_memory(shortage)) from error
        finally:
            self.logger.close(hurried=self.should_stop())

    def _train(self) -> bool:
        """Whether training reached its end; False if it diverged and may roll back."""
        batches = in_micro_batches(self._batches(self.clock.step, self.clock.steps), self.partition.accumulation_steps)
        try:
            train(self.step, self.lr, self.clock, batches, self)
            return True
        except Diverged as error:
            if self.logger.progress.rollbacks < self.config.train.rollbacks and checkpoint.exists(self.run.checkpoints):
                warn(f"{str(error).splitlines()[0]}; rolling back to the last checkpoint at half the learning rate")
                return False
            folder = dump(self.run, self.plan, self.step, error) if self.step.context.is_main else None
            raise Diverged(error.step, error.loss, error.grad_norm, str(folder) if folder else None) from error

    def lr(self, step: int) -> float:
        return self.plan.schedule(step) * ROLLBACK_LR_FACTOR**self.logger.progress.rollbacks

    def on_step_end(self, output: StepOutput, lr: float) -> None:
        interval = self.config.train.log_every
        self.heartbeat()
        self.meter.add(output)
        if self.clock.every(interval):
            steps = self.clock.step % interval or interval
            self.logger.log_train(self.meter.compute(self.clock.step), lr, self.config.train.batch_size * steps)
        self._monitor()

    def _monitor(self) -> None:
        """Looks at a few images every `monitor_epochs`. The run ends with the full evaluation anyway."""
        train, clock = self.config.train, self.clock
        if not train.keep_best and not clock.done and clock.step % clock.steps_in(train.monitor_epochs) == 0:
            with self.logger.not_timed():
                self.evaluator.monitor(train.monitor)

    def on_epoch_end(self) -> None:
        """Chooses by the dev split, if any, which checkpoint is the best."""
        if (statistics := inverse_rms(self.step.optimizer)) is not None:
            self.logger.log_optimizer(statistics)
        if self.config.train.keep_best:
            with self.logger.not_timed():
                self.checkpoints.consider_best(self.evaluator.select())

    def save(self, stopping: bool = False) -> None:
        self.checkpoints.save(stopping)

    def next_action(self) -> Action:
        due = self.logger.unsaved_s > 60 * self.config.launch.save_minutes
        stop, save = self.step.context.all_reduce_any(self.should_stop(), due)
        return "stop" if stop else "save" if save else "continue"

    def _finish(self) -> None:
        """Evaluates the last weights and, if one was chosen, the best checkpoint, and writes the result."""
        evaluations = self._evaluate()
        if self.checkpoints.load_best():
            evaluations |= self._evaluate("best-")
        self.step.context.shutdown()
        if self.step.context.is_main:
            wall_s, device = self.logger.wall_s, device_name(self.step.device)
            summaries = write_evaluations(self.run, self.plan, evaluations, self.images.eval.groups_N, device)
            write_result(self.run, self.plan, self.logger.progress, wall_s, summaries)

    def _evaluate(self, prefix: str = "") -> dict[str, Evaluation]:
        if self.config.train.ema.buffers == "recomputed":
            epoch = self.heartbeat.during(self._batches(0, self.clock.steps_per_epoch))
            precise_bn.recompute(self.step.ema.module, epoch, self.step.to_device, self.partition, self.step.context)
        return self.evaluator.final(prefix)

    def _batches(self, first_step: int, last_step: int) -> Iterator[TrainingBatch]:
        size, steps = self.config.train.batch_size, range(first_step, last_step)
        return self.loader.training(self.images.train, size, self.config.seed, steps, self.partition.accumulation_steps)

    def _check_determinism(self) -> None:
        batch = next(self._batches(self.clock.step, self.clock.step + 1))
        determinism.self_check(self.step.model.train(), self.step.loss, *self.step.to_device(batch))

    def _out_of_memory(self, shortage: str) -> str:
        """What did not fit into the memory of the device, and what needs less."""
        batch_size, part = self.config.train.batch_size, self.partition
        half = max(1, part.micro_batch // 2)
        smaller_groups = f" train.bn_batch_size={half}" if part.bn_group > half else ""
        return (
            f"{shortage}: a micro-batch of {part.micro_batch} images is too large for this "
            f"device (train.batch_size = {batch_size}, launch.accumulation_steps = {part.accumulation_steps}, "
            f"{part.world_size} ranks)\n"
            f"  keep the batch size with launch.accumulation_steps={2 * part.accumulation_steps}{smaller_groups}\n"
            f"  or use train.batch_size={batch_size // 2}; train.precision=bfloat16 needs less memory as well"
        )
