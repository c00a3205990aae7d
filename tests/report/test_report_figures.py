"""Files of the figures: widths, kinds, titles; and which figures there are."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from PIL import Image

from inceptionctl.commands import report as command
from inceptionctl.errors import RequestError
from inceptionctl.report.find import find
from inceptionctl.report.findings import Contribution
from inceptionctl.report.plots.curves import _line
from inceptionctl.report.plots.draw import draw, drawings
from inceptionctl.report.plots.labels import overlapping, spread_apart
from inceptionctl.report.plots.style import WIDTHS, Look
from inceptionctl.report.plots.svg import inline, svg
from inceptionctl.report.results import read
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.runs.records.table import TableManifest

SVG = "{http://www.w3.org/2000/svg}"
TITLE = "Rethinking the Inception Architecture"


def by_name(findings, look=Look()) -> dict:  # noqa: B008
    return {one.name: one for one in drawings(findings, look)}


def test_widths_are_those_of_a_papers_column_and_page(ladder, tmp_path):
    for width, inches in WIDTHS.items():
        folder = tmp_path / width
        folder.mkdir()
        draw(find(read(ladder)), folder, ["svg", "png"], Look(inches, title=False))
        for name in ("ladder", "changes", "scatter", "curves"):
            root = ElementTree.parse(folder / f"{name}.svg").getroot()
            assert float(root.get("width").removesuffix("pt")) == pytest.approx(72 * inches)
            with Image.open(folder / f"{name}.png") as image:
                assert image.width == pytest.approx(150 * inches, abs=1)
            sizes = {
                float(size)
                for size in re.findall(r"font(?:-size)?: (?:\w+ )*([\d.]+)px", ElementTree.tostring(root, "unicode"))
            }
            assert min(sizes) >= 8
            assert max(sizes) <= 9


def test_the_title_is_drawn_unless_it_is_not_wanted(ladder, tmp_path):
    findings = find(read(ladder))
    for title in (True, False):
        draw(findings, tmp_path, ["svg"], Look(title=title))
        root = ElementTree.parse(tmp_path / "ladder.svg").getroot()
        drawn = " ".join(text for one in root.iter(f"{SVG}text") for text in one.itertext())
        assert (TITLE in drawn) is title
        assert root.find(f"{SVG}title").text == "Errors, row by row"
        assert "RMSProp: paper 23.1 %, here 21.00 ± 0.50 (3)" in root.find(f"{SVG}desc").text


def test_numbers_below_the_panels_of_a_column_do_not_overlap(outputs):
    """The paper's errors of RMSProp by its epsilon: 23.1 and 23.4, in less than an inch."""
    outputs.rows = {row: {"paper": None} for row in ("Label smoothing", "Factorized 7x7", "BN-auxiliary")}
    outputs.done("Inception-v2", 85, 84).done("RMSProp", 89, 86)
    figure = by_name(find(read(outputs.close())), Look(WIDTHS["column"], title=False))["ladder"].figure
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
        assert len(boxes) > 1
        assert [left for left, right in pairwise(boxes) if left.x1 > right.x0] == []


def test_the_command_writes_the_kinds_that_it_is_asked_for(ladder, capsys):
    words = ["--figures", "pdf,svg", "--no-title", "--width", "column", "--format", "csv"]
    assert command.main([str(ladder), *words]) == 0
    assert {path.suffix for path in ladder.glob("ladder.*")} == {".svg", ".pdf"}
    assert (ladder / "ladder.pdf").read_bytes().startswith(b"%PDF")
    first = (ladder / "ladder.pdf").read_bytes()
    command.main([str(ladder), *words])
    assert (ladder / "ladder.pdf").read_bytes() == first
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--figures", "jpg"], "unknown kind of file 'jpg'"),
        (["--watch", "--no-title"], "--no-title has no effect with --watch"),
        (["--watch", "--json"], "--format json has no effect with --watch"),
        (["--watch", "0"], "no number of seconds"),
        (["--against", "reference", "--width", "column"], "--width has no effect with --against reference"),
    ],
)
def test_what_has_no_effect_or_no_sense_is_refused(ladder, words, message):
    with pytest.raises(RequestError, match=message):
        command.main([str(ladder), *words])


