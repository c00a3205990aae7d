"""The table of released weights as text: columns for the terminal, Markdown, and an object for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from inceptionctl.papers.released import PublishedFigure
from inceptionctl.report.column import Column
from inceptionctl.report.columns import ReportText
from inceptionctl.report.evaluation.names import middle
from inceptionctl.report.format import DASH
from inceptionctl.report.released.ours import N_VALIDATION, Ours
from inceptionctl.report.released.readings import Choice, Reading
from inceptionctl.report.released.table import ReleasedRow, ReleasedTable
from inceptionctl.report.render.markdown import grid, plain

SCHEMA = 1
HEADING = "Released weights on ImageNet's validation images"
SETTING = f"{N_VALIDATION:,} images, single networks; errors in percent"
CROPS_OF = {
    "protocol=single": "1 single",
    "protocol=crops10": "10",
    "protocol.reading=centre_square": "12 centre",
    "protocol.reading=squeezed": "12 squeezed",
    "protocol.reading=scales_and_squares": "12 scales",
    "protocol.scales=public_script": "12 script",
}
NOTES = (
    "own: as the weights are published; single: protocol=single; 10: protocol=crops10; 12: protocol=crops12, the three "
    "readings of it (centre_square, squeezed, scales_and_squares), and script: squeezed with scales=public_script.",
    "Figures of other collections are of weights that they converted themselves. Ours beside them is timm's release of "
    "that network, which need not be the same weights: own, 10 or 12 script.",
)
SHORT = {" README": "", " Applications (current documentation table)": "", " Caffe collection": " Caffe"}
NAME_WIDTH = 37  # columns: the table fits 80


def table_text(table: ReleasedTable) -> ReportText:
    """For report.render.terminal."""
    rows = table.rows
    columns = (
        Column(title="\nweights", cells=tuple(middle(_name(row), NAME_WIDTH) for row in rows), numeric=False),
        Column(title="\ncrops", cells=tuple(map(_crops, rows)), numeric=False),
        Column(title="published\ntop-1 / top-5", cells=tuple(_errors(row.published) for row in rows)),
        Column(title="ours\ntop-1 / top-5", cells=tuple(_errors(row.ours) for row in rows)),
    )
    return ReportText(
        heading=HEADING,
        setting=SETTING,
        quoted=0,
        columns=columns,
        footnotes=(*_footnotes(table), *reading_lines(table.choice)),
        warnings=table.problems,
    )


def markdown(table: ReleasedTable) -> str:
    text = table_text(table)
    lines = [[column.title.replace("\n", " ").strip() for column in text.columns]]
    lines += [[plain(cell) for cell in cells] for cells in zip(*(column.cells for column in text.columns), strict=True)]
    notes = "\n".join(f"- {plain(line)}" for line in (*text.footnotes, *text.warnings))
    sections = [f"# {text.heading}", text.setting, grid(lines, [column.numeric for column in text.columns]), notes]
    return "\n\n".join(sections) + "\n"


def document(table: ReleasedTable) -> dict[str, Any]:
    """For programs."""
    return {
        "schema": SCHEMA,
        "n_images": N_VALIDATION,
        "rows": [_row(row) for row in table.rows],
        "missing": [one.command for one in table.missing],
        "readings_of_12_crops": asdict(table.choice),
        "problems": list(table.problems),
    }


def reading_lines(choice: Choice) -> list[str]:
    """The three readings of 12 crops beside the papers' rows."""
    lines = ["12 crops against 1, change of the top-1 / top-5 error in points:"]
    for paper in choice.papers:
        ours = ", ".join(f"{one.name} {_gain(one, paper.network)}" for one in choice.readings)
        lines.append(f"  {paper.network}: papers {_range(paper.top1)} / {_range(paper.top5)}; {ours}")
    return [*lines, f"  reading of the papers' 12 crops: {choice.verdict}"]


def _footnotes(table: ReleasedTable) -> list[str]:
    found = len({row.asked for row in table.rows if row.ours})
    total = len({row.asked for row in table.rows if row.asked})
    return [f"ours: {found} of {total} evaluations are there; a dash is a figure that is not known.", *NOTES]


def _name(row: ReleasedRow) -> str:
    if row.publisher and row.asked:
        return row.asked.release.name
    return f"{_short(row.published.collection)}: {row.published.weights}" if row.published else DASH


def _short(collection: str) -> str:
    for text, other in SHORT.items():
        collection = collection.replace(text, other)
    return collection


def _crops(row: ReleasedRow) -> str:
    if row.publisher and row.asked:
        return CROPS_OF[row.asked.words[-1]] if row.asked.words else "1 own"
    return str(row.published.crops) if row.published else DASH


def _errors(one: PublishedFigure | Ours | None) -> str:
    if one is None:
        return DASH
    return " / ".join(DASH if error is None else f"{error:.2f}" for error in (one.top1_error, one.top5_error))


def _range(pair: Sequence[float]) -> str:
    low, high = pair
    return f"{low:+.2f}" if low == high else f"{low:+.2f} to {high:+.2f}"


def _gain(reading: Reading, network: str) -> str:
    gain = reading.gains.get(network)
    return DASH if gain is None else f"{gain[0]:+.2f} / {gain[1]:+.2f}"


def _row(row: ReleasedRow) -> dict[str, Any]:
    return {
        "publisher": row.publisher,
        "arch": row.asked and row.asked.arch,
        "weights": row.asked and row.asked.release.name,
        "protocol": list(row.asked.words) if row.asked else None,
        "published": row.published and asdict(row.published),
        "ours": row.ours and _figures(row.ours),
    }


def _figures(ours: Ours) -> dict[str, Any]:
    return asdict(ours) | {"folder": str(ours.folder)}
