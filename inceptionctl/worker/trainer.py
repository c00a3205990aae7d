"""One rank's work on one run: the parts that the frozen folder names, trained, evaluated, kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from inceptionctl.config.schema import Config
from inceptionctl.data import loader
from inceptionctl.data.images import DataSplits, Images, Views
from inceptionctl.data.loader import Batch
from inceptionctl.data.order import share
from inceptionctl.errors import RequestError, warn
from inceptionctl.evaluation.evaluate import Evaluation, combined, evaluate
from inceptionctl.planning.plan import Plan, plan
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.heartbeat import Heartbeat
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.metrics import EvalRow, OptimizerRow, TrainRow
from inceptionctl.training import checkpoint, determinism, state
from inceptionctl.training.checkpoint import Checkpoint
from inceptionctl.training.distributed.context import here, join
from inceptionctl.training.loop import Asked, train
from inceptionctl.training.meters import Diverged, Journal
from inceptionctl.training.optimizer_stats import inverse_rms
from inceptionctl.training.partition import Layout
from inceptionctl.training.precise_bn import recompute
from inceptionctl.training.step import Outcome, Step, on_device
from inceptionctl.worker.assemble import make_step, seed_dropout
from inceptionctl.worker.logger import Record
from inceptionctl.worker.results import EVALUATION_BATCH_SIZE, dump, write_evaluations, write_result

BACK_OFF = 0.5  # of the rate, each time that a run goes back


@dataclass
class Session:
    run: RunDir
    plan: Plan
    layout: Layout
    step: Step
    images: DataSplits
    journal: Journal
    record: Record = field(default_factory=Record)

    @classmethod
    def open(cls, run: RunDir) -> Session:
        """Builds everything from the folder and goes back to its last whole checkpoint, if it has one."""
        made = plan(settings := read_config(run))
        device = _device(settings)
        if settings.train.deterministic:
            determinism.switch_on()
        ranks = join(device, settings.launch.hang_timeout)
        torch.set_num_threads(settings.launch.threads or torch.get_num_threads())
        found = checkpoint.read_latest(run.checkpoints, warn if ranks.first else _quiet)
        step = make_step(made, device, fresh=found is None, ranks=ranks)
        journal = Journal(ranks, scaled=step.scaler.is_enabled())
        session = cls(run, made, made.layout(ranks.size), step, open_data(made), journal)
        if found:
            session.restore(found)
        elif not ranks.first:
            seed_dropout(settings.seed, 0, ranks.rank)
        if ranks.first:
            session.record.open(run, made.config, _device_name(device), torch.get_num_threads(), ranks.size)
        return session

    def __post_init__(self) -> None:
        self.heartbeat = Heartbeat(self.run.heartbeat)

    def work(self, stop: Callable[[], bool]) -> None:
        """Trains to the end, evaluates, writes the result. Raises Interrupted when told to `stop`."""
        try:
            if self.plan.config.train.deterministic and not self.plan.clock.done:
                self._check_determinism()
            if self.plan.config.train.rollbacks and not self.plan.clock.step:
                self.save()  # to have something to go back to
            while not self._trained(stop):
                self.go_back()
            self.finish()
        finally:
            self.record.close()

    def _trained(self, stop: Callable[[], bool]) -> bool:
        """Whether training came to its end; not so where it diverged and may go back."""
        ranks, clock, settings = self.step.ranks, self.plan.clock, self.plan.config
        batches = self._batches(clock.step, clock.steps)
        try:
            train(
                self.step, self._rate, clock, batches, self.layout.accumulate,
                self.log, self.end_epoch, self.save, lambda: self.asked(stop),
            )  # fmt: skip
            return True
        except Diverged as error:
            if self.record.progress.rollbacks < settings.train.rollbacks and checkpoint.any_in(self.run.checkpoints):
                warn(f"{str(error).splitlines()[0]}; going back to the last checkpoint, at half the rate")
                return False
            place = dump(self.run, self.plan, self.step, error) if ranks.first else None
            raise Diverged(error.step, error.loss, error.grad_norm, str(place) if place else None) from error

    def asked(self, stop: Callable[[], bool]) -> Asked:
        """What all ranks agree to do at this step boundary."""
        due = self.record.unsaved_s() > 60 * self.plan.config.launch.save_minutes
        told, due = self.step.ranks.any(stop(), due)
        return "stop" if told else "save" if due else "nothing"

    def _rate(self, step: int) -> float:
        return self.plan.schedule(step) * BACK_OFF**self.record.progress.rollbacks

    def _batches(self, first: int, last: int) -> Iterator[Batch]:
        settings, ranks = self.plan.config, self.step.ranks
        return loader.training(
            self.images.train, settings.train.batch_size, settings.seed, first, last, settings.data.workers,
            self._pinned, rank=ranks.rank, world=ranks.size, accumulate=self.layout.accumulate, report=warn,
        )  # fmt: skip

    def _check_determinism(self) -> None:
        batch = next(self._batches(self.plan.clock.step, self.plan.clock.step + 1))
        pictures, labels = on_device(batch, self.step.device, self.step.memory_format, self.step.normalise)
        determinism.self_check(self.step.model.train(), self.step.loss, pictures, labels)

    def log(self, outcome: Outcome, rate: float) -> None:
        clock, settings = self.plan.clock, self.plan.config.train
        self.heartbeat()
        self.journal.pending.append(outcome)
        if not clock.every(settings.log_every):
            return
        means: dict[str, Any] = {"unreadable": 0} | self.journal.row(clock.step)
        self.record.progress.unreadable += means["unreadable"]
        images = settings.batch_size * (clock.step % settings.log_every or settings.log_every)
        images_per_s, time_s = self.record.images_per_s(images), self.record.wall_s
        self.record.write(TrainRow(**self._at, **means, lr=rate, images_per_s=images_per_s, time_s=time_s))
        self.record.restart_rate()

    def end_epoch(self) -> None:
        """A look at the average on the first monitored pictures; the last step gets a full evaluation instead."""
        settings, clock = self.plan.config.train, self.plan.clock
        if (found := inverse_rms(self.step.optimizer)) is not None:
            self.record.write(OptimizerRow(**self._at | found))
        if settings.keep_best:
            error = self.evaluate("ema", self.images.monitor, len(self.images.monitor), "selection").error(1)
            if self.record.progress.best is None or error < self.record.progress.best[1]:
                self.record.progress.best = clock.step, error
        elif not clock.done:
            self.evaluate("ema", self.images.monitor, settings.monitor, "monitor")
        self.record.restart_rate()

    def evaluate(
        self, weights: str, images: Images, count: int, purpose: Literal["monitor", "selection", "final"]
    ) -> Evaluation:
        """Evaluates the weights, those of the average if they are "ema" or "best-ema", on the first `count` of
        `images` and logs the row."""
        model = self.step.average.module if weights.endswith("ema") else self.step.model
        ranks, workers = self.step.ranks, self.plan.config.data.workers
        batches = loader.evaluation(
            images, EVALUATION_BATCH_SIZE, count, workers, self._pinned, rank=ranks.rank, world=ranks.size, report=warn
        )
        first = share(min(count, len(images)), ranks.rank, ranks.size).start
        watched, step = self.heartbeat.during(batches), self.step
        part = evaluate(model, watched, step.device, step.memory_format, step.normalise, first)
        found = combined(part, ranks)
        self.record.write(
            EvalRow(
                **self._at,
                purpose=purpose,
                weights=weights,
                n_images=found.n_images,
                unreadable=found.unreadable,
                top1_error=found.error(1),
                top5_error=found.error(5),
                nll=found.loss,
            )
        )
        return found

    def save(self, last: bool = False) -> None:
        """Raises Diverged rather than keep weights that are no numbers. After the `last` one, the run stops."""
        step, clock, best = self.step, self.plan.clock, self.record.progress.best
        self.journal.settle(clock.step)
        random = state.random_states_of_all(step.ranks, step.device)
        self.heartbeat()
        if last:
            step.ranks.leave()  # the others need not wait for the disk
        if step.ranks.first:
            about = self._about() | {"progress": self.record.state(), "unlogged": self.journal.state()}
            found = state.capture(step, clock, about, random)
            checkpoint.write(
                self.run.checkpoints, found, self.plan.config.train.keep_checkpoints, best[0] if best else None
            )
        self.record.note_saved()
        self.heartbeat()

    def restore(self, found: Checkpoint) -> None:
        ranks, device, clock = self.step.ranks, self.step.device, self.plan.clock
        other = state.restore(found, self.step, clock, self._about())
        if other and ranks.first:
            warn(f"goes on with the same pictures, but not to the same bits: {'; '.join(other)}")
        if not state.restore_random(found, ranks.rank, device):
            seed_dropout(self.plan.config.seed, clock.step, ranks.rank)
        self.record.restore(found.state["progress"])
        best = self.record.progress.best
        if best and not checkpoint.place(self.run.checkpoints, best[0]).is_dir():
            self.record.progress.best = None  # a later one did better, and that is damaged
        self.journal.restore(found.state["unlogged"])

    def go_back(self) -> None:
        """To the last checkpoint, as if what came after had never been, at a lower rate."""
        found = checkpoint.read_latest(self.run.checkpoints, warn)
        assert found is not None, "asked for before"
        rollbacks, wall_s = self.record.progress.rollbacks + 1, self.record.wall_s
        self.restore(found)
        self.record.progress.rollbacks, self.record.progress.wall_s = rollbacks, wall_s
        self.record.cut()

    def finish(self) -> None:
        """Evaluates the last weights and, if one was chosen, the best checkpoint on every held-out image."""
        found_by_weights = self._figures("")
        if best := self.record.progress.best:
            found = checkpoint.read(checkpoint.place(self.run.checkpoints, best[0]))
            self.step.model.load_state_dict(found.tensors["model"])
            self.step.average.module.load_state_dict(found.tensors["ema"])
            found_by_weights |= self._figures("best-")
        self.step.ranks.leave()
        if self.step.ranks.first:
            wall_s, group_N = self.record.wall_s, self.images.eval.groups_N
            listed = write_evaluations(self.run, self.plan, found_by_weights, group_N, _device_name(self.step.device))
            write_result(self.run, self.plan, self.record.progress, wall_s, listed)

    def _figures(self, prefix: str) -> dict[str, Evaluation]:
        """Of both kinds of weights, under names that begin with `prefix`, on every held-out image."""
        eval, average = self.images.eval, self.step.average.module
        if self.plan.config.train.ema.buffers == "recomputed":
            batches = self._batches(0, self.plan.clock.steps_per_epoch)
            recompute(average, self.heartbeat.during(batches), self.step, self.layout)
        names = [f"{prefix}{weights}" for weights in ("ema", "raw")]
        return {weights: self.evaluate(weights, eval, len(eval), "final") for weights in names}

    @property
    def _at(self) -> dict[str, Any]:
        return {"step": self.plan.clock.step, "epoch": self.plan.clock.epoch}

    @property
    def _pinned(self) -> bool:
        return self.step.device.type == "cuda"

    def _about(self) -> dict[str, object]:
        """What has to be the same on two stretches of one run, if they are to end where one would have."""
        return {
            "identity": self.plan.identity,
            "threads": torch.get_num_threads(),
            "world": self.step.ranks.size,
            "accumulate": self.layout.accumulate,
            "device": self.step.device.type,
        }


def open_data(made: Plan) -> DataSplits:
    config, pixels = made.config, made.config.arch.pixels
    views = Views(pixels, config.augment.transform(pixels), config.protocol.transform(pixels))
    return config.data.open(made.data, views, config.seed)


def _device(settings: Config) -> torch.device:
    if settings.launch.device == "cuda" and not torch.cuda.is_available():
        raise RequestError("launch.device = cuda, and torch finds no GPU here: is its build, or the driver, another's?")
    if settings.launch.device == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", here().local)
    torch.cuda.set_device(device)
    return device


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _quiet(_: str) -> None:
    """What the first rank says need not be said again."""
