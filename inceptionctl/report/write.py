"""Writes a table's report beside its manifest: texts, figures and the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inceptionctl.report.find import find
from inceptionctl.report.findings import Findings
from inceptionctl.report.render.csv import as_csv
from inceptionctl.report.render.json import as_json
from inceptionctl.report.render.latex import latex
from inceptionctl.report.render.markdown import markdown
from inceptionctl.report.render.seeds import seeds_csv
from inceptionctl.report.results import read
from inceptionctl.runs.io import write_text

if TYPE_CHECKING:
    from inceptionctl.report.plots.style import Look

MARKDOWN, PAGE = "report.md", "report.html"
TEXTS = {
    "csv": ("report.csv", as_csv),
    "seeds": ("seeds.csv", seeds_csv),
    "json": ("report.json", as_json),
    "latex": ("report.tex", latex),
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """`texts`: paths by format."""

    findings: Findings
    texts: dict[str, Path]
    figures: list[Path]


def write(
    folder: Path, kinds: Sequence[str] = ("svg", "png"), look: Look | None = None, refresh: float | None = None
) -> Report:
    """Writes report.md, .csv, .json, .tex and .html, seeds.csv and the figures into `folder`. `kinds`: of files of the
    figures; `refresh`: seconds after which an open page is loaded again. Raises RequestError if there is no manifest,
    and RecordError if a file of a run is damaged."""
    # matplotlib and jinja2 take longer to import than everything else
    from inceptionctl.report.page.render import page
    from inceptionctl.report.plots.draw import draw

    findings = find(read(folder))
    figures = draw(findings, folder, kinds, look)
    shown = [path.name for path in figures if path.suffix != ".pdf"]
    write_text(
        folder / MARKDOWN, markdown(findings, [name for name in shown if Path(name).suffix == Path(shown[0]).suffix])
    )
    for name, render in TEXTS.values():
        write_text(folder / name, render(findings))
    names = [MARKDOWN, *(name for name, _ in TEXTS.values())]
    write_text(folder / PAGE, page(findings, names, refresh))
    texts = {"markdown": MARKDOWN, **{kind: name for kind, (name, _) in TEXTS.items()}, "html": PAGE}
    return Report(findings=findings, texts={kind: folder / name for kind, name in texts.items()}, figures=figures)
