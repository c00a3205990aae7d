"""What in a table is not as the rest: rows of another protocol, compiled beside eager, runs of other versions."""

from __future__ import annotations

from inceptionctl.report.results import ResultTable


def doubts(table: ResultTable) -> list[str]:
    return [*_protocols(table), *_compiled(table), *(f"Runs of this table differ in {one}." for one in table.drift)]


def _protocols(table: ResultTable) -> list[str]:
    usual = table.manifest.protocol
    others = [f"{row.label} ({row.entry.protocol})" for row in table.rows if row.entry.protocol not in (None, usual)]
    return [f"Evaluated by another protocol than {usual}: {', '.join(others)}."] if others else []


def _compiled(table: ResultTable) -> list[str]:
    if not table.mixes_compiled:
        return []
    compiled = ", ".join(row.label for row in table.rows if row.compiled)
    return [f"Trained by torch.compile, the other rows without: {compiled}. Their differences are not the rows' alone."]
