"""Keeps the small files of tables' reports in docs/results and lists them in its README.md.

inceptionctl ablate table=residual seeds=5
inceptionctl report outputs/residual
python benchmarks/results.py outputs/residual [...]     # all tables of the list
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inceptionctl.report.environment import environment
from inceptionctl.report.reference_points import without_place
from inceptionctl.report.results import read

RESULTS = Path(__file__).parent.parent / "docs" / "results"
BEGIN, END = "<!-- made by benchmarks/results.py -->\n", "<!-- end -->\n"
TITLES = [
    "table", "rungs resolved", "smallest detectable", "sd between seeds", "of it: test set, networks", "time", "commit",
    "command",
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", type=Path, help="folders of tables with their reports")
    lines = [TITLES, ["---"] * len(TITLES)]
    for folder in parser.parse_args().tables:
        found = json.loads((folder / "report.json").read_text())
        keep(folder, RESULTS / folder.name, found)
        lines.append(list(line(folder, found)))
    index = RESULTS / "README.md"
    before, _, rest = index.read_text().partition(BEGIN)
    made = "".join(f"| {' | '.join(one)} |\n" for one in lines)
    index.write_text(before + BEGIN + made + END + rest.partition(END)[2])


def keep(folder: Path, kept: Path, found: dict[str, Any]) -> None:
    """Copies report.md, report.csv and the figures that the former shows, without links to run folders."""
    kept.mkdir(parents=True, exist_ok=True)
    text = (folder / "report.md").read_text().replace(found["command"], without_place(found["command"]))
    text = re.sub(r"\[([\d.]+)\]\([^)]*-\d+\)", r"\1", text)
    text = re.sub(r"\| platform \|.*\n", "", text)
    (kept / "report.md").write_text(text)
    for name in ["report.csv", *re.findall(r"!\[.*\]\((.*)\)", text)]:
        shutil.copyfile(folder / name, kept / name)


def line(folder: Path, found: dict[str, Any]) -> Iterator[str]:
    facts = {fact.name: "; ".join(value for value, _ in fact.values) for fact in environment(read(folder))}
    variance, unit = found["seed_variance"], "points" if found["metric"] == "final" else "steps"
    yield f"[{folder.name}]({folder.name}/report.md), {found['seeds']} seeds"
    yield f"{found['resolved']} of {len(found['rungs'])}"
    yield f"{found['detectable']:.2g} {unit}" if found["detectable"] else "-"
    yield f"{variance['sd']:.2g} {unit} ({variance['rows']} rows)" if variance else "-"
    splits = [row["seed_split"] for row in found["rows"] if row["seed_split"] and row["converged"]]
    yield ", ".join(span([one[part] for one in splits]) for part in ("test_set", "networks"))
    yield facts["time"]
    yield facts["commit"]
    yield f"`{without_place(found['command'])}`"


def span(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}" if values else "-"


if __name__ == "__main__":
    main()
