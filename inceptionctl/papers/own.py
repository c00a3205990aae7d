"""Figures of one's own papers: files beside the user's tables, each a list of records as in papers.yaml."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inceptionctl.errors import RequestError, unknown
from inceptionctl.files import FileError
from inceptionctl.papers import records as ours
from inceptionctl.papers.records import PaperCell
from inceptionctl.settings import section
from inceptionctl.written import Key, Misfit, checked, path, shown, text_problem
from inceptionctl.yaml_files import line_of, read_yaml

FOLDER = "papers"  # below --config-dir


@section
class OwnPaper:
    title: str
    authors: str | None = None
    year: int | None = None
    arxiv: str | None = None


@section
class OwnSource:
    paper: str
    """Key of `papers`, here or in papers.yaml."""
    table: str
    row: str
    """The name that a report prints."""


@section
class OwnRecord:
    id: str
    source: OwnSource
    values: dict[str, Any]
    """Figures by the keys of papers.yaml, such as top1_error_pct."""
    eval: dict[str, Any] = field(default_factory=dict)
    checked: list[str] = field(default_factory=list)
    note: str | None = None


@section
class OwnFile:
    schema_version: int = 1
    about: str | None = None
    papers: dict[str, OwnPaper] = field(default_factory=dict)
    sources: dict[str, Any] = field(default_factory=dict)
    records: list[OwnRecord]


@dataclass(frozen=True)
class Figures:
    """The figures that a table can name: those of papers.yaml and, by id and key, one's own."""

    own: dict[str, PaperCell] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)

    def cell(self, record_id: str) -> PaperCell:
        """Raises RequestError for an id that neither has."""
        if record_id in self.own:
            return self.own[record_id]
        return ours.paper_cell(record_id, self.own)

    def title(self, paper: str) -> str:
        """Raises RequestError for a key that neither has."""
        if paper in self.titles:
            return self.titles[paper]
        if paper not in ours.papers():
            raise unknown("paper", paper, [*self.titles, *ours.papers()])
        return ours.title(paper)

    def stated_change(self, fact: str) -> float:
        """Points of the top-1 error; see papers/records.py."""
        return ours.stated_change(fact)


@dataclass
class _Found:
    """What the files before had: the file of each paper's key and of each record's id."""

    papers: dict[str, Path] = field(default_factory=dict)
    ids: dict[str, Path] = field(default_factory=dict)


def read(config_dir: str | None) -> Figures:
    """The records of every file of the user's folder. Raises RequestError with file and line for one that is no record,
    and for an id that stands twice or in papers.yaml."""
    cells, titles, before = dict[str, PaperCell](), dict[str, str](), _Found()
    for file in _files(Path(config_dir).absolute() / FOLDER) if config_dir else ():
        document = _read_file(file, before)
        before.papers |= dict.fromkeys(document.papers, file)
        before.ids |= dict.fromkeys((record.id for record in document.records), file)
        titles |= {key: paper.title for key, paper in document.papers.items()}
        cells |= {record.id: _cell(record) for record in document.records}
    return Figures(cells, titles)


def _read_file(file: Path, before: _Found) -> OwnFile:
    try:
        document = checked(OwnFile, read_yaml(file))
        for keys, problem in (*_wrong_papers(document, before), *_wrong_records(document, before)):
            raise Misfit(keys, problem)
    except FileError as error:
        raise RequestError(str(error)) from error
    except Misfit as misfit:
        raise RequestError(f"{file}, line {line_of(file, misfit.keys)}: {misfit.problem}") from misfit
    return document


def _files(folder: Path) -> list[Path]:
    try:
        found = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RequestError(f"{folder} cannot be read: {error.strerror}") from error
    for file in found:
        if file.suffix == ".yml":
            raise RequestError(f"{file} would not be read: name it {file.stem}.yaml")
    return [file for file in found if file.suffix == ".yaml" and not file.name.startswith(".")]


def _wrong_papers(document: OwnFile, before: _Found) -> Iterator[tuple[Sequence[Key], str]]:
    """What the types do not say: (keys, problem)."""
    if document.schema_version != 1:
        yield ("schema_version",), f"schema_version = {document.schema_version} is not one that this program reads: 1"
    for key in document.papers:
        other = "papers.yaml" if key in ours.papers() else before.papers.get(key)
        if other:
            yield ("papers", key), f"{key} is a paper of {other} already: take another key"


def _wrong_records(document: OwnFile, before: _Found) -> Iterator[tuple[Sequence[Key], str]]:
    if not document.records:
        yield ("records",), "there are no records"
    papers, seen = {*ours.papers(), *before.papers, *document.papers}, set[str]()
    for number, record in enumerate(document.records):
        at: tuple[Key, ...] = ("records", number)
        for keys, text in (((*at, "id"), record.id), ((*at, "source", "row"), record.source.row)):
            if problem := text_problem(text):
                yield keys, f"{path(keys)} = {shown(text)} is not allowed: {problem}"
        if " " in record.id:
            yield (*at, "id"), f"{path((*at, 'id'))} = {shown(record.id)} is not allowed: an id has no blanks"
        if record.id in seen or record.id in before.ids or record.id in ours.ids():
            other = "this file" if record.id in seen else before.ids.get(record.id, "papers.yaml")
            yield (*at, "id"), f"the id {record.id!r} stands in {other} already: ids are unique"
        seen.add(record.id)
        if record.source.paper not in papers:
            yield (*at, "source", "paper"), str(unknown("paper", record.source.paper, papers))
        yield from _wrong_values(record, at)


def _wrong_values(record: OwnRecord, at: tuple[Key, ...]) -> Iterator[tuple[Sequence[Key], str]]:
    for section_name, values, known in (
        ("values", record.values, ours.value_keys()),
        ("eval", record.eval, ours.eval_keys()),
    ):
        for key, value in values.items():
            keys = (*at, section_name, str(key))
            if key not in known:
                common = ours.READ_VALUES if section_name == "values" else known
                yield keys, str(unknown(f"key of {section_name}", str(key), common))
            elif isinstance(value, float) and not math.isfinite(value):
                yield keys, f"{path(keys)} = {value} is no finite number"
            elif key in ours.READ_VALUES and (problem := _wrong_figure(key, value)):
                yield keys, f"{path(keys)} = {shown(value)} is not allowed: {problem}"
            elif key == "n_images" and value is not None and (type(value) is not int or value < 1):
                yield keys, f"{path(keys)} = {shown(value)} is not allowed: it is a number of images"


def _wrong_figure(key: str, value: object) -> str:
    """What is wrong with a figure that a report prints; null is a figure that the paper does not."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "it is no number"
    most = ours.READ_VALUES[key]
    return (
        "" if 0 <= value <= most else f"it lies between 0 and {most:g}" if math.isfinite(most) else "it is not negative"
    )


def _cell(record: OwnRecord) -> PaperCell:
    source = {"paper": record.source.paper, "table": record.source.table, "row": record.source.row}
    return ours.cell_of({"id": record.id, "source": source, "values": record.values, "eval": record.eval})
