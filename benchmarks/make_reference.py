"""Writes the points of convergence of a table's runs as a reference, which ships in inceptionctl/reference/.

inceptionctl ablate table=inception_v3 scale=digits seeds=10
python benchmarks/make_reference.py outputs/inception_v3 --out inceptionctl/reference/inception_v3_digits.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from inceptionctl.errors import InceptionctlError
from inceptionctl.report.reference_points import ERROR, LEAST_SEEDS, reference_of
from inceptionctl.runs.io import write_record


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="folder with a table.json")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--error", type=float, default=ERROR, help="percent that the steps lead to (default: 10)")
    parser.add_argument("--seeds", type=int, default=LEAST_SEEDS, help="least number of seeds (default: 10)")
    asked = parser.parse_args()
    try:
        reference = reference_of(asked.table, asked.error, asked.seeds)
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        write_record(asked.out, reference)
    except InceptionctlError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{asked.out}: {len(reference.rows)} rows, {min(len(row.steps) for row in reference.rows)} seeds or more")
    return 0


if __name__ == "__main__":
    sys.exit(main())
