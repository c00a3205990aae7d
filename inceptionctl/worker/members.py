"""Loads the networks of an evaluation, as its request names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from inceptionctl.config.schema import Config
from inceptionctl.data.loader import Loader
from inceptionctl.data.normalise import NORMALISATIONS
from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.evaluation.evaluate import Network
from inceptionctl.models.torch.classifier import Classifier
from inceptionctl.models.weights.download import digest
from inceptionctl.models.weights.releases import release
from inceptionctl.planning.plan import frozen_plan
from inceptionctl.planning.weights import classifier_weights
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.heartbeat import Heartbeat
from inceptionctl.runs.index_file import read_index
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import MemberRecord
from inceptionctl.training import precise_bn
from inceptionctl.training.device import ToDevice
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.worker.assemble import open_images
from inceptionctl.worker.networks import Place, checkpoint_with, network_of_run, network_of_weights


@dataclass(frozen=True)
class Member:
    """A network that is to be loaded, with the settings that it is built from: a run's, or the evaluation's."""

    record: MemberRecord
    config: Config

    @classmethod
    def of(cls, record: MemberRecord, evaluation: Config) -> Member:
        """Raises RequestError for a run that is not there any more."""
        config = read_config(RunDir(Path(record.run))) if record.run else evaluation
        return cls(record, replace(config, arch=replace(config.arch, pixels=record.pixels)))

    def load(self, n_classes: int, device: torch.device, inputs: Sequence[int], heartbeat: Heartbeat) -> Network:
        """The network for `n_classes`; it takes these `inputs` of a batch. Raises InceptionctlError for weights that
        are not those of the request, or of other classes."""
        train = self.config.train
        layout = torch.channels_last if train.channels_last else torch.contiguous_format
        place = Place(device, layout)
        model, found = self._of_run(place, heartbeat) if self.record.run else self._of_file(place)
        if found != n_classes:
            raise InceptionctlError(f"{self.record.label} tells {found:,} classes apart, not {n_classes:,}")
        return Network(model.eval(), ToDevice(device, layout, NORMALISATIONS[self.config.arch.input]), inputs)

    def _of_run(self, place: Place, heartbeat: Heartbeat) -> tuple[Classifier, int]:
        run, weights = RunDir(Path(self.record.run or "")), self.record.weights
        found = checkpoint_with(run, weights).state.get("identity")
        if self.record.identity not in (None, found):
            raise InceptionctlError(f"the checkpoints in {run.path} are of run {found}, not of {self.record.identity}")
        model, n_classes = network_of_run(run, self.config, weights, place)
        if weights.endswith("ema") and self.config.train.ema.buffers == "recomputed":
            _recompute(model, run, place, heartbeat)
        return model, n_classes

    def _of_file(self, place: Place) -> tuple[Classifier, int]:
        """Of a release in the cache, or of a file, which has to have the digest that was planned."""
        name = self.config.weights or ""
        entry = release(self.config.arch.name, name)
        path = entry.cached if entry else Path(name)
        if path is None or not path.is_file():
            raise RequestError(f"weights = {name}: the file does not exist: {path or (entry and entry.url)}")
        if self.record.sha256 and (found := digest(path)) != self.record.sha256:
            raise RequestError(
                f"{path} has changed since the evaluation was planned: its SHA-256 is {found}, not {self.record.sha256}"
            )
        config = replace(self.config, weights_key=self.record.weights_key)
        opened, n_classes = classifier_weights(config, path)
        return network_of_weights(config, opened, n_classes, place), n_classes


def _recompute(model: Classifier, run: RunDir, place: Place, heartbeat: Heartbeat) -> None:
    """Batch norm's statistics over an epoch of the run's training images, as training recomputed them for its own
    evaluation and no checkpoint has them: by each rank for itself, so that all have the same bits."""
    config = read_config(run)
    plan = frozen_plan(config, read_index(run, config.resolved.data_fingerprint))
    partition, steps = plan.partition(1), range(plan.clock.steps_per_epoch)
    loader = Loader(config.data.workers, place.device.type == "cuda", timeout=config.launch.hang_timeout / 2)
    batches = loader.training(
        open_images(plan).train, config.train.batch_size, config.seed, steps, partition.accumulation_steps
    )
    to_device = ToDevice(place.device, place.memory_format, NORMALISATIONS[config.arch.input])
    precise_bn.recompute(model, heartbeat.during(batches), to_device, partition, DistributedContext())
