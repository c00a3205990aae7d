"""Writes a table's report beside its manifest: texts and figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inceptionctl.report.find import find
from inceptionctl.report.findings import Findings
from inceptionctl.report.render.csv import as_csv
from inceptionctl.report.render.json import as_json
from inceptionctl.report.render.markdown import markdown
from inceptionctl.report.results import read
from inceptionctl.runs.io import write_text

TEXTS = {"markdown": ("report.md", markdown), "csv": ("report.csv", as_csv), "json": ("report.json", as_json)}


@dataclass(frozen=True, kw_only=True)
class Report:
    findings: Findings
    texts: dict[str, Path]
    figures: list[Path]


def write(folder: Path) -> Report:
    """Writes report.md, .csv and .json and the figures into `folder`. Raises RequestError if it has no manifest, and
    RecordError if a file of a run is damaged."""
    from inceptionctl.report.plots.draw import draw  # matplotlib takes longer to import than everything else

    findings = find(read(folder))
    for name, render in TEXTS.values():
        write_text(folder / name, render(findings))
    texts = {kind: folder / name for kind, (name, _) in TEXTS.items()}
    return Report(findings=findings, texts=texts, figures=draw(findings, folder))
