"""How the figures of a report look: colours, strokes, fonts and widths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

WIDTH = 8.0  # inches, of a figure of an evaluation
TITLE_CHARACTERS = 95  # of a line that is so wide
WIDTHS = {"column": 3.3, "page": 6.9}  # inches, of a paper's column and page
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")  # Okabe and Ito
STROKES = ("solid", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (8, 2)))  # distinct without colour
MARKERS = "osD^v<>"
PAPER, OURS, GREY, LIGHT, GRID = COLOURS[4], COLOURS[0], "#6b6b6b", "#a8a8a8", "#e6e6e6"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "text.parse_math": False,  # a $ in a row's label is a $
    "pdf.fonttype": 42,  # letters stay letters
    "svg.fonttype": "none",  # text is kept as text
    "svg.hashsalt": "inceptionctl",  # the same file every time, since it has no date either
}


@dataclass(frozen=True)
class Look:
    """Width of a figure in inches, and whether its title is drawn into it."""

    width: float = WIDTHS["page"]
    title: bool = True

    @property
    def narrow(self) -> bool:
        """As wide as a column of a paper."""
        return self.width < 5

    @property
    def font(self) -> float:
        """Size in points."""
        return 8.0 if self.narrow else 8.5

    @property
    def title_characters(self) -> int:
        """That fit on a line."""
        return int(TITLE_CHARACTERS * self.width / WIDTH)

    @property
    def label_characters(self) -> int:
        """Of a row's name beside a panel."""
        return 20 if self.narrow else 40

    @property
    def style(self) -> dict[Any, Any]:
        size = self.font
        return STYLE | {
            "font.size": size,
            "axes.labelsize": size,
            "axes.titlesize": size + 0.5,
            "xtick.labelsize": size,
            "ytick.labelsize": size,
            "legend.fontsize": size,
            "lines.markersize": 4 if self.narrow else 5,
        }
