"""Wall time of `inceptionctl ablate` from nothing: the whole table, and until its first cell is done.

python benchmarks/ablate.py [key=value ...]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        begun, first = time.perf_counter(), None
        command = [sys.executable, "-m", "inceptionctl", "ablate", *sys.argv[1:]]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
                if first is None and ": top-1 error" in line:
                    first = time.perf_counter() - begun
        whole = time.perf_counter() - begun
    print(
        f"first cell after {first:.0f} s, all of them and the report after {whole:.0f} s"
        if first
        else "no cell finished"
    )
    raise SystemExit(process.returncode)


if __name__ == "__main__":
    main()