def test_the_numbers_of_a_figure_are_what_it_shows(ladder):
    found = by_name(find(read(ladder)))
    lines = list(csv.DictReader(io.StringIO(found["changes"].csv)))
    assert [line["after"] for line in lines[:2]] == ["RMSProp", "Label smoothing"]
    assert float(lines[1]["change"]) == pytest.approx(6.3333 - 21, abs=1e-3)
    assert lines[1]["paper_change"] == "-0.3"
    curves = list(csv.DictReader(io.StringIO(found["curves"].csv)))
    assert {line["seed"] for line in curves} == {"0", "1", "2"}
    assert {line["curve"] for line in curves} == {"top1_error", "train_loss"}


def test_a_table_without_a_paper_has_one_panel(own_table):
    found = by_name(find(read(own_table)))
    assert set(found) == {"ladder", "changes", "curves"}, "rows of one cost have no scatter"
    assert [axes.get_title(loc="left") for axes in found["ladder"].figure.axes] == ["here, n = 0 to 2"]
    labels = found["changes"].figure.legends[0].get_texts()
    assert [label.get_text() for label in labels] == ["here"]


def test_networks_of_different_cost_are_scattered(ladder):
    table = read_record(ladder / MANIFEST, TableManifest)
    rows = [replace(row, macs=10**7 * (place + 1)) for place, row in enumerate(table.rows)]
    write_record(ladder / MANIFEST, replace(table, rows=rows))
    drawing = by_name(find(read(ladder)))["scatter"]
    lines = [line for line in csv.DictReader(io.StringIO(drawing.csv)) if line["source"] == "here"]
    assert [float(line["multiply_adds"]) for line in lines] == [1e7, 2e7, 3e7, 4e7, 5e7]
    assert float(lines[0]["top1_accuracy"]) == pytest.approx(100 - 20.8333, abs=1e-3)


def test_contributions_are_drawn_from_the_largest_fall(ladder):
    findings = find(read(ladder))
    known = [rung.difference for rung in findings.rungs]
    shapley = tuple(Contribution(switch=name, difference=one) for name, one in zip("abcd", known, strict=True))
    drawing = by_name(replace(findings, shapley=(*shapley, Contribution(switch="e", difference=None))))["contributions"]
    names = [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()]
    assert names[0] == "b"
    assert "e" not in names


def test_figures_of_earlier_runs_go_when_there_is_nothing_to_show(outputs):
    folder = outputs.missing("Inception-v2", 0).close()
    (folder / "curves.svg").write_text("of a run that was removed")
    draw(find(read(folder)), folder, ["svg"])
    assert not (folder / "curves.svg").exists()


def test_inline_figures_share_no_id_and_take_the_pages_colours(ladder):
    drawing = by_name(find(read(ladder)))["ladder"]
    with matplotlib.rc_context(Look().style):
        text = svg(drawing.figure, drawing.title, drawing.description)
    element = ElementTree.fromstring(inline(text, "one"))
    ids = [one.get("id") for one in element.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    assert all(one.startswith("one-") for one in ids)
    targets = re.findall(r'(?:href="#|url\(#)([^")]+)', inline(text, "one"))
    assert set(targets) <= set(ids)
    assert "var(--c0, #0072b2)" in inline(text, "one")
    assert element.get("width") is None


@pytest.mark.parametrize("wanted", [[0.0, 1.0, 2.0], [5.0, 5.0, 5.0, 40.0], [3.0, 1.0, 2.0, 2.5]])
def test_names_are_moved_apart_in_their_order(wanted):
    places = spread_apart(np.array(wanted), 10.0)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(places[order]) >= 10 - 1e-9).all()
    assert abs(places.mean() - np.mean(wanted)) < 10


def test_names_stay_within_the_panel_where_there_is_room():
    assert spread_apart(np.array([95.0, 99.0, 100.0]), 10.0, (0.0, 100.0)).tolist() == [80.0, 90.0, 100.0]
    assert spread_apart(np.array([-3.0, 50.0]), 10.0, (0.0, 100.0)).tolist() == [0.0, 50.0]


def test_names_on_both_sides_are_moved_apart_where_they_meet():
    """The first two would cover each other between their points; the third stands alone."""
    assert [sorted(group) for group in overlapping(np.array([[0, 40], [30, 60], [70, 90]]))] == [[0, 1], [2]]


def test_a_curve_of_one_value_has_a_marker():
    """Its line has no length."""
    axes = matplotlib.figure.Figure().subplots()
    _line(axes, np.array([0.5]), np.array([88.0]))
    _line(axes, np.array([1.0, 2.0]), np.array([88.0, 80.0]))
    assert [line.get_marker() for line in axes.lines] == ["o", "None"]
