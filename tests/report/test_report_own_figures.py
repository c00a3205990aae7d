"""A report of figures that papers.yaml does not have, and of labels that look like markup."""

from __future__ import annotations

import json

import pytest
from support.runs import launched

from inceptionctl.report.render.markdown import code, plain
from inceptionctl.runs.paths import MANIFEST

LABEL = "[red]a|b, <b>c</b> *d* `e` $f$ _g_"
OWN = {
    "id": "ours.t1",
    "label": "Theirs [bold]",
    "top1_error": 17.25,
    "top5_error": None,
    "cost_billion": None,
    "n_images": 50000,
    "caveat": None,
}


def edit(folder, **changes):
    path = folder / MANIFEST
    document = json.loads(path.read_text())
    document["rows"][1] |= {"label": LABEL, "paper": "ours.t1"}
    path.write_text(json.dumps(document | {"quoted": ["ours.t1"], "figures": [OWN]} | changes))


def test_a_report_shows_figures_of_one_s_own_and_labels_as_text(ladder):
    edit(ladder)
    code, said = launched("report", str(ladder))
    assert code == 0, said
    assert all(text in said for text in (LABEL, "Theirs [bold]", "17.25"))
    report = (ladder / "report.md").read_text()
    assert "[red]a\\|b, \\<b>c\\</b> \\*d\\* \\`e\\` $f$ \\_g\\_" in report
    assert "17.25" in (ladder / "report.csv").read_text()
    assert "$f$" in (ladder / "curves.svg").read_text()


def test_a_figure_that_neither_has_is_named(ladder):
    edit(ladder, figures=[])
    code, said = launched("report", str(ladder))
    assert code == 2
    assert "unknown record of a paper 'ours.t1'" in said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("inception_v3 -0.4 [-2.5, 1.0]", "inception_v3 -0.4 [-2.5, 1.0]"),
        ("_a_ **b**", "\\_a\\_ \\*\\*b\\*\\*"),
        ("[a](b)", "[a]\\(b)"),
        ("a & b &amp;", "a & b \\&amp;"),
    ],
)
def test_text_in_markdown(text, shown):
    assert plain(text) == shown


def test_a_command_in_markdown():
    assert (code("a"), code("a `b`")) == ("`a`", "`` a `b` ``")
