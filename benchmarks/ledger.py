"""`report` of a table whose cells are a thousand made-up finished runs: 50 rows of 20 seeds, 3,600 images each, as at
scale=digits. In one process, as text for a terminal; goal: 5 s.

python benchmarks/ledger.py [--rows 50] [--seeds 20] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import resource
import shutil
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

IMAGES, RENDERINGS = 3600, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = make_table(Path(place), asked.rows, asked.seeds)
        print(f"{asked.rows * asked.seeds} runs, {_disk(Path(place)) / 1e6:.0f} MB")
        for what in ("first", "again"):
            begun, worked = time.perf_counter(), time.process_time()
            characters = as_text(folder)
            seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
            print(f"{what}: {seconds:.2f} s, of which {cpu:.2f} s of CPU; {characters:,} characters")
        print(f"memory: at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB resident")
        if asked.profile:
            profile(lambda: as_text(folder))
        tracemalloc.start()
        as_text(folder)
        print(f"allocated by Python while it reports: at most {tracemalloc.get_traced_memory()[1] / 1e6:.0f} MB")


def make_table(place: Path, rows: int, seeds: int) -> Path:
    """Made as a comparison of the runs, and put beside them as a table would be."""
    from support.finished_runs import Images, finished_run  # type: ignore[import-not-found]

    outputs = place / "outputs"
    for row in range(rows):
        words = [f"train.epochs={8 + row}"]
        for seed in range(seeds):
            wrong = 200 + 4 * row + (7 * seed) % 19
            finished_run(outputs, *words, wrong=wrong, seed=seed, images=Images(IMAGES, RENDERINGS))
    from inceptionctl.report.comparison.tables import compare

    (found,) = compare([outputs / "train"], outputs)
    table = outputs / "ledger"
    shutil.move(found.folder, table)
    return table


def as_text(folder: Path) -> int:
    """What `report` prints, but for the figures, which are drawn: how many characters."""
    from inceptionctl.report.columns import report_text
    from inceptionctl.report.find import find
    from inceptionctl.report.render import terminal
    from inceptionctl.report.results import read

    text = io.StringIO()
    with redirect_stdout(text):
        terminal.show(report_text(find(read(folder)), Path.cwd()), terminal.console())
    return len(text.getvalue())


def profile(action: Callable[[], object]) -> None:
    profiler = cProfile.Profile()
    profiler.runcall(action)
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(35)


def _disk(place: Path) -> int:
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
