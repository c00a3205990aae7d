"""Keeps the small files of tables' reports in docs/results and lists them in its README.md.

inceptionctl ablate table=residual seeds=5
python benchmarks/results.py outputs/residual [...]     # all tables of the list
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from inceptionctl.report.environment import environment
from inceptionctl.report.findings import Findings
from inceptionctl.report.format import change_unit, quantity
from inceptionctl.report.reference_points import without_place
from inceptionctl.report.write import Report, write

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
        report = write(folder)
        keep(report, RESULTS / folder.name)
        lines.append(list(line(folder.name, report.findings)))
    index = RESULTS / "README.md"
    before, _, rest = index.read_text().partition(BEGIN)
    made = "".join(f"| {' | '.join(one)} |\n" for one in lines)
    index.write_text(before + BEGIN + made + END + rest.partition(END)[2])


def keep(report: Report, kept: Path) -> None:
    """Copies report.md, report.csv and the figures that the former shows, without links to run folders."""
    kept.mkdir(parents=True, exist_ok=True)
    made, command = report.texts["markdown"], report.findings.table.manifest.command
    text = made.read_text().replace(command, without_place(command))
    text = re.sub(r"\[([\d.]+)\]\([^)]*-\d+\)", r"\1", text)
    text = re.sub(r"\| platform \|.*\n", "", text)
    (kept / made.name).write_text(text)
    for name in [report.texts["csv"].name, *re.findall(r"!\[.*\]\((.*)\)", text)]:
        shutil.copyfile(made.parent / name, kept / name)


def line(name: str, found: Findings) -> Iterator[str]:
    facts = {fact.name: "; ".join(value for value, _ in fact.values) for fact in environment(found.table)}
    variance, unit = found.seed_variance, change_unit(found.metric)
    yield f"[{name}]({name}/report.md), {found.seeds} seeds"
    yield f"{found.resolved} of {len(found.rungs)}"
    yield f"{quantity(found.detectable, found.metric)} {unit}" if found.detectable else "-"
    yield f"{quantity(variance.sd, found.metric)} {unit} ({variance.rows} rows)" if variance else "-"
    splits = [one.split for one in found.rows if one.split and one.measured and one.measured.converged]
    yield f"{span([one.test_set for one in splits])}, {span([one.networks for one in splits])}"
    yield facts["time"]
    yield facts["commit"]
    yield f"`{without_place(found.table.manifest.command)}`"


def span(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}" if values else "-"


if __name__ == "__main__":
    main()
