"""The two pictures of a report: the ladder, the paper's beside ours, and the learning curves. Okabe and Ito's colours,
which the colour-blind tell apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from inceptionctl.report.findings import Findings
from inceptionctl.report.results import Curves, Floats
from inceptionctl.report.words import signed

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000", "#999999")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
GREY = "#767676"
PAPER, OURS = COLOURS[4], COLOURS[0]
WIDTH = 8.0  # inches: a page
STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "svg.fonttype": "none",  # text stays text: searchable, and small
    "svg.hashsalt": "inceptionctl",  # ids are the same every time
}


def draw(findings: Findings, folder: Path) -> list[Path]:
    """Writes ladder and curves, each as SVG and PNG, byte for byte the same for the same runs."""
    with matplotlib.rc_context(STYLE):
        drawn = {"ladder": ladder(findings), "curves": curves(findings)}
        return [_save(figure, folder / f"{name}.{kind}") for name, figure in drawn.items() for kind in ("svg", "png")]
