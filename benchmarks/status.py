"""`inceptionctl status` of a table of 200 queued cells on a real, private Slurm cluster, each run interleaved with a
bare squeue and an empty Python, by whose sum it is divided. Needs what tests/slurm needs; goal: 2 s.

python benchmarks/status.py [--rounds 9]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

TABLE = ["ablate", "table=rmsprop", "seeds=50", "launch=slurm", "launch.extra={begin:now+10hours}"]


def main() -> None:
    from support.slurm_cluster import temporary  # type: ignore[import-not-found]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with temporary() as cluster, tempfile.TemporaryDirectory() as folder:
        environment = os.environ | cluster.environment

        def seconds(*words: str) -> float:
            begun = time.perf_counter()
            subprocess.run(words, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
            return time.perf_counter() - begun

        ours = [sys.executable, "-m", "inceptionctl"]
        print(f"submitting 200 cells: {seconds(*ours, *TABLE):.1f} s")
        pairs = [
            (seconds(*ours, "status", "outputs/rmsprop"), seconds("squeue", "-r") + seconds(sys.executable, "-c", ""))
            for _ in range(rounds)
        ]
    print(f"status: {_spread([mine for mine, _ in pairs])} s")
    print(f"        {_spread([mine / bare for mine, bare in pairs])} times squeue and an empty Python")


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
