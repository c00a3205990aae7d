"""Several ranks compute what one does: collectives, training with and without batch norm, meters."""

from __future__ import annotations

import copy
import json

import pytest
import torch
import torch.distributed as dist
from support.ranks import on_ranks
from torch import nn

from inceptionctl.data.loader import Batch
from inceptionctl.models.torch.classifier import Output
from inceptionctl.training.device import ToDevice
from inceptionctl.training.distributed.batch_norm import convert_batch_norm, ghost_batch_norms, update_running_stats
from inceptionctl.training.distributed.context import DistributedContext, is_peer_failure
from inceptionctl.training.ema import make_ema
from inceptionctl.training.losses import CrossEntropy
from inceptionctl.training.meters import Diverged, StepMeans, StepMeter
from inceptionctl.training.optimizers import Momentum, parameter_groups
from inceptionctl.training.partition import BatchPartition
from inceptionctl.training.step import StepOutput, TrainStep
from inceptionctl.worker.assemble import wrap

CPU = torch.device("cpu")
STEPS, BATCH = 4, 16


class Net(nn.Module):
    def __init__(self, normed):
        super().__init__()
        norm = nn.BatchNorm2d(6, eps=1e-3) if normed else nn.Identity()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3), norm, nn.ReLU(), nn.Conv2d(6, 5, 3))

    def forward(self, images):
        return Output(self.body(images).mean(dim=(2, 3)), {})


def wide(images_NCHW, memory_format):
    return images_NCHW.double() / 127.5 - 1


def dataset():
    random = torch.Generator().manual_seed(3)
    images = torch.randint(0, 256, (STEPS * BATCH, 3, 9, 9), dtype=torch.uint8, generator=random)
    return images, torch.randint(0, 5, (STEPS * BATCH,), generator=random)


def trained(context, normed, partition):
    """Losses of the steps over all ranks, and the weights, statistics and average after them, in float64."""
    torch.manual_seed(0)
    model = Net(normed).double()
    ema = make_ema(model, 0.9, warmup=True, buffers="averaged")
    if partition.needs_ghost_batch_norm:
        convert_batch_norm(model, partition)
    step = TrainStep(
        model=model,
        loss=CrossEntropy(0.1, 0.0, True),
        optimizer=Momentum(name="momentum", momentum=0.9).build(parameter_groups(model, 1e-4)),
        ema=ema,
        grad_clip=2.0,
        to_device=ToDevice(CPU, normalise=wide),
        forward=wrap(model, context, CPU, False, False),
        context=context,
    )
    images, labels = dataset()
    model.train()
    losses = []
    for number in range(STEPS):
        first = number * BATCH + context.rank * partition.accumulation_steps * partition.micro_batch
        starts = [first + i * partition.micro_batch for i in range(partition.accumulation_steps)]
        ranges = [slice(start, start + partition.micro_batch) for start in starts]
        losses.append(float(step([Batch(images[part], labels[part]) for part in ranges], 0.5).loss))
    state = {**model.state_dict(), **{f"average.{k}": v for k, v in ema.module.state_dict().items()}}
    floats = {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}
    return context.all_reduce_mean(losses), floats


def assert_equal(one, other):
    assert one[0] == pytest.approx(other[0], abs=1e-10)
    assert one[1].keys() == other[1].keys()
    for name in one[1]:
        assert (one[1][name] - other[1][name]).abs().max() < 1e-10, name


@pytest.mark.parametrize(
    ("normed", "bn_batch", "world_size", "accumulation_steps"),
    [
        (False, None, 2, 1),
        (False, None, 1, 4),
        (False, None, 2, 2),
        (True, None, 2, 1),  # one group over both ranks: SyncBN
        (True, 8, 2, 1),  # a group a rank
        (True, 4, 2, 2),  # ghost batches inside
        (True, 4, 1, 2),
        (True, 8, 4, 1),  # a group over two of four
    ],
)
def test_any_number_of_ranks_and_micro_batches_trains_what_one_does(
    normed, bn_batch, world_size, accumulation_steps, tmp_path
):
    """float64, 1e-10: losses, weights, running statistics and averages; equal on all ranks to the bit."""
    whole = trained(DistributedContext(), normed, BatchPartition.of(BATCH, 1, 1, bn_batch, normed))
    partition = BatchPartition.of(BATCH, world_size, accumulation_steps, bn_batch, normed)
    if world_size == 1:
        assert_equal(trained(DistributedContext(), normed, partition), whole)
        return
    found = on_ranks(world_size, tmp_path, trained, normed, partition)
    assert_equal(found[0], whole)
    for other in found[1:]:
        assert other[0] == found[0][0]
        assert [name for name in other[1] if not torch.equal(other[1][name], found[0][1][name])] == []


