"""Start-up time of what must answer at once, each run interleaved with an empty Python, by which it is divided.

python benchmarks/startup.py [--rounds 15]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time

COMMANDS = {
    "inceptionctl --help": ["-m", "inceptionctl", "--help"],
    "completion of a command": ["-m", "inceptionctl", "completion", "query", "inceptionctl tr"],
    "completion of an option": ["-m", "inceptionctl", "completion", "query", "inceptionctl train arch="],
    "inceptionctl models": ["-m", "inceptionctl", "models"],
    "inceptionctl models inception_v3": ["-m", "inceptionctl", "models", "inception_v3"],
    "inceptionctl train --dry-run": ["-m", "inceptionctl", "train", "--dry-run"],
    "inceptionctl train --help": ["-m", "inceptionctl", "train", "--help"],
    "ablate table=family --dry-run": ["-m", "inceptionctl", "ablate", "table=family", "seeds=1", "--dry-run"],
}
EMPTY = ["-c", "pass"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print(f"{'':<34}{'median s':>9}{'10 % - 90 %':>16}{'x empty Python':>16}")
    for name, words in COMMANDS.items():
        pairs = [(seconds(words), seconds(EMPTY)) for _ in range(rounds + 1)][1:]  # the first fills the disk cache
        ours = sorted(pair[0] for pair in pairs)
        low, high = ours[len(ours) // 10], ours[-1 - len(ours) // 10]
        ratio = statistics.median(mine / empty for mine, empty in pairs)
        print(f"{name:<34}{statistics.median(ours):>9.3f}{low:>8.3f} -{high:>6.3f}{ratio:>16.1f}")


def seconds(words: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        subprocess.run([sys.executable, *words], cwd=folder, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - begun


if __name__ == "__main__":
    main()
