"""Whether a paper states a setting of its recipe, and what a setting is published to be worth: provenance.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from inceptionctl.papers.records import load, paper_cell

Settings = Mapping[str, Any]
NUMBER = re.compile(r"\d+(\.\d+)?")
FILE = "provenance.yaml"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a setting of a paper's recipe comes from. `where`: in the paper; `fact`: id of papers.yaml."""

    status: Literal["stated", "read", "not_stated"]
    where: str | None
    note: str | None
    fact: str | None


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a paper says that a change of a setting is worth. `points` of top-1 error, None for a claim without a
    figure; `says`: the paper's words on it; `where`: in the paper; `values`: those that it was published for, if
    others were asked for."""

    points: float | None
    where: str
    ids: list[str]
    says: str | None = None
    values: str | None = None


@cache
def _file() -> dict[str, Any]:
    return dict(yaml.safe_load(files("inceptionctl.papers").joinpath(FILE).read_text(encoding="utf-8")))


def paper_of(network: str) -> str | None:
    """The paper whose recipe a network is trained by; None for one that no entry names."""
    return next((key for key, paper in _file()["papers"].items() if network in paper["networks"]), None)


def source_of(paper: str | None, key: str, settings: Settings) -> Source | None:
    """Where the paper's value of a setting comes from. `settings`: all of its recipe. None for one that has not been
    looked up."""
    for entry in _file()["papers"].get(paper, {}).get("settings", []):
        if any(key == one or key.startswith(f"{one}.") for one in entry["keys"]) and _holds(entry, settings):
            return Source(status=entry["is"], where=entry.get("where"), note=entry.get("note"), fact=entry.get("fact"))
    return None


def settings_of_paper(paper: str) -> list[dict[str, Any]]:
    """The entries of a paper's recipe as the file has them: `keys`, `is`, and `where`, `note` and `with` if given."""
    return list(_file()["papers"].get(paper, {}).get("settings", []))


def effects_of(key: str, before: object, after: object, settings: Settings) -> list[Effect]:
    """What is published on the change of a setting; of one that has any value in between, on another change of it if
    nothing is on this one."""
    entries = [entry for entry in _file()["effects"] if entry["key"] == key and _holds(entry, settings)]
    exact = [entry for entry in entries if {repr(before), repr(after)} == {*map(repr, entry["values"])}]
    if exact:
        return [_effect(entry, -1.0 if repr(before) == repr(entry["values"][1]) else 1.0) for entry in exact]
    between = (entry for entry in entries if all(type(value) is float for value in entry["values"]))
    return [_effect(entry, 1.0, other=True) for entry in between]


def _holds(entry: Mapping[str, Any], settings: Settings) -> bool:
    return all(settings.get(key) == value for key, value in entry.get("with", {}).items())


def _effect(entry: Mapping[str, Any], sign: float, other: bool = False) -> Effect:
    if "says" in entry:
        claim = _fact(entry["says"])
        return Effect(points=None, where=_where(claim), ids=[entry["says"]], says=_words(claim))
    points, ids, where = _of_rows(entry) if "rows" in entry else _of_fact(entry)
    values = " to ".join(map(str, entry["values"])) if other else None
    return Effect(points=round(sign * points, 6), where=where, ids=ids, values=values)


def _of_rows(entry: Mapping[str, Any]) -> tuple[float, list[str], str]:
    """From the errors of two rows."""
    ids = list(entry["rows"])
    before, after = map(_error, ids)
    tables = dict.fromkeys(_where(_record(one)) for one in ids)
    unverified = any(_record(one)["checked"] == ["memory"] for one in ids)
    return after - before, ids, "; ".join(tables) + (" (from memory, not verified)" if unverified else "")


def _error(name: str) -> float:
    """Top-1, in percent; of a curve's figure, at its best."""
    best, error = _record(name)["values"].get("max_top1_accuracy_pct"), paper_cell(name).top1_error
    value = error if error is not None or best is None else 100.0 - float(best)
    assert value is not None, f"{name} has an error"
    return value


def _of_fact(entry: Mapping[str, Any]) -> tuple[float, list[str], str]:
    """From a figure of the text, or the difference of two."""
    fact, names = _fact(entry["fact"]), entry["value"]
    values = [_number(fact["value"][name]) for name in (names if isinstance(names, list) else [names])]
    change = values[1] - values[0] if len(values) > 1 else values[0]
    return -change if entry.get("gains") else change, [entry["fact"]], _where(fact)


def _number(value: object) -> float:
    """Also of "about 0.2 for top-1 and for top-5"."""
    found = NUMBER.search(str(value))
    assert found, f"{value!r} has a number"
    return float(found[0])


@cache
def _facts() -> dict[str, dict[str, Any]]:
    return {fact["id"]: fact for fact in load()["text_facts"]}


@cache
def _records() -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in load()["records"]}


def _fact(name: str) -> dict[str, Any]:
    return _facts()[name]


def _record(name: str) -> dict[str, Any]:
    return _records()[name]


def record(name: str) -> dict[str, Any]:
    """A row of a paper's table as it stands in papers.yaml. Raises RequestError for an id that it does not have."""
    paper_cell(name)
    return _record(name)


def is_record(name: str) -> bool:
    return name in _records()


def _where(fact: Mapping[str, Any]) -> str:
    return f"{_short(fact['source']['paper'])}, {fact['source']['table']}"


def _short(paper: str) -> str:
    """Authors and year."""
    facts = load()["papers"].get(paper)
    return f"{facts['authors']} {facts['year']}" if facts else paper


def _words(fact: Mapping[str, Any]) -> str:
    value = fact["value"]
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return str(fact.get("note") or value.get("statement") or value)
