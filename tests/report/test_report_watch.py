"""report --watch: the table while its cells run."""

from __future__ import annotations

import io
import threading
import time

import pytest
from rich.console import Console

from inceptionctl.report import watch
from inceptionctl.report.watch import signature

SOON = 0.05


def finish_later(outputs, label: str, *wrong: int) -> threading.Thread:
    """Ends the row's cells after the first table has been shown."""

    def work() -> None:
        time.sleep(6 * SOON)
        seeds = outputs.seeds.pop(label)
        outputs.done(label, *wrong)
        outputs.seeds[label] = seeds

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("terminal", [False, True])
def test_the_table_is_shown_again_until_all_cells_are_done(outputs, no_figures, terminal):
    folder = outputs.done("Inception-v2", 40, 42).missing("RMSProp", 0).missing("RMSProp", 1).close()
    out = io.StringIO()
    thread = finish_later(outputs, "RMSProp", 20, 21)
    report = watch.watch(folder, SOON, Console(file=out, width=120, force_terminal=terminal))
    thread.join()
    text = out.getvalue()
    assert "2 of 4 cells are done" in text
    assert "4 of 4 cells are done" in text
    assert report.findings.rows[1].top1.n == 2
    assert ("\x1b[" in text) is terminal
    assert "data-refresh" not in report.texts["html"].read_text(), "nothing will change any more"


def test_a_page_of_running_cells_is_renewed(outputs, no_figures, monkeypatch):
    folder = outputs.done("Inception-v2", 40).missing("RMSProp", 0).close()

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watch.time, "sleep", stop)
    with pytest.raises(KeyboardInterrupt):
        watch.watch(folder, 7, Console(file=io.StringIO()))
    assert 'data-refresh="7"' in (folder / "report.html").read_text()


def test_only_what_tells_of_a_run_is_looked_at(outputs):
    folder = outputs.done("Inception-v2", 40).missing("RMSProp", 0).close()
    before = signature(folder)
    (folder / "report.md").write_text("written by the report itself")
    assert signature(folder) == before
    outputs.done("RMSProp", 30)
    assert signature(folder) != before
