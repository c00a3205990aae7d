"""Runs a function on several gloo ranks, each a process of its own, and gives back what each returned."""

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


def on_ranks(world: int, folder: Path, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """`function(ranks, *arguments)` on each of `world` ranks. `function` has to be importable."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    processes = [
        context.Process(target=_rank, args=(rank, world, port, folder / f"rank-{rank}", function, arguments))
        for rank in range(world)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(SECONDS)
        process.kill()
    assert [process.exitcode for process in processes] == [0] * world
    return [pickle.loads((folder / f"rank-{rank}").read_bytes()) for rank in range(world)]


def _rank(rank: int, world: int, port: int, place: Path, function: Callable[..., Any], arguments: tuple[Any]) -> None:
    import torch

    from inceptionctl.training.distributed.context import join

    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world)}
    os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    ranks = join(torch.device("cpu"), 60.0)
    place.write_bytes(pickle.dumps(function(ranks, *arguments)))
    ranks.leave()
