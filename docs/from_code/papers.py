"""A page for each paper: its tables as printed and as measured here, its recipe as stated, read or not stated."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from from_code.text import code, page, plain, table
from inceptionctl.papers import provenance
from inceptionctl.papers.records import PaperCell, load, paper_cell

TOP = Path(__file__).parents[2]
RESULTS = TOP / "docs" / "results"
NO_PAPER = "own"
INTRODUCTION = (
    "*Printed* is what the paper prints, from `inceptionctl/papers/papers.yaml`. *Checked* says in how many "
    'sources the figure was found; "memory" means in none. *Measured* is what runs of ours gave at `scale=digits`: '
    "other images and smaller networks, so that changes can be compared and errors cannot. A dash: the paper prints "
    "none, or it has not been run."
)
RECIPE = (
    "*stated*: the paper prints it. *read*: one reading of what the paper prints. *not stated*: its text has no such "
    "value, and the note says whose value is taken."
)
PRINTED = {
    "top1_error": "top-1 error, %",
    "top5_error": "top-5 error, %",
    "cost_billion": "10⁹ multiply-adds",
    "steps_millions": "10⁶ steps to 72.2 %",
    "steps_per_second": "steps/s",
}


def pages() -> Iterator[tuple[str, str]]:
    by_paper = defaultdict[str, list[dict[str, Any]]](list)
    for path in sorted((TOP / "conf" / "table").glob("*.yaml")):
        text = path.read_text()
        by_paper[yaml.safe_load(text)["paper"] or NO_PAPER].append({**yaml.safe_load(text), "about": _comment(text)})
    for paper, tables in sorted(by_paper.items(), key=lambda one: load()["papers"].get(one[0], {}).get("year", 3000)):
        yield f"papers/{paper}.md", _page(paper, tables)


def _page(paper: str, tables: Sequence[Mapping[str, Any]]) -> str:
    if paper == NO_PAPER:
        return page("Tables of no single paper", INTRODUCTION, *(part for one in tables for part in _table(one)))
    facts = load()["papers"][paper]
    source = f"{facts['authors']} {facts['year']}, [arXiv:{facts['arxiv']}](https://arxiv.org/abs/{facts['arxiv']})."
    parts = [part for one in tables for part in _table(one)]
    return page(facts["title"], source, INTRODUCTION, *parts, *_recipe(paper))


def _table(found: Mapping[str, Any]) -> Iterator[str]:
    name, measured = found["name"], _measured(found["name"])
    yield f"## {found['title'][0].upper()}{found['title'][1:]}: `table={name}`"
    yield plain(found.get("caption") or found["about"])
    if reason := found.get("not_reproducible"):
        yield f"Not run: {plain(' '.join(reason.split()))}"
    cells = {row["label"]: paper_cell(row["cell"]) for row in found["rows"] if row.get("cell")}
    cells |= {cell.label: cell for cell in map(paper_cell, found.get("quoted", []))}
    shown = [key for key in PRINTED if any(getattr(cell, key) is not None for cell in cells.values())]
    labels = [*(row["label"] for row in found["rows"]), *(label for label in cells if label not in _labels(found))]
    titles = [
        "row",
        *(f"printed: {PRINTED[key]}" for key in shown),
        *(["checked"] if cells else []),
        *(_titles(measured)),
    ]
    yield table(titles, [_row(label, cells.get(label), shown, bool(cells), measured) for label in labels])
    if measured:
        yield f"[The whole report](../../../results/{name}/report.md)."
    yield "\n".join(
        f"- {row['label']}: {plain(' '.join(row['note'].split()))}" for row in found["rows"] if row.get("note")
    )


def _labels(found: Mapping[str, Any]) -> set[str]:
    return {row["label"] for row in found["rows"]}


def _row(
    label: str, cell: PaperCell | None, shown: list[str], is_printed: bool, measured: Mapping[str, Mapping[str, str]]
) -> list[str]:
    values = [_number(getattr(cell, key)) if cell else "-" for key in shown]
    checked = [_checked(cell.id) if cell else "-"] if is_printed else []
    return [plain(label), *values, *checked, *_ours(measured, label)]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _checked(record: str) -> str:
    if not provenance.is_record(record):
        return "text"
    found = provenance.record(record)["checked"]
    return "memory" if found == ["memory"] else f"{len(found)}"


def _comment(text: str) -> str:
    lines = text.splitlines()
    count = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return " ".join(line.removeprefix("#").strip() for line in lines[:count])


def _measured(name: str) -> dict[str, dict[str, str]]:
    """The rows of a report that is stored in docs/results, by label; none of a table that has not been run."""
    path = RESULTS / name / "report.csv"
    if not path.exists():
        return {}
    with path.open() as lines:
        return {row["label"]: row for row in csv.DictReader(lines) if row["kind"] == "row"}


def _titles(measured: Mapping[str, Mapping[str, str]]) -> list[str]:
    steps = [f"measured: {name.removesuffix('_mean')}" for name in _steps(measured)]
    return [*steps, "measured: top-1 error, %, mean ± sd (n)", "change, 95 % interval", "verdict"] if measured else []


def _steps(measured: Mapping[str, Mapping[str, str]]) -> list[str]:
    first = next(iter(measured.values()), {})
    return [name for name in first if name.startswith("steps_to") and name.endswith("_mean")]


def _ours(measured: Mapping[str, Mapping[str, str]], label: str) -> list[str]:
    if label not in measured:
        return ["-"] * len(_titles(measured))
    row, steps = measured[label], _steps(measured)
    means = [_mean(row, name.removesuffix("_mean"), ".0f") for name in steps]
    return [*means, _mean(row, "top1_error", ".2f"), _change(row, ".0f" if steps else ".2f"), row["verdict"] or "-"]


def _mean(row: Mapping[str, str], name: str, form: str) -> str:
    if not row[f"{name}_mean"]:
        return "not reached"
    return f"{float(row[f'{name}_mean']):{form}} ± {float(row[f'{name}_sd']):{form}} ({row[f'{name}_n']})"


def _change(row: Mapping[str, str], form: str) -> str:
    if not row["change"]:
        return "-"
    change, low, high = (float(row[key]) for key in ("change", "change_low", "change_high"))
    return f"{change:+{form}} [{low:+{form}}, {high:+{form}}]"


def _recipe(paper: str) -> Iterator[str]:
    entries = provenance.settings_of_paper(paper)
    if entries:
        yield "## The recipe"
        yield RECIPE
        yield table(["setting", "is", "where", "note"], [_setting(entry) for entry in entries])


def _setting(entry: Mapping[str, Any]) -> list[str]:
    keys = ", ".join(map(code, entry["keys"]))
    condition = ", ".join(f"{key}={value}" for key, value in entry.get("with", {}).items())
    return [
        f"{keys} with {code(condition)}" if condition else keys,
        entry["is"].replace("_", " "),
        entry.get("where") or "-",
        plain(entry.get("note") or ""),
    ]
