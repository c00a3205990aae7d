"""Figures have our style, whatever the current folder and the environment say of matplotlib."""

from __future__ import annotations

import os
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from support.made_up_evaluations import evaluation

from inceptionctl.report.evaluation.write import write_details
from inceptionctl.report.plots.library import Figure, styled
from inceptionctl.report.plots.style import STYLE

DRAWS = """
import os, sys
from pathlib import Path
from inceptionctl.report.plots.library import Figure, styled
from inceptionctl.report.plots.style import STYLE
assert os.getcwd() == sys.argv[1]
with styled(STYLE):
    figure = Figure()
    figure.suptitle("$x")
    figure.savefig("figure.svg", metadata={"Date": None})
"""


def drawn_in(folder, **variables):
    done = subprocess.run(
        [sys.executable, "-c", DRAWS, str(folder)],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return (folder / "figure.svg").read_bytes()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return drawn_in(tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize(
    "text",
    [b"text.usetex: true\nfont.size: 40\nsavefig.facecolor: red\n", b"\xff\xfe", None],
    ids=["style", "bytes", "fifo"],
)
def test_a_matplotlibrc_of_the_current_folder_is_not_read(text, plain, tmp_path):
    if text is None:
        os.mkfifo(tmp_path / "matplotlibrc")
    else:
        (tmp_path / "matplotlibrc").write_bytes(text)
    assert drawn_in(tmp_path) == plain


def test_nor_is_that_of_the_environment(plain, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "matplotlibrc").write_text("text.usetex: true\nno.such.key: 1\n")
    folder = str(tmp_path / "own")
    assert drawn_in(tmp_path, MPLBACKEND="module://nowhere", MATPLOTLIBRC=folder, MPLCONFIGDIR=folder) == plain


def test_a_style_that_was_set_before_has_no_effect(monkeypatch):
    monkeypatch.setitem(matplotlib.rcParams, "text.usetex", True)
    with styled(STYLE):
        assert not matplotlib.rcParams["text.usetex"]
        assert not Figure().suptitle("$x").get_usetex()
    assert matplotlib.rcParams["text.usetex"]


def test_names_that_look_like_mathematics_are_drawn_as_they_are(tmp_path):
    """By mathtext, the first could not be drawn at all."""
    record, predictions = evaluation(n_classes=4, index_N=np.arange(200))
    classes = [r"$\frac", "$x^2$", "a$b$c", r"\textbf{x}"]
    write_details(record, predictions, classes, None, tmp_path)
    svg = (tmp_path / "confusion.svg").read_text()
    assert [name for name in classes if f">{name}<" not in svg] == []
