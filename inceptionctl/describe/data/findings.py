"""The findings of `data check`: a table, what each means, and the same for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from inceptionctl.data.listing import as_text, describe
from inceptionctl.data.survey.findings import Finding, Item
from inceptionctl.data.survey.survey import Survey
from inceptionctl.describe.data.meanings import MEANINGS
from inceptionctl.errors import count

N_NAMED = 3  # images or classes of a finding in the table


def show(found: Sequence[Finding], surveys: Mapping[str, Survey], console: Console) -> None:
    for kind, chosen in _by_kind(found):
        if chosen:
            console.print(_table(kind, chosen, [*surveys]))
            for finding in chosen:
                meaning = MEANINGS[finding.kind]
                console.print(Text.assemble((meaning.title, "bold"), f": {meaning.text}"), soft_wrap=False)
            console.print()


def overview(surveys: Mapping[str, Survey], left_out: Mapping[str, Counter[str]]) -> list[str]:
    """A line for each split; `left_out`: by split, how many of what else lies in its folders."""
    lines = [
        f"{split}: {count(len(one.files), 'image')} of {num_classes(len(one.classes))} below {as_text(one.files.root)}"
        + (f"; left out: {describe(left_out[split])}" if left_out[split] else "")
        for split, one in surveys.items()
    ]
    if [*surveys] == ["train"]:
        lines.append("eval: there is no val/ or test/ beside train/; data.train=DIR data.val=DIR names other folders")
    return lines


def num_classes(number: int) -> str:
    return "1 class" if number == 1 else f"{number:,} classes"


def as_json(
    found: Sequence[Finding], surveys: Mapping[str, Survey], left_out: Mapping[str, Counter[str]]
) -> dict[str, Any]:
    return {
        "splits": {
            split: {
                "root": as_text(one.files.root),
                "images": len(one.files),
                "classes": list(one.classes),
                "left_out": dict(left_out[split]),
            }
            for split, one in surveys.items()
        },
        "faults": sum(len(finding.items) for finding in found if finding.is_fault),
        "findings": [
            {
                "kind": finding.kind,
                "fault": finding.is_fault,
                "title": MEANINGS[finding.kind].title,
                "meaning": MEANINGS[finding.kind].text,
                "count": len(finding.items),
                "items": list(map(_item, finding.items)),
            }
            for finding in found
        ],
    }


def _by_kind(found: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    faults, facts = ([one for one in found if one.is_fault is is_fault] for is_fault in (True, False))
    return [("fault", faults), ("worth knowing, no fault", facts)]


def _table(kind: str, found: Sequence[Finding], splits: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(kind)
    for split in splits:
        table.add_column(split, justify="right", no_wrap=True)
    table.add_column("such as", overflow="fold")
    for finding in found:
        counts = [f"{n:,}" if (n := finding.count(split)) else "" for split in splits]
        table.add_row(MEANINGS[finding.kind].title, *counts, escape("\n".join(_named(finding.items))))
    return table


def _named(items: Sequence[Item]) -> list[str]:
    more = [f"and {len(items) - N_NAMED:,} more"] if len(items) > N_NAMED else []
    return [*map(_shown, items[:N_NAMED]), *more]


def _shown(item: Item) -> str:
    """Such as "train/ant/3.jpg (a file of 0 bytes)"."""
    same = f"same as {as_text(item.same_as[0])}" if item.same_as else ""
    tolerant = "a tolerant decoder reads it" if item.tolerant else ""
    notes = "; ".join(filter(None, (same, item.note, tolerant)))
    return as_text(item.name) + (f" ({notes})" if notes else "")


def _item(item: Item) -> dict[str, Any]:
    return {
        "split": item.split,
        "name": as_text(item.name),
        "class": item.label or None,
        "note": item.note or None,
        "same_as": list(map(as_text, item.same_as)),
        "tolerant_decoder": item.tolerant,
    }
