"""Whether two processes reach each other: by gloo between CPUs, by NCCL between GPUs."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from inceptionctl import processes
from inceptionctl.doctor.finding import Finding, ok, problem
from inceptionctl.doctor.gpus import usable
from inceptionctl.errors import shortened

CHECK = "ranks"
RANK = "inceptionctl.doctor.rank"
SECONDS = 180.0  # importing torch included, on a machine that does much else
ERROR = re.compile(r"^[\w.]*(Error|Exception|Exit|Interrupt)\b", re.MULTILINE)
REMEDIES = {
    "gloo": "does this machine's name resolve (/etc/hosts)? GLOO_SOCKET_IFNAME=lo chooses a network interface",
    "nccl": "does torch's build match the driver? NCCL_DEBUG=INFO says more; launch.device=cpu needs no GPU",
}


def check(device: str) -> Iterator[Finding]:
    """`device`: launch.device."""
    yield round_trip("gloo", 2)
    gpus = 0 if device == "cpu" else usable()
    if gpus:
        yield round_trip("nccl", min(gpus, 2))
    if gpus == 1:
        yield ok(CHECK, "one GPU: NCCL between GPUs could not be tried")


def round_trip(backend: str, world_size: int) -> Finding:
    """Starts the ranks, which sum a tensor over all of them."""
    ranks = "one rank" if world_size == 1 else f"{world_size} ranks"
    with ThreadPoolExecutor(world_size) as pool:
        port = free_port()
        done = list(pool.map(lambda rank: _run(backend, rank, world_size, port), range(world_size)))
    if failed := [one for one in done if one.code]:
        message = f"{backend} between {ranks} fails: {error_in(failed[0])}"
        return problem(CHECK, message, REMEDIES[backend], backend=backend, world_size=world_size)
    rate = float(done[0].text.split()[-1])
    values = {"backend": backend, "world_size": world_size, "bytes_per_second": rate}
    return ok(CHECK, f"{backend} sums over {ranks}, {rate / 1e9:.2g} GB/s", **values)


def _run(backend: str, rank: int, world_size: int, port: int) -> processes.Done:
    variables = {
        "RANK": f"{rank}", "LOCAL_RANK": f"{rank}", "WORLD_SIZE": f"{world_size}",
        "MASTER_ADDR": "localhost", "MASTER_PORT": f"{port}",
    }  # fmt: skip
    try:
        return processes.run(processes.python_module(RANK, backend), b"", SECONDS, **variables)
    except processes.TooSlowError:
        return processes.Done(1, b"", f"Error: rank {rank} did not end in {SECONDS:g} s".encode())


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return int(free.getsockname()[1])


def error_in(done: processes.Done) -> str:
    """The exception that a Python program ended with."""
    if done.code < 0:
        return f"it was killed by signal {-done.code}"
    begins = [found.start() for found in ERROR.finditer(done.message)]
    text = done.message[begins[-1] :] if begins else done.message
    return shortened(" ".join(text.split()) or f"it exited {done.code} without a word", 300)
