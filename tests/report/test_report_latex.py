"""The table in LaTeX: by a TeX where there is one, and by its structure."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from inceptionctl.report.find import find
from inceptionctl.report.render.latex import escaped, latex
from inceptionctl.report.results import read
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.runs.records.table import TableManifest

NAME = r"50 % of $5 & 6_7 #8 {9} ~ ^ \ < > | \end{table}"
TEX = next(filter(None, map(shutil.which, ("tectonic", "pdflatex", "lualatex"))), None)


def rows_of(text: str) -> list[list[str]]:
    """The cells of each line of the table."""
    body = text.partition(r"\toprule")[2].partition(r"\bottomrule")[0]
    return [line.removesuffix(r"\\").split(" & ") for line in body.splitlines() if line.endswith(r"\\")]


@pytest.fixture
def named(ladder) -> str:
    """With a row whose name is all that TeX takes for something else."""
    table = read_record(ladder / MANIFEST, TableManifest)
    rows = [replace(table.rows[0], label=NAME), *table.rows[1:]]
    write_record(ladder / MANIFEST, replace(table, rows=rows))
    return latex(find(read(ladder)))


def test_environments_are_balanced_and_rows_are_whole(named):
    opened: list[str] = []
    for kind, name in re.findall(r"(?<!\\textbackslash\{\})\\(begin|end)\{(\w+)\}", named):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert opened == []
    columns = len(re.search(r"\\begin\{tabular\}\{([lr]+)\}", named)[1])
    assert {len(row) for row in rows_of(named)} == {columns}
    for braces in ("{", "}"):
        assert len(re.findall(rf"(?<!\\)\{braces}", named)) == len(re.findall(r"(?<!\\)\{", named))


def test_what_tex_takes_for_something_else_is_escaped(named):
    assert escaped(NAME) in named
    assert NAME not in named
    assert escaped("-0.3 of -5, v2-3, a-b") == r"\ensuremath{-}0.3 of \ensuremath{-}5, v2-3, a-b"


def test_the_papers_figures_are_in_italics_and_ours_are_not(ladder):
    text = latex(find(read(ladder)))
    row = next(row for row in rows_of(text) if row[0] == "+ Label smoothing")
    assert row[1] == r"\textit{22.8}"
    assert row[3] == r"6.33 \ensuremath{\pm} 0.29 (3)"
    assert "Italics: the paper's figures" in text
    assert "This scale shows directions at most" in text


def test_a_table_without_a_paper_has_no_column_for_one(own_table):
    text = latex(find(read(own_table)))
    assert "paper" not in text.partition(r"\begin{table}")[2]
    assert r"\textit" not in text


@pytest.mark.skipif(TEX is None, reason="no TeX is installed")
def test_tex_compiles_it(named, tmp_path):
    document = (
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs}\begin{document}"
        + named
        + r"\end{document}"
    )
    Path(tmp_path / "paper.tex").write_text(document)
    words = [TEX, "paper.tex"] if Path(TEX).name == "tectonic" else [TEX, "-interaction=nonstopmode", "paper.tex"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 1000
