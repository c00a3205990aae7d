"""Independent tables: a row is compared with the one that it names, or with none."""

from __future__ import annotations

import csv
import io

import pytest

from inceptionctl.papers import records as papers
from inceptionctl.report.columns import report_text
from inceptionctl.report.find import find
from inceptionctl.report.results import read
from inceptionctl.report.write import write

WRONG = {
    "Inception-v2": (40, 43, 42),
    "RMSProp": (41, 43, 42),
    "Label smoothing": (12, 13, 13),
    "Factorized 7x7": (13, 12, 14),
    "BN-auxiliary": (11, 14, 12),
}


@pytest.fixture
def table(outputs):
    def make(against):
        outputs.against = against
        for label, wrong in WRONG.items():
            outputs.done(label, *wrong)
        return outputs.close()

    return make


def test_a_row_is_compared_with_the_one_it_names(table):
    findings = find(read(table({"Label smoothing": "Inception-v2", "BN-auxiliary": "Factorized 7x7"})))
    pairs = [(rung.before.label, rung.after.label, rung.verdict) for rung in findings.rungs]
    assert pairs == [
        ("Inception-v2", "Label smoothing", "same direction"),
        ("Factorized 7x7", "BN-auxiliary", "cannot tell"),
    ]
    assert findings.overall is None
    assert [row.name for row in findings.table.rows] == list(WRONG)  # no "+": nothing is added to a row above


def test_changes_are_in_the_lines_of_the_compared_rows(table):
    folder = table({"Label smoothing": "Inception-v2"})
    columns = {c.title: c.cells for c in report_text(find(read(folder)), folder).columns}
    changes = columns["change here\n95 % interval"]
    assert [cell != "-" for cell in changes] == [False] * 5 + [True, False, False]
    report = write(folder)
    lines = {line["label"]: line for line in csv.DictReader(io.StringIO(report.texts["csv"].read_text()))}
    assert lines["Label smoothing"]["verdict"] == "same direction"
    assert lines["RMSProp"]["verdict"] == ""


def test_a_table_that_compares_nothing_has_no_columns_for_it(table):
    folder = table({})
    report = write(folder)
    titles = [column.title for column in report_text(report.findings, folder).columns]
    assert not any("change" in title or "verdict" in title for title in titles)
    text = report.texts["markdown"].read_text()
    assert "## Rungs" not in text
    assert "resolved" not in text
    assert "plateau: 5 of 5 rows" in text


@pytest.mark.parametrize(
    ("record", "top1", "top5"),
    [
        ("rethinking.t3.07", 21.2, 5.6),
        ("xception.t1.xception", 21.0, 5.5),  # printed as accuracies 0.790 and 0.945
        ("alexnet.t2.1cnn", 40.7, 18.2),  # errors on the validation set, as against the test set
        ("mobilenet.t8.1.0_mobilenet-224", 29.4, None),  # an accuracy in percent
        ("nin.imagenet", 40.61, 20.5),
        ("googlenet.t3.m1c1", None, 10.07),
    ],
)
def test_printed_errors_and_accuracies_read_as_errors(record, top1, top5):
    row = papers.paper_cell(record)
    assert (row.top1_error, row.top5_error) == (top1, top5)
