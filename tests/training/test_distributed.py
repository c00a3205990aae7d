"""Several ranks do what one does: exchanges, and training with and without batch norm."""

from __future__ import annotations

import copy

import pytest
import torch
from support.ranks import on_ranks
from torch import nn

from inceptionctl.data.loader import Batch
from inceptionctl.evaluation.evaluate import Evaluation, combined, evaluate
from inceptionctl.models.torch.modules import Output
from inceptionctl.training.distributed.batch_norm import convert_batch_norm, group_norms, update_running_stats
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.ema import averaged
from inceptionctl.training.losses import CrossEntropy
from inceptionctl.training.meters import Diverged, Journal
from inceptionctl.training.optimizers import sgd
from inceptionctl.training.partition import Layout
from inceptionctl.training.step import Outcome, Step
from inceptionctl.worker.assemble import as_called

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


def pictures():
    random = torch.Generator().manual_seed(3)
    images = torch.randint(0, 256, (STEPS * BATCH, 3, 9, 9), dtype=torch.uint8, generator=random)
    return images, torch.randint(0, 5, (STEPS * BATCH,), generator=random)


def trained(ranks, normed, layout):
    """Losses of the steps over all ranks, and the weights, statistics and average after them, in float64."""
    torch.manual_seed(0)
    model = Net(normed).double()
    average = averaged(model, 0.9, warmup=True, buffers="averaged")
    if not layout.plain:
        convert_batch_norm(model, layout.group // layout.span, layout.span)
    step = Step(
        model=model,
        loss=CrossEntropy(0.1, 0.0, True),
        optimizer=sgd(model, 1e-4, momentum=0.9),
        average=average,
        clip=2.0,
        device=CPU,
        memory_format=torch.contiguous_format,
        forward=as_called(model, ranks, CPU, False, False),
        ranks=ranks,
        normalise=wide,
    )
    images, labels = pictures()
    model.train()
    losses = []
    for number in range(STEPS):
        first = number * BATCH + ranks.rank * layout.accumulate * layout.share
        starts = range(first, first + layout.accumulate * layout.share, layout.share)
        batches = [Batch(images[at : at + layout.share], labels[at : at + layout.share]) for at in starts]
        losses.append(float(step(batches, 0.5).loss))
    state = {**model.state_dict(), **{f"average.{k}": v for k, v in average.module.state_dict().items()}}
    return ranks.means(losses), {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}


def assert_equal(one, other):
    assert one[0] == pytest.approx(other[0], abs=1e-10)
    assert one[1].keys() == other[1].keys()
    for name in one[1]:
        assert (one[1][name] - other[1][name]).abs().max() < 1e-10, name


@pytest.mark.parametrize(
    ("normed", "bn_batch", "world", "accumulate"),
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
def test_any_number_of_ranks_and_parts_trains_what_one_does(normed, bn_batch, world, accumulate, tmp_path):
    """float64, 1e-10: losses, weights, running statistics and averages; equal on all ranks to the bit."""
    whole = trained(DistributedContext(), normed, Layout.cut(BATCH, 1, 1, bn_batch, normed))
    layout = Layout.cut(BATCH, world, accumulate, bn_batch, normed)
    if world == 1:
        assert_equal(trained(DistributedContext(), normed, layout), whole)
        return
    found = on_ranks(world, tmp_path, trained, normed, layout)
    assert_equal(found[0], whole)
    for other in found[1:]:
        assert other[0] == found[0][0]
        assert [name for name in other[1] if not torch.equal(other[1][name], found[0][1][name])] == []


def test_ghost_batches_are_groups_by_themselves():
    """The oracle is torch's batch norm on each group of pictures."""
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4)
    x = torch.randn(12, 4, 5, 5)
    parts = [copy.deepcopy(norm) for _ in range(3)]
    expected = torch.cat([part(piece) for part, piece in zip(parts, x.split(4), strict=True)])
    ghost = convert_batch_norm(nn.Sequential(norm), 4, 1)
    assert torch.equal(ghost(x), expected)
    update_running_stats(group_norms(ghost), DistributedContext())
    mean = torch.stack([part.running_mean for part in parts]).mean(0)
    variance = torch.stack([part.running_var for part in parts]).mean(0)
    assert torch.allclose(ghost[0].running_mean, mean, atol=1e-7)
    assert torch.allclose(ghost[0].running_var, variance, atol=1e-6)
    assert torch.equal(ghost.eval()(x), norm.eval()(x))  # the same tensors


def exchanges(ranks):
    own = torch.full((ranks.rank + 1, 2), float(ranks.rank))
    return {
        "any": ranks.any(ranks.rank == 1, False),
        "means": ranks.means([float(ranks.rank), 4.0]),
        "collect": torch.cat(ranks.collect(own, [(1, 2), (2, 2), (3, 2)])).tolist(),
        "average": ranks.average_(torch.tensor([3.0 * ranks.rank])).tolist(),
        "first": ranks.first,
    }


def test_exchanges_give_every_rank_the_same(tmp_path):
    found = on_ranks(3, tmp_path, exchanges)
    expected = {
        "any": [True, False],
        "means": [1.0, 4.0],
        "collect": [[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [2.0, 2.0], [2.0, 2.0], [2.0, 2.0]],
        "average": [3.0],
    }
    assert [{key: one[key] for key in expected} for one in found] == [expected] * 3
    assert [one["first"] for one in found] == [True, False, False]


def evaluated(ranks):
    torch.manual_seed(0)
    model, (images, labels) = Net(True), pictures()
    labels = labels.where(torch.arange(len(labels)) % 9 != 4, -100)
    own = range(ranks.rank * 61 // ranks.size, (ranks.rank + 1) * 61 // ranks.size)
    batches = [Batch(images[at : at + 1], labels[at : at + 1]) for at in own]
    return combined(evaluate(model, batches, CPU, torch.contiguous_format, first=own.start), ranks)


def test_shares_of_an_evaluation_add_up_without_padding(tmp_path):
    """Sixty-one pictures, of which every ninth cannot be read, over three ranks."""
    whole: Evaluation = evaluated(DistributedContext())
    assert (whole.n_images, whole.unreadable) == (54, 7)
    for found in on_ranks(3, tmp_path, evaluated):
        assert found.row() == pytest.approx(whole.row())
        for name in ("indices_N", "labels_N", "top5_NK", "p_true_N"):
            assert getattr(found, name).tobytes() == getattr(whole, name).tobytes()


def journalled(ranks):
    journal = Journal(ranks, scaled=False)
    journal.pending = [Outcome(1.0 + ranks.rank, 2.0), Outcome(3.0, 2.0, unreadable=ranks.rank)]
    journal.update_running_stats(2)  # as a checkpoint between two rows does
    kept = journal.state()
    other = Journal(ranks, scaled=False)
    other.restore(kept)
    for one in (journal, other):
        one.pending.append(Outcome(5.0 + ranks.rank, 2.0))
    return journal.row(3), other.row(3)


def test_a_row_is_the_mean_over_ranks_and_survives_a_checkpoint(tmp_path):
    for before, after in on_ranks(2, tmp_path, journalled):
        assert before == after == {"loss": (1.5 + 3.0 + 5.5) / 3, "grad_norm": 2.0, "unreadable": 1}


def diverging(ranks):
    journal = Journal(ranks, scaled=False)
    journal.pending = [Outcome(1.0, 1.0), Outcome(float("nan") if ranks.rank else 1.0, 1.0), Outcome(1.0, 1.0)]
    try:
        journal.update_running_stats(12)
    except Diverged as error:
        return error.step
    return None


def test_all_ranks_see_one_of_them_diverge(tmp_path):
    assert on_ranks(2, tmp_path, diverging) == [11, 11]


def test_an_overflow_in_float16_is_no_divergence():
    journal = Journal(DistributedContext(), scaled=True)
    journal.pending = [Outcome(2.0, float("inf")), Outcome(4.0, 1.5)]
    assert journal.row(2) == {"loss": 3.0, "grad_norm": 1.5}
    journal.pending = [Outcome(2.0, float("inf"))]
    assert journal.row(3) == {"loss": 2.0, "grad_norm": None}
    journal.pending = [Outcome(2.0, float("inf"))] * 40
    with pytest.raises(Diverged, match="step 43"):
        journal.row(43)
