"""`python -m inceptionctl.doctor.rank gloo|nccl`: one of the ranks that `ranks` starts. Prints bytes per second."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta

import torch
import torch.distributed as dist

SECONDS = 90  # that a rank waits for another
LENGTH, REPEATS = 1 << 20, 8  # float32 values of a tensor


def main(backend: str) -> None:
    rank = int(os.environ["RANK"])
    device = torch.device("cuda", rank) if backend == "nccl" else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group(backend, timeout=timedelta(seconds=SECONDS))
    world_size = dist.get_world_size()
    tensor = torch.full((LENGTH,), rank + 1.0, device=device)
    dist.all_reduce(tensor)  # the ranks connect
    total = float(tensor.sum())
    if total != (expected := LENGTH * world_size * (world_size + 1) / 2):
        raise SystemExit(f"RuntimeError: the sum over {world_size} ranks is {total:g}, not {expected:g}")
    began = time.perf_counter()
    for _ in range(REPEATS):
        dist.all_reduce(tensor.zero_())
    float(tensor[0])  # waits for the device
    print(REPEATS * tensor.nbytes / (time.perf_counter() - began))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
