"""Reads the table of classes in the ILSVRC-2012 devkit's meta.mat by SciPy, in a process of its own.

SciPy's reader can crash on a damaged file and take any amount of memory; this process is then the one that ends.
"""

from __future__ import annotations

import io
import resource
import sys
from functools import lru_cache

from inceptionctl import processes

KEYS = ("ILSVRC2012_ID", "WNID")
MAX_MEMORY, SECONDS = 4 << 30, 120  # bytes; a start of Python takes a second


@lru_cache(maxsize=2)
def read_table(data: bytes) -> list[tuple[int, str]]:
    """(ILSVRC id, WordNet id) of each class. Raises ValueError for what is no such table."""
    try:
        done = processes.run(processes.python_module(__name__), data, SECONDS)
    except processes.TooSlowError as error:
        raise ValueError(f"SciPy does not read it in {SECONDS} s") from error
    if done.code:
        last = done.message.strip().rpartition("\n")[2]
        raise ValueError(last if done.code > 0 and last else "SciPy's reader crashes on it")
    rows = (line.split() for line in done.text.splitlines())
    return [(int(number), wnid) for number, wnid in rows]


def _print_table() -> None:
    from scipy.io import loadmat

    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    synsets = loadmat(io.BytesIO(sys.stdin.buffer.read()), squeeze_me=True, variable_names=["synsets"])["synsets"]
    for number, wnid in zip(*(synsets[key] for key in KEYS), strict=True):
        print(int(number), wnid)


if __name__ == "__main__":
    _print_table()
