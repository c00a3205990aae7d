"""A table ends with its report in the trackers of its runs; one that fails is reported, and the table is done."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from support.trackers import MemoryTracker

from inceptionctl.commands import ablate
from inceptionctl.scheduling.table_plan import Design


@pytest.mark.parametrize(("fails", "sent"), [("", [{"report.md", "ladder.svg"}]), ("report", [])])
def test_a_table_ends_with_its_report_in_the_trackers(fails, sent, tmp_path, monkeypatch, capsys):
    def show(folder, *_, **__):
        (folder / "report.md").write_text("a table")
        (folder / "ladder.svg").write_text("<svg/>")

    tracker = MemoryTracker(fails=fails)
    chosen = {"memory": SimpleNamespace(target="here", open=tracker.open)}
    table = SimpleNamespace(
        folder=tmp_path, on_slurm=False, to_run=list, design=Design(), command="again", is_tuned=False,
        table=SimpleNamespace(metric="final"),
        first=SimpleNamespace(config=SimpleNamespace(rerun=False, tracker=SimpleNamespace(chosen=chosen))),
    )  # fmt: skip
    (tmp_path / "table.json").write_text("{}")
    monkeypatch.setattr(ablate.report, "show", show)
    monkeypatch.setattr(ablate, "announce", lambda *_: None)
    monkeypatch.setattr(ablate, "run_cells", lambda *_: {})
    ablate._run(table)
    assert [set(files) for files in tracker.reports] == sent
    assert ("tracker memory failed" in capsys.readouterr().err) == bool(fails)
