"""NCCL with one rank: DDP, batch norm over ranks and the exchanges of a run, against a step without them."""

from __future__ import annotations

import json
import subprocess
import sys

from support.gpu_runs import DEVICE, TINY, note

CODE = """
import json, sys
from dataclasses import dataclass, replace
import torch
import torch.distributed as dist
from inceptionctl.planning.plan import plan
from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.loader import Batch
from inceptionctl.training.distributed.batch_norm import convert_batch_norm, ghost_batch_norms
from inceptionctl.training.distributed.context import DistributedContext
from inceptionctl.training.partition import BatchPartition
from inceptionctl.worker.assemble import make_step

device, store, width = torch.device(sys.argv[1]), sys.argv[2], sys.argv[3]
backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
if device.type == "cuda":
    torch.cuda.set_device(0)
dist.init_process_group(backend, rank=0, world_size=1, init_method=f"file://{store}")


@dataclass(frozen=True)
class OneOfOne(DistributedContext):
    @property
    def is_distributed(self):
        return True


def step_with(context):
    words = ["data=digits", f"arch.width={width}", "arch.dropout=0", "train.batch_size=32", "train.deterministic=true"]
    return make_step(plan(parse(compose("train", words))), device, context=context)


images = torch.randint(0, 256, (32, 3, 79, 79), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
batch = Batch(images, torch.arange(32) % 10)
found = {}
for name, context in (("alone", DistributedContext()), ("ddp", OneOfOne())):
    step = step_with(context)
    step.model.train()
    found[name] = [float(step([batch], 0.01).loss) for _ in range(4)]
step = step_with(OneOfOne())
convert_batch_norm(step.model, BatchPartition.of(32, 1, 1, None))
step = replace(step, forward=step.model)
for norm in ghost_batch_norms(step.model):
    norm._on_this_rank = norm._over_ranks
step.model.train()
found["batch norm over ranks"] = [float(step([batch], 0.01).loss) for _ in range(4)]
context = OneOfOne()
assert context.all_reduce_any(True, False) == [True, False]
assert context.all_reduce_mean([1.5]) == [1.5]
assert context.all_reduce_mean_(torch.ones(3, device=device)).tolist() == [1.0] * 3
assert context.all_gather(torch.arange(3), [(3,)])[0].tolist() == [0, 1, 2]
context.shutdown()
print(json.dumps(found))
"""


def test_one_rank_by_nccl_steps_as_none_does(tmp_path):
    words = [sys.executable, "-c", CODE, DEVICE, str(tmp_path / "store"), "0.1" if TINY else "0.25"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    note("NCCL with one rank: losses of four steps", **found)
    for name in ("ddp", "batch norm over ranks"):
        apart = [abs(a - b) / abs(a) for a, b in zip(found["alone"], found[name], strict=True)]
        assert max(apart[:2]) < 0.02, name
