"""Runs a function on several gloo ranks, each in a process of its own, and returns what each returned."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inceptionctl.launch.local import PRELOADED

SECONDS = 120


def on_ranks(world_size: int, folder: Path, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """`function(context, *arguments)` on each of `world_size` ranks. `function` has to be importable."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    processes = [
        context.Process(target=_rank, args=(rank, world_size, port, folder / f"rank-{rank}", function, arguments))
        for rank in range(world_size)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(SECONDS)
        process.kill()
    assert [process.exitcode for process in processes] == [0] * world_size
    return [pickle.loads((folder / f"rank-{rank}").read_bytes()) for rank in range(world_size)]


def _rank(
    rank: int, world_size: int, port: int, place: Path, function: Callable[..., Any], arguments: tuple[Any]
) -> None:
    import torch

    from inceptionctl.training.distributed.context import init_process_group

    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world_size)}
    os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    distributed = init_process_group(torch.device("cpu"), 60.0)
    place.write_bytes(pickle.dumps(function(distributed, *arguments)))
    distributed.shutdown()
