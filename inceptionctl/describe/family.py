"""The list of networks: what each counts, what its paper says of its size, and what error the paper prints."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from inceptionctl.describe.figures import DASH, as_printed, giga, grid
from inceptionctl.errors import unknown
from inceptionctl.models.spec.cost import Cost, cost
from inceptionctl.models.zoo.registry import ARCHITECTURES, architecture, has_heads, network
from inceptionctl.papers import records as papers
from inceptionctl.papers.records import Claim

TITLES = (
    ("", "", "", "mult-", "with side", "paper:", "mult-", "top-1", "top-5"),
    ("network", "input", "parameters", "adds", "heads", "parameters", "adds", "error", "error"),
)
NOTES = (
    "Counted without auxiliary heads but for their column (parameters); one multiply-add a weight and position.",
    "The paper's sizes and its errors on ImageNet (percent) are as printed.",
)


def chosen(pattern: str | None) -> list[str]:
    """The networks whose name is `pattern`, or matches it as a glob, or contains it; all without one. Raises
    RequestError where there is none."""
    if pattern is None:
        return list(ARCHITECTURES)
    if pattern in ARCHITECTURES:
        return [pattern]
    found = [name for name in ARCHITECTURES if fnmatchcase(name, pattern) or pattern in name]
    if not found:
        raise unknown("arch", pattern, ARCHITECTURES)
    return found


def counted(name: str, pixels: int | None = None) -> tuple[Cost, Cost | None]:
    """The cost without auxiliary heads, and with them if it has any, at the paper's input or another."""
    hw = (pixels or architecture(name).pixels,) * 2
    whole = network(name)
    if not has_heads(whole):
        return cost(whole, hw), None
    return cost(network(name, head=False), hw), cost(whole, hw)


def claim(name: str) -> Claim | None:
    size = architecture(name).size
    return papers.claimed(size) if size else None


def errors(name: str) -> tuple[float | None, float | None]:
    """The paper's top-1 and top-5 error in percent."""
    cell = architecture(name).cell
    row = papers.printed(cell) if cell else None
    return (row.top1_error, row.top5_error) if row else (None, None)


def table(names: Sequence[str]) -> list[str]:
    return grid([*TITLES, *(_row(name) for name in names)])


def notes(names: Sequence[str]) -> list[str]:
    """One line a network; for a part of the family also why count and claim differ."""
    whole = len(names) == len(ARCHITECTURES)
    lines: list[str] = []
    for name in names:
        entry = architecture(name)
        lines.append(f"{name}: {entry.about}")
        lines += [f"  * {entry.differs}"] if entry.differs and not whole else []
    why = ["*: not what is counted; `inceptionctl models NAME` says why."] if whole else []
    return [*lines, "", *NOTES, *why]


def _row(name: str) -> tuple[str, ...]:
    entry, said, (plain, headed) = architecture(name), claim(name), counted(name)
    printed = (said.params, said.macs) if said else (None, None)
    params, macs = (DASH if number is None else as_printed(number) for number in printed)
    return (
        name,
        f"{entry.pixels}",
        f"{plain.params:,}",
        giga(plain.macs),
        f"{headed.params:,}" if headed else DASH,
        params,
        macs + (" *" if entry.differs else "  "),
        *(DASH if error is None else f"{error:.1f}" for error in errors(name)),
    )
