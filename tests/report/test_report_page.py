"""What the page says, without a browser; tests/report/browser has the rest."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from support.records import ENVIRONMENT

from inceptionctl.report.find import find
from inceptionctl.report.page.render import page
from inceptionctl.report.results import read
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.runs.records.table import TableManifest


class Reader(HTMLParser):
    """The texts of a page's body, and the targets of its links and sources."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.targets: list[str] = []
        self.quiet = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.quiet += tag in ("script", "style")
        self.targets += [value for name, value in attrs if name in ("href", "src", "xlink:href")]

    def handle_endtag(self, tag):
        self.quiet -= tag in ("script", "style")

    def handle_data(self, data):
        if not self.quiet and data.strip():
            self.texts.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(self.texts)


@pytest.fixture
def render(no_figures):
    def run(folder) -> Reader:
        return Reader(page(find(read(folder)), ["report.md"]))

    return run


def change(folder, **fields: object) -> None:
    write_record(folder / MANIFEST, replace(read_record(folder / MANIFEST, TableManifest), **fields))


def test_it_names_nothing_outside_itself_but_the_runs(ladder):
    text = page(find(read(ladder)), ["report.md"])
    outside = [one for one in Reader(text).targets if not one.startswith(("data:", "#"))]
    assert len(outside) == 16
    assert all((ladder / one).exists() for one in outside if one != "report.md")
    assert not re.search(r"@import|url\((?!#)", text)


def test_names_are_text_whatever_they_look_like(ladder, render):
    table = read_record(ladder / MANIFEST, TableManifest)
    rows = [replace(table.rows[0], label="<script>alert(1)</script>&amp;"), *table.rows[1:]]
    change(ladder, rows=rows, title="<b>bold</b>", command="ablate '</code><i>'")
    found = render(ladder)
    for text in ("<script>alert(1)</script>&amp;", "<b>bold</b>", "ablate '</code><i>'"):
        assert text in found.text


def test_a_table_without_a_paper_shows_none(own_table):
    text = page(find(read(own_table)), ["report.md"])
    found = Reader(text)
    assert "paper" not in found.text.replace("This scale shows directions at most", "")
    assert 'class="number paper"' not in text
    assert "figure-scatter" not in text, "all rows cost the same, and there is no paper: nothing to show"


def test_it_says_what_is_not_finished(own_table, render):
    text = render(own_table).text
    assert "3 of 5 cells are done" in text
    assert "Failed: Label smoothing seed 0: training diverged at step 3" in text
    assert "Not run: Factorized 7x7 seed 0." in text
    assert "(1 seed)" in text


def test_environments_that_differ_are_flagged(outputs, render):
    folder = outputs.done("Inception-v2", 40, 41, 42).close()
    for seed, torch in enumerate(("2.15.0", "2.15.0", "2.14.1")):
        versions = {"torch": torch, "timm": "1.0.31"}
        write_record(outputs.run("Inception-v2", seed).env, replace(ENVIRONMENT, versions=versions))
    text = render(folder).text
    assert "torch 2.15.0 differs: Inception-v2, seed 0 and 1 more" in text
    assert "torch 2.14.1 differs: Inception-v2, seed 2" in text
    assert "timm 1.0.31 platform" in text, "what is alike everywhere is not flagged"


def test_it_has_the_command_the_scale_and_what_differs_from_the_recipe(ladder, render):
    change(ladder, caption="What batch norm brings.", command="inceptionctl ablate seeds=3")
    text = render(ladder).text
    assert "What batch norm brings." in text
    assert "inceptionctl ablate seeds=3" in text
    assert "train.batch_size 1600 32" in text
    assert "This scale shows directions at most; it verifies no ImageNet figure." in text