def test_ghost_batches_are_groups_by_themselves():
    """The oracle is torch's batch norm on each group of images."""
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4)
    x = torch.randn(12, 4, 5, 5)
    parts = [copy.deepcopy(norm) for _ in range(3)]
    expected = torch.cat([part(piece) for part, piece in zip(parts, x.split(4), strict=True)])
    ghost = convert_batch_norm(nn.Sequential(norm), BatchPartition.of(12, 1, 1, 4))
    assert torch.equal(ghost(x), expected)
    update_running_stats(ghost_batch_norms(ghost), DistributedContext())
    mean = torch.stack([part.running_mean for part in parts]).mean(0)
    variance = torch.stack([part.running_var for part in parts]).mean(0)
    assert torch.allclose(ghost[0].running_mean, mean, atol=1e-7)
    assert torch.allclose(ghost[0].running_var, variance, atol=1e-6)
    assert torch.equal(ghost.eval()(x), norm.eval()(x))  # the same tensors


def collectives(context):
    own = torch.full((context.rank, 2), float(context.rank))
    return {
        "any": context.all_reduce_any(context.rank == 1, False),
        "mean": context.all_reduce_mean([float(context.rank), 4.0]),
        "gather": torch.cat(context.all_gather(own, [(0, 2), (1, 2), (2, 2)])).tolist(),
        "mean_": context.all_reduce_mean_(torch.tensor([3.0 * context.rank])).tolist(),
        "main": context.is_main,
    }


def test_collectives_give_every_rank_the_same(tmp_path):
    found = on_ranks(3, tmp_path, collectives)
    expected = {
        "any": [True, False],
        "mean": [1.0, 4.0],
        "gather": [[1.0, 1.0], [2.0, 2.0], [2.0, 2.0]],
        "mean_": [3.0],
    }
    assert [{key: one[key] for key in expected} for one in found] == [expected] * 3
    assert [one["main"] for one in found] == [True, False, False]


def losing_a_peer(context):
    """Rank 1 exits in the middle of a collective."""
    if context.rank == 1:
        return None
    try:
        context.all_reduce_mean([1.0])
    except Exception as error:
        return is_peer_failure(error)
    return "no error"


def test_a_lost_peer_is_told_from_other_errors(tmp_path):
    assert on_ranks(2, tmp_path, losing_a_peer) == [True, None]
    assert not is_peer_failure(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_peer_failure(torch.OutOfMemoryError("gloo"))
    assert is_peer_failure(dist.DistNetworkError("the client socket has timed out"))


@pytest.mark.parametrize("bad", [1, 0])
def test_all_ranks_raise_if_one_diverges(bad, tmp_path):
    assert on_ranks(2, tmp_path, diverging, bad) == [11, 11]


def diverging(context, bad):
    nan = StepOutput(float("nan"), 1.0)
    outputs = [StepOutput(1.0, 1.0), nan if context.rank == bad else StepOutput(1.0, 1.0), StepOutput(1.0, 1.0)]
    try:
        meter(context, *outputs).reduce(12)
    except Diverged as error:
        return error.step
    return None


def meter(context, *outputs, loss_scaled=False):
    found = StepMeter(context, loss_scaled)
    for output in outputs:
        found.add(output)
    return found


def metered(context):
    first = meter(context, StepOutput(1.0 + context.rank, 2.0), StepOutput(3.0, 2.0, unreadable=(7, 3) * context.rank))
    first.reduce(2)  # as a checkpoint between two rows does
    second = StepMeter(context, loss_scaled=False)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    for one in (first, second):
        one.add(StepOutput(5.0 + context.rank, 2.0))
    return first.compute(3), second.compute(3)


def test_a_row_is_the_mean_over_ranks_and_survives_a_checkpoint(tmp_path):
    for before, after in on_ranks(2, tmp_path, metered):
        assert before == after == StepMeans((1.5 + 3.0 + 5.5) / 3, 2.0, 2, (3, 7))


def test_an_overflow_in_float16_is_no_divergence():
    found = meter(DistributedContext(), StepOutput(2.0, float("inf")), StepOutput(4.0, 1.5), loss_scaled=True)
    assert found.compute(2) == StepMeans(3.0, 1.5, 0)
    found.add(StepOutput(2.0, float("inf")))
    assert found.compute(3) == StepMeans(2.0, None, 0)
    for _ in range(40):
        found.add(StepOutput(2.0, float("inf")))
    with pytest.raises(Diverged, match="step 43"):
        found.compute(43)
