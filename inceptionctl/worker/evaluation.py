"""Evaluates networks on images in a folder of its own, on one rank: from the batches that are done to the record."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
import torch

from inceptionctl.config.schema import Config
from inceptionctl.data.evaluated import open_eval
from inceptionctl.data.images import Images
from inceptionctl.data.index import Index
from inceptionctl.data.loader import Loader
from inceptionctl.data.order import share
from inceptionctl.errors import InceptionctlError, Interrupted
from inceptionctl.evaluation.dense import fully_convolutional
from inceptionctl.evaluation.evaluate import Method, Network, nothing, outcomes
from inceptionctl.evaluation.outcome import Evaluation
from inceptionctl.evaluation.protocol_base import ProtocolSettings
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.environment import describe
from inceptionctl.runs.heartbeat import Heartbeat
from inceptionctl.runs.index_file import read_index
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRequest
from inceptionctl.training import determinism
from inceptionctl.training.device import device_name, select_device
from inceptionctl.training.distributed.context import DistributedContext, init_process_group
from inceptionctl.training.memory import memory_shortage
from inceptionctl.worker.evaluator import by_protocol
from inceptionctl.worker.members import Member
from inceptionctl.worker.outcome import Outcome
from inceptionctl.worker.parts import Parts
from inceptionctl.worker.progress import Counts, ProgressLog
from inceptionctl.worker.stored import DEVICE, StoredJob, group_of_all, stored_members

SAVE_SECONDS = 20.0
PATIENCE_SECONDS = 120  # with the parts of other nodes


@dataclass
class EvaluationJob:
    """Made by `assemble`. `batches_done`: by this process."""

    run: RunDir
    networks: Sequence[Network]
    images: Images
    method: Method
    loader: Loader
    context: DistributedContext
    heartbeat: Heartbeat
    parts: Parts
    outcome: Outcome
    monotonic: Callable[[], float] = time.monotonic
    batches_done: int = 0
    log: ProgressLog | None = None
    _unsaved: list[tuple[int, Evaluation]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._saved = self.monotonic()

    def work(self, should_stop: Callable[[], bool]) -> None:
        """Evaluates the batches that are not done yet and writes the record. Raises Interrupted, after what is done was
        saved, soon after `should_stop` says so on any rank."""
        try:
            self._evaluate(self._left(), should_stop)
        except (RuntimeError, MemoryError) as error:
            if not (shortage := memory_shortage(error)):
                raise
            raise InceptionctlError(self._out_of_memory(shortage)) from error
        finally:
            self._save()
            if self.log:
                self.log.close()
        self.context.all_reduce_any(False)  # every rank has saved
        self.context.shutdown()
        if self.context.is_main:
            self.outcome.write(self.parts.whole(PATIENCE_SECONDS if self.context.is_distributed else 1))
            self.parts.remove()

    def _left(self) -> list[int]:
        """The batches that are not done, as rank 0 finds them: the same on every rank."""
        is_done = torch.zeros(len(self.parts.batches) if self.context.is_main else 0, dtype=torch.uint8)
        if self.context.is_main:
            found = self.parts.read()
            is_done[list(found)] = 1
            self.log = ProgressLog.open(self.run, Counts.total(found.values()), self.monotonic)
        shapes = [(len(self.parts.batches) if rank == 0 else 0,) for rank in range(self.context.world_size)]
        is_left = self.context.all_gather(is_done, shapes)[0] == 0
        return [int(number) for number in is_left.nonzero()]

    def _evaluate(self, left: Sequence[int], should_stop: Callable[[], bool]) -> None:
        """In rounds of a batch on each rank: all hear of a stop at the same time."""
        own = share(left, self.context.rank, self.context.world_size)
        with closing(self._outcomes(own)) as found:  # its data workers end before this process does
            for _ in range(-(-len(left) // self.context.world_size)):
                done = list(islice(found, 1))
                self._unsaved += done
                self.batches_done += len(done)
                if self._stops(should_stop(), Counts.total(one for _, one in done)):
                    break
                if self.monotonic() - self._saved > SAVE_SECONDS:
                    self._save()
            else:
                return
        self._save()
        self.context.all_reduce_any(False)  # a rank that ends makes its launcher end the others
        place = f" at image {self.log.now.done:,} of {len(self.images):,}" if self.log else ""
        raise Interrupted(f"stopped{place}: what is done is kept")

    def _outcomes(self, numbers: Sequence[int]) -> Generator[tuple[int, Evaluation]]:
        """Of the batches with these numbers."""
        read = self.loader.evaluation(self.images, [self.parts.batches[number] for number in numbers])
        yield from zip(numbers, outcomes(self.networks, self.heartbeat.during(read), self.method), strict=False)

    def _stops(self, asked: bool, counts: Counts) -> bool:
        """Whether any rank was told to stop. Rank 0 logs what all have done."""
        self.heartbeat()
        means = self.context.all_reduce_mean([float(asked), *map(float, counts)])
        stop, *sums = (round(mean * self.context.world_size) for mean in means)
        if self.log:
            self.log.add(Counts(*sums))
        return stop > 0

    def _save(self) -> None:
        done, self._unsaved = self._unsaved, []
        self.parts.write(done)
        self._saved = self.monotonic()

    def _out_of_memory(self, shortage: str) -> str:
        """What did not fit into the memory of the device, and what needs less."""
        size = self.method.batch_size
        return (
            f"{shortage}: {size} inputs at a time are too many for this device\n"
            f"  evaluate with batch_size={max(1, size // 2)}"
        )


def assemble(run: RunDir, monotonic: Callable[[], float] = time.monotonic) -> EvaluationJob | StoredJob:
    """What the folder of an evaluation says: nothing is planned or listed again. `monotonic`: the clock of durations.
    Raises InceptionctlError for networks, images or files that are not those of the request."""
    config, request, index = read_config(run), read_record(run.request, EvaluationRequest), read_index(run, None)
    if stored := stored_members(config, request):
        outcome = Outcome(run, request, group_of_all(stored, request.n_images), index.files.get("eval"), DEVICE)
        is_main = DistributedContext.from_env().is_main
        if is_main:
            write_record(run.env, describe(DEVICE, torch.get_num_threads(), 1))
        return StoredJob(outcome, stored, is_main)
    return _assemble(run, config, request, index, monotonic)


def _assemble(
    run: RunDir, config: Config, request: EvaluationRequest, index: Index, monotonic: Callable[[], float]
) -> EvaluationJob:
    members = [Member.of(record, config) for record in request.members]
    device = select_device(config.launch.device, DistributedContext.from_env().local_rank)
    if any(member.config.train.deterministic for member in members):
        determinism.enable()
    context = init_process_group(device, config.launch.hang_timeout)
    torch.set_num_threads(config.launch.threads or torch.get_num_threads())
    heartbeat, sizes = Heartbeat(run.heartbeat), sorted({member.record.pixels for member in members})
    if context.is_main:
        write_record(run.env, describe(device_name(device), torch.get_num_threads(), context.world_size))
    images = _open_images(config, request, index, sizes)
    method = _method(config, request, index, images)
    key = f"{request.identity}, batches of {request.batch_size}, unreadable images: {request.on_unreadable}"
    return EvaluationJob(
        run=run,
        networks=[_network(member, config.protocol, sizes, method, device, heartbeat) for member in members],
        images=images,
        method=method,
        loader=Loader(
            config.data.workers,
            device.type == "cuda",
            context.rank,
            context.world_size,
            timeout=config.launch.hang_timeout / 2,
        ),
        context=context,
        heartbeat=heartbeat,
        parts=Parts(run.parts, key, method.batches, nothing(len(members), method)),
        outcome=Outcome(run, request, images.groups_N, index.files.get("eval"), device_name(device)),
        monotonic=monotonic,
    )


def _network(
    member: Member,
    protocol: ProtocolSettings,
    sizes: Sequence[int],
    method: Method,
    device: torch.device,
    heartbeat: Heartbeat,
) -> Network:
    """The network of `member`, for the inputs of a batch that have its size, or by a protocol that is not uniform for
    those that `open_images` makes of it."""
    place, each = sizes.index(member.record.pixels), len(protocol.transforms(sizes[0]))
    network = member.load(method.n_classes, device, range(place * each, (place + 1) * each), heartbeat)
    return network if method.uniform else replace(network, model=fully_convolutional(network.model))


def _open_images(config: Config, request: EvaluationRequest, index: Index, sizes: Sequence[int]) -> Images:
    """Each image is decoded once for all input sizes."""
    data = config.data
    if hasattr(data, "on_corrupt"):
        data = replace(data, on_corrupt=request.on_unreadable)  # type: ignore[call-arg]
    inputs = [(transform, pixels) for pixels in sizes for transform in config.protocol.transforms(pixels)]
    images = open_eval(data, index, *zip(*inputs, strict=True))
    if len(images) != request.n_images:
        raise InceptionctlError(f"the evaluation is of {request.n_images:,} images, and its index has {len(images):,}")
    return images


def _method(config: Config, request: EvaluationRequest, index: Index, images: Images) -> Method:
    files = index.files.get("eval")
    several = files.label_sets_NL if files else None
    labels_NL = np.asarray(images.labels_N[:, None] if several is None else several, np.int64)
    if (most := labels_NL.max()) >= len(request.classes):
        raise InceptionctlError(f"an image has the label {most}, and there are {len(request.classes):,} classes")
    plain = Method(
        labels_NL=labels_NL,
        n_classes=len(request.classes),
        batch_size=request.batch_size,
        probabilities=request.probabilities,
    )
    return by_protocol(plain, config.protocol)
