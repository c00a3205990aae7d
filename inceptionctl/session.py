"""One rank's work on one run: the parts that the frozen folder names, put together, trained, evaluated, kept."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from inceptionctl.commands.plan import Plan, plan
from inceptionctl.data import loader
from inceptionctl.data.datasets import Images
from inceptionctl.data.normalise import NORMALISATIONS
from inceptionctl.engine import checkpoint, state
from inceptionctl.engine.evaluate import Evaluation, evaluate
from inceptionctl.engine.metrics import MetricsFile, Row
from inceptionctl.engine.step import Outcome, Step, mean_of
from inceptionctl.engine.train import train
from inceptionctl.environment import describe
from inceptionctl.errors import RequestError
from inceptionctl.frozen import thaw
from inceptionctl.models.build import build
from inceptionctl.models.download import cache_folder, digest
from inceptionctl.models.init import initialise
from inceptionctl.models.registry import architecture
from inceptionctl.models.releases import release
from inceptionctl.models.weights import load_weights, read_weights
from inceptionctl.optim.ema import averaged, decay_over
from inceptionctl.optim.losses import CrossEntropy
from inceptionctl.optim.optimizers import OPTIMIZERS
from inceptionctl.rundir import RunDir, write_json
from inceptionctl.trackers.sinks import Guarded, Tracker, open_tracker

EVALUATION_BATCH = 100


@dataclass
class Session:
    run: RunDir
    plan: Plan
    step: Step
    train_images: Images
    held_images: Images
    metrics: MetricsFile
    tracker: Tracker
    unlogged: list[Outcome]
    earlier_s: float = 0.0
    started: float = field(default_factory=time.monotonic)
    rows_since: float = field(default_factory=time.monotonic)

    @classmethod
    def open(cls, run: RunDir) -> Session:
        """Builds everything from the folder and goes back to its last whole checkpoint, if it has one."""
        settings = thaw(run)
        device = torch.device("cuda" if settings.launch.device != "cpu" and torch.cuda.is_available() else "cpu")
        torch.set_num_threads(settings.launch.threads or torch.get_num_threads())
        made = plan(settings)
        found = checkpoint.read_latest(run.checkpoints, warn)
        step = make_step(made, device, fresh=found is None)
        write_json(
            run.env, describe(torch.cuda.get_device_name() if device.type == "cuda" else "cpu", torch.get_num_threads())
        )
        if found:
            state.restore(found, step, made.clock, _about(made))
        open_it = partial(open_tracker, settings.tracker.name, settings.tracker.project, settings.tracker.mode, run)
        return cls(
            run,
            made,
            step,
            *made.data.load(settings.seed),
            metrics=MetricsFile(run.metrics, rows=found.state["rows"] if found else 0),
            tracker=Guarded(settings.tracker.name, lambda: open_it(asdict(made.config)), warn),
            unlogged=[Outcome(*pair) for pair in found.state["unlogged"]] if found else [],
            earlier_s=found.state["wall_s"] if found else 0.0,
        )

    def work(self, stop: Callable[[], bool]) -> None:
        """Trains to the end, evaluates, writes the result. Raises Interrupted when told to `stop`."""
        made, clock = self.plan, self.plan.clock
        batches = loader.training(
            self.train_images, made.config.train.batch, made.config.seed, clock.step, clock.steps,
            made.config.data.workers, self.step.device.type == "cuda",
        )  # fmt: skip
        try:
            train(self.step, made.schedule, clock, batches, self.log, self.end_epoch, self.save, stop)
            self.finish()
        finally:
            self.metrics.close()
            self.tracker.close()

    def log(self, outcome: Outcome, rate: float) -> None:
        clock, settings = self.plan.clock, self.plan.config.train
        self.unlogged.append(outcome)
        if not clock.every(settings.log_every):
            return
        now = time.monotonic()
        images = settings.batch * (clock.step % settings.log_every or settings.log_every)
        speed = {"images_per_s": images / (now - self.rows_since), "time_s": self.wall_s}
        self.write(
            {
                "kind": "train",
                "step": clock.step,
                "epoch": clock.epoch,
                **mean_of(self.unlogged, clock.step),
                "lr": rate,
            }
            | speed
        )
        self.rows_since = time.monotonic()
        self.unlogged.clear()

    def end_epoch(self) -> None:
        """A look at the average on the first held-out pictures; the last step gets a full evaluation instead."""
        if not self.plan.clock.done:
            self.evaluate("ema", self.plan.config.train.monitor)
            self.rows_since = time.monotonic()

    def evaluate(self, weights: str, count: int) -> Evaluation:
        """Evaluates "raw" or "ema" weights on the first `count` held-out pictures and logs the row."""
        model: nn.Module = self.step.average.module if weights == "ema" else self.step.model
        workers = self.plan.config.data.workers
        batches = loader.evaluation(self.held_images, EVALUATION_BATCH, count, workers, self.step.device.type == "cuda")
        found = evaluate(model, batches, self.step.device, self.step.memory_format, self.step.normalise)
        clock = self.plan.clock
        self.write({"kind": "eval", "step": clock.step, "epoch": clock.epoch, "weights": weights, **found.row()})
        return found

    def save(self) -> None:
        unlogged = [(float(outcome.loss), float(outcome.grad_norm)) for outcome in self.unlogged]
        about = _about(self.plan) | {"wall_s": self.wall_s, "rows": self.metrics.rows, "unlogged": unlogged}
        found = state.capture(self.step, self.plan.clock, about)
        checkpoint.write(self.run.checkpoints, found, self.plan.config.train.keep)

    def finish(self) -> None:
        """Both kinds of weights on every held-out picture; predictions and result."""
        found = {weights: self.evaluate(weights, len(self.held_images)) for weights in ("ema", "raw")}
        protocol = self.plan.config.protocol
        _write_predictions(self.run, protocol.name, found, self.held_images.groups_N)
        steps, batch = self.plan.clock.steps, self.plan.config.train.batch
        write_json(self.run.result, {
            "identity": self.plan.identity,
            "arch": self.plan.config.arch.name,
            "params": self.plan.cost.params,
            "macs": self.plan.cost.macs,
            "seed": self.plan.config.seed,
            "epochs": self.plan.config.train.epochs,
            "classes": list(self.plan.data.classes),
            "status": "done",
            "wall_s": self.wall_s,
            "images_per_s": steps * batch / self.wall_s,
            "evaluations": [self._result(weights, evaluation) for weights, evaluation in found.items()],
        })  # fmt: skip

    def write(self, row: Row) -> None:
        self.metrics.write(row)
        self.tracker.write(row)

    @property
    def wall_s(self) -> float:
        """Seconds of work on this run, those before interruptions included."""
        return self.earlier_s + time.monotonic() - self.started

    def _result(self, weights: str, evaluation: Evaluation) -> Row:
        settings = self.plan.config
        rendered = settings.data.name == "digits"  # drawn at the input's size: nothing to resize, crop or decode
        return {
            "protocol": settings.protocol.name,
            "weights": weights,
            **evaluation.row(),
            "resize": None if rendered else settings.arch.pixels,
            "crop": None if rendered else settings.protocol.crop,
            "interpolation": None if rendered else "bilinear",
            "decoder": None if rendered else "pillow",
            "blacklist": False,
            "holdout": settings.data.holdout,
        }


def make_step(made: Plan, device: torch.device, fresh: bool = True) -> Step:
    """Model, loss, optimizer and average of a plan, with their first weights from its seed and, if `fresh`, from the
    weights that it starts from."""
    settings = made.config
    torch.manual_seed(settings.seed)
    hw = (settings.arch.pixels, settings.arch.pixels)
    model = build(made.spec, hw, bn_momentum=settings.arch.bn_momentum, bn_eps=settings.arch.bn_eps)
    released = settings.arch.init == "release"
    scheme = architecture(settings.arch.name).init if released else settings.arch.init
    initialise(model, made.spec, scheme, stated=released)
    if settings.weights and fresh:
        _start_from(settings.weights, settings.weights_sha256, settings.arch.name, model)
    layout = torch.channels_last  # faster on CPU (20 to 40 %) and on GPU alike
    placed = model.to(device=device, memory_format=layout)  # type: ignore[call-overload]
    options = {key: value for key, value in asdict(settings.optim).items() if key != "name" and value is not None}
    return Step(
        model=placed,
        loss=CrossEntropy(settings.loss.label_smoothing, settings.loss.aux_weight, settings.loss.smooth_aux),
        optimizer=OPTIMIZERS[settings.optim.name](placed, settings.train.weight_decay, **options),
        average=averaged(placed, decay_over(settings.train.average.value, made.clock.steps)),
        clip=settings.train.clip,
        device=device,
        memory_format=layout,
        normalise=NORMALISATIONS[settings.arch.input],
    )


def _start_from(weights: str, sha256: str | None, arch: str, model: nn.Module) -> None:
    """Fills `model` from a release in the cache or from a file with this digest."""
    entry = release(arch, weights)
    path = entry.cached if entry else Path(weights)
    if path is None or not path.is_file():
        raise RequestError(f"weights = {weights}: the file is not there (any more): {path or cache_folder()}")
    if sha256 and (found := digest(path)) != sha256:
        raise RequestError(f"{path} is another file than this run was to start from: sha256 {found}, not {sha256}")
    warn(f"starting from {entry.name if entry else path}")
    load_weights(model, arch, read_weights(path), warn)
    if entry and entry.note:
        warn(entry.note)


def warn(message: str) -> None:
    print(f"inceptionctl: {message}", file=sys.stderr, flush=True)


def _about(made: Plan) -> dict[str, Any]:
    """What must not change between two stretches of one run, if they are to end where one would have."""
    return {"identity": made.identity, "threads": torch.get_num_threads(), "world": 1}


def _write_predictions(run: RunDir, protocol: str, found: dict[str, Evaluation], groups_N: np.ndarray) -> None:
    path = run.predictions(protocol)
    path.parent.mkdir(exist_ok=True)
    arrays = {"label": found["ema"].labels_N, "group": groups_N[: found["ema"].n_images]}
    for weights, evaluation in found.items():
        arrays |= {f"{weights}_top5": evaluation.top5_NK, f"{weights}_p_true": evaluation.p_true_N}
    temporary = path.with_name(f".{path.name}")
    np.savez_compressed(temporary.with_suffix(".tmp.npz"), **arrays)  # type: ignore[arg-type]
    temporary.with_suffix(".tmp.npz").replace(path)
