"""What people look at after an evaluation, on a terminal. Names of classes are text, whatever they look like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from inceptionctl.errors import count
from inceptionctl.evaluation.confusion import ClassAccuracy
from inceptionctl.report.evaluation.details import Details
from inceptionctl.report.evaluation.names import distinct
from inceptionctl.report.evaluation.sentences import calibration_line, coverage_line

PAIRS, EXTREMES = 5, 5  # shown
NAME_WIDTH = 40  # columns of the terminal at most
FEWEST = 12  # columns for a name, however narrow the terminal


def show_details(details: Details, to: Console) -> None:
    """The classes with the lowest and the highest accuracy, the most confused pairs, calibration and coverage."""
    _show_classes(details, to)
    to.print()
    _show_pairs(details, to)
    to.print()
    for name, line in _lines(details):
        to.print(Text.assemble((f"{name} ", "bold"), line), soft_wrap=True)


def extremes(classes: Sequence[ClassAccuracy], n: int = EXTREMES) -> tuple[list[ClassAccuracy], list[ClassAccuracy]]:
    """The `n` least and the `n` most accurate classes, the former from below; all among the former if there are no more
    than 2 n."""
    ordered = sorted(classes, key=lambda one: (one.accuracy.percent, -one.accuracy.n_images, one.index))
    return (ordered, []) if len(ordered) <= 2 * n else (ordered[:n], ordered[-n:])


def _show_classes(details: Details, to: Console) -> None:
    lowest, highest = extremes(details.of_classes)
    shown = [*lowest, *highest]
    others = [one.confused_with for one in shown if one.confused_with is not None]
    names = _names(details, [*(one.index for one in shown), *others], to.width - 45)
    table = _table("class", ">images", ">accuracy", ">95 % interval", "most taken for")
    for one in shown:
        if highest and one is highest[0]:
            table.add_row(Text("...", style="dim"))
        table.add_row(*_class_cells(one, names))
    to.print(table)


def _class_cells(one: ClassAccuracy, names: dict[int, str]) -> list[Text]:
    accuracy = one.accuracy
    taken = "-" if one.confused_with is None else f"{names[one.confused_with]} {one.confused}"
    share = (f"{accuracy.percent:.1f} %", f"{accuracy.low:.1f} to {accuracy.high:.1f}")
    return [Text(cell) for cell in (names[one.index], f"{accuracy.n_images:,}", *share, taken)]


def _show_pairs(details: Details, to: Console) -> None:
    pairs = details.pairs[:PAIRS]
    if not pairs:
        to.print(Text("No class was taken for another."))
        return
    names = _names(details, [k for one in pairs for k in (one.truth, one.predicted)], to.width - 30)
    table = _table("most confused", "taken for", ">images", ">of class", ">reverse")
    for one in pairs:
        counts = (f"{one.images:,}", f"{one.percent:.1f} %", f"{one.reverse:,}")
        table.add_row(*map(Text, (names[one.truth], names[one.predicted], *counts)))
    to.print(table)


def _lines(details: Details) -> list[tuple[str, str]]:
    lines = []
    if details.calibration:
        lines.append(("calibration", calibration_line(details.calibration)))
    if details.coverage:
        lines.append(("coverage", coverage_line(details.coverage)))
    if not (details.calibration and details.coverage):
        lines.append(("calibration, coverage", "not known: this evaluation has no confidence of its images"))
    if details.unreadable or details.several:
        parts = [f"{details.unreadable:,} unreadable", f"{count(details.several, 'image')} of several classes"]
        kept = [part for part, number in zip(parts, (details.unreadable, details.several), strict=True) if number]
        lines.append(("not among the pairs", " and ".join(kept)))
    return lines


def _table(*columns: str) -> Table:
    """Columns whose title begins with > are of numbers."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    for title in columns:
        table.add_column(Text(title.lstrip(">")), justify="right" if title[0] == ">" else "left", no_wrap=True)
    return table


def _names(details: Details, classes: Iterable[int], width: int) -> dict[int, str]:
    """By class, for two columns that have `width` together."""
    chosen = sorted(set(classes))
    return distinct([details.classes[k] for k in chosen], chosen, max(FEWEST, min(NAME_WIDTH, width // 2)))
