"""The table in LaTeX, to be put into a document that uses the package booktabs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from inceptionctl.report.column import Column
from inceptionctl.report.columns import main_columns, report_text
from inceptionctl.report.findings import Findings
from inceptionctl.report.format import DASH

SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "±": r"\ensuremath{\pm}",
    "·": r"\textperiodcentered{}", "→": r"\ensuremath{\rightarrow}", "×": r"\ensuremath{\times}",
    "≤": r"\ensuremath{\leq}", "≥": r"\ensuremath{\geq}", "\u00a0": "~", "[": "{[}", "]": "{]}",
    **{one: f"\\{one}" for one in "&%$#_{}"},
}  # fmt: skip
MINUS = re.compile(r"(?<![\w}-])-(?=\d)")
BEGIN = r"""% needs \usepackage{booktabs} and, for quotes and bars in names, \usepackage[T1]{fontenc}
\begin{table}
\centering
\small
\setlength{\tabcolsep}{4pt}"""


def latex(findings: Findings) -> str:
    """The paper's figures are in italics; notes stand below the table."""
    text = report_text(findings, findings.table.folder)
    columns = [text.columns[0], *main_columns(findings)]
    italics = ["Italics: the paper's figures, as printed."] if any(one.source == "paper" for one in columns) else []
    notes = [*italics, *text.footnotes, *text.warnings]
    caption = ". ".join(one.rstrip(".") for one in (text.heading, findings.table.manifest.caption, text.setting) if one)
    return "\n".join(
        [
            BEGIN,
            rf"\caption{{{escaped(caption)}.}}",
            rf"\label{{tab:{escaped_label(findings.table.manifest.table)}}}",
            *_tabular(columns, text.quoted),
            r"\par\medskip",
            r"\begin{minipage}{\linewidth}",
            r"\footnotesize",
            *(rf"{escaped(line)}\par" for line in notes),
            r"\end{minipage}",
            r"\end{table}",
            "",
        ]
    )  # fmt: skip


def escaped(text: str) -> str:
    """`text` as LaTeX prints it; the hyphen before a number is a minus."""
    return MINUS.sub(r"\\ensuremath{-}", "".join(SPECIAL.get(one, one) for one in text))


def escaped_label(text: str) -> str:
    """A name of letters, digits, dots and dashes, which \\ref takes."""
    return "".join(one if one.isascii() and (one.isalnum() or one in ".-") else "-" for one in text)


def _tabular(columns: Sequence[Column], quoted: int) -> list[str]:
    alignment = "".join("r" if one.numeric else "l" for one in columns)
    titles = [[*one.title.strip().split("\n"), ""][:2] for one in columns]
    lines = [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule"]
    lines += [_line([escaped(title[place]) for title in titles]) for place in (0, 1) if any(t[place] for t in titles)]
    lines.append(r"\midrule")
    for place, cells in enumerate(zip(*(one.cells for one in columns), strict=True)):
        if place == quoted > 0:
            lines.append(r"\midrule")
        lines.append(_line([_cell(column, cell) for column, cell in zip(columns, cells, strict=True)]))
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _cell(column: Column, cell: str) -> str:
    if cell == DASH:
        return "--"
    text = escaped(cell)
    return rf"\textit{{{text}}}" if column.source == "paper" else text


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
