"""The list of networks: parameters and multiply-adds as counted, and size and error as their papers print them."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from inceptionctl.describe.format import DASH, as_printed, columns, giga
from inceptionctl.models.spec.cost import Cost, cost
from inceptionctl.models.zoo.registry import ARCHITECTURES, architecture, has_heads, network
from inceptionctl.papers import records as papers
from inceptionctl.papers.records import PaperSize

TITLES = (
    ("", "", "", "mult-", "parameters", "paper:", "mult-", "top-1", "top-5"),
    ("network", "input", "parameters", "adds", "with heads", "parameters", "adds", "error", "error"),
)
NOTES = (
    "Counted without auxiliary heads except in 'with heads'; one multiply-add per weight and position.",
    "The papers' sizes and errors on ImageNet (percent) are as printed.",
)


def matching(pattern: str | None) -> list[str]:
    """The networks whose name is `pattern`, matches it as a glob, or contains it; all for None.

    Raises RequestError if there is none.
    """
    if pattern is None:
        return list(ARCHITECTURES)
    if pattern in ARCHITECTURES:
        return [pattern]
    names = [name for name in ARCHITECTURES if fnmatchcase(name, pattern) or pattern in name]
    if not names:
        architecture(pattern)  # raises, and lists the names
    return names


def counted(name: str, pixels: int | None = None) -> tuple[Cost, Cost | None]:
    """The cost without auxiliary heads, and with them if there are any; `pixels`: another input than the paper's."""
    hw = (pixels or architecture(name).pixels,) * 2
    spec = network(name)
    if not has_heads(spec):
        return cost(spec, hw), None
    return cost(network(name, head=False), hw), cost(spec, hw)


def paper_size(name: str) -> PaperSize | None:
    size = architecture(name).size
    return papers.paper_size(size) if size else None


def errors(name: str) -> tuple[float | None, float | None]:
    """The paper's top-1 and top-5 error in percent."""
    cell = architecture(name).cell
    row = papers.paper_cell(cell) if cell else None
    return (row.top1_error, row.top5_error) if row else (None, None)


def table(names: Sequence[str]) -> list[str]:
    return columns([*TITLES, *map(_row, names)])


def notes(names: Sequence[str]) -> list[str]:
    """One line per network; for a part of the family also why a count differs from its paper's."""
    is_complete = len(names) == len(ARCHITECTURES)
    lines: list[str] = []
    for name in names:
        entry = architecture(name)
        lines.append(f"{name}: {entry.about}")
        lines += [f"  * {entry.differs}"] if entry.differs and not is_complete else []
    why = ["*: differs from the count; `inceptionctl models NAME` says why."] if is_complete else []
    return [*lines, "", *NOTES, *why]


def _row(name: str) -> tuple[str, ...]:
    entry, printed, (plain, with_heads) = architecture(name), paper_size(name), counted(name)
    sizes = (printed.params, printed.macs) if printed else (None, None)
    params, macs = (DASH if number is None else as_printed(number) for number in sizes)
    return (
        name,
        f"{entry.pixels}",
        f"{plain.params:,}",
        giga(plain.macs),
        f"{with_heads.params:,}" if with_heads else DASH,
        params,
        macs + (" *" if entry.differs else "  "),
        *(DASH if error is None else f"{error:.1f}" for error in errors(name)),
    )
