"""RMSProp's factors 1/sqrt(v+eps), as the runs logged them, in every form of the report."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from inceptionctl.report.columns import report_text
from inceptionctl.report.find import find
from inceptionctl.report.footnotes import rmsprop
from inceptionctl.report.format import rates
from inceptionctl.report.results import read
from inceptionctl.report.runs import InverseRms
from inceptionctl.report.write import write

MOMENTUM = (0.99, 0.98, 0.995)
ADAPTS = (4827.0, 100.0, 9000.0)


@pytest.fixture
def folder(outputs):
    outputs.inverse_rms = {"RMSProp": MOMENTUM, "Label smoothing": MOMENTUM, "Factorized 7x7": ADAPTS}
    outputs.done("Inception-v2", 40, 41, 42)
    for label in outputs.inverse_rms:
        outputs.done(label, 40, 41, 42)
    return outputs.done("BN-auxiliary", 40, 41, 42).close()


def test_a_row_has_the_last_figures_of_its_runs_averaged(folder):
    findings = find(read(folder))
    by_label = {one.row.label: one.inverse_rms for one in findings.rows}
    assert by_label["Inception-v2"] is by_label["BN-auxiliary"] is None
    found = by_label["Factorized 7x7"]
    assert [found.mean, found.p1, found.p99] == pytest.approx([1.001 * figure for figure in ADAPTS])


def test_the_factors_are_in_the_row_and_in_a_footnote(folder):
    shown = report_text(find(read(folder)), folder)
    columns = {column.title: column.cells for column in shown.columns}
    assert columns["1/sqrt(v+eps)\nmean [1st, 99th %]"] == (
        *["-"] * 4,
        *["0.9910 [0.9810, 0.9960]"] * 2,
        "4,832 [100.1, 9,009]",
        "-",
    )
    momentum, adapts = (line for line in shown.footnotes if "sqrt" in line)
    assert momentum.startswith("RMSProp, Label smoothing: in the last epoch")
    assert momentum.endswith("it is momentum SGD.")
    assert adapts.startswith("Factorized 7x7: RMSProp adapts the learning rates: 1/sqrt(v+eps) differs 90-fold")


def test_the_factors_are_in_every_file(folder):
    texts = {kind: path.read_text() for kind, path in write(folder).texts.items()}
    assert "| 0.9910 [0.9810, 0.9960] |" in texts["markdown"]
    assert "- RMSProp, Label smoothing: in the last epoch" in texts["markdown"]
    lines = {line["label"]: line for line in csv.DictReader(io.StringIO(texts["csv"]))}
    rows = {row["label"]: row["inverse_rms"] for row in json.loads(texts["json"])["rows"]}
    assert float(lines["RMSProp"]["inv_rms_p99"]) == rows["RMSProp"]["p99"] == pytest.approx(1.001 * 0.995)
    assert (lines["Inception-v2"]["inv_rms_mean"], rows["Inception-v2"]) == ("", None)


def test_a_table_without_rmsprop_has_no_factors(ladder):
    assert not any("sqrt" in path.read_text() for path in write(ladder).texts.values())


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ((1.0, 0.951, 1.049), "is 1 for all parameters (98 % within 5 %): it is momentum SGD"),
        ((1.0, 0.94, 1.0), "RMSProp adapts the learning rates: 1/sqrt(v+eps) differs 1.1-fold"),
        (
            (0.8, 0.79, 0.81),
            "is the same for all parameters (98 % within 5 %): it is momentum SGD at 0.8 times the learning rate",
        ),
        ((31.58, 30.92, 31.62), "momentum SGD at 31.6 times the learning rate"),
        ((4827.0, 167.0, 9887.0), "differs 59-fold between the 1st and the 99th percentile"),
    ],
)
def test_the_footnote_is_true_of_any_epsilon(figures, words):
    mean, p1, p99 = figures
    assert words in rmsprop(InverseRms(mean=mean, p1=p1, p99=p99))


@pytest.mark.parametrize(
    ("figures", "text"),
    [((0.99942, 0.99712, 1.0), "0.9994 [0.9971, 1.000]"), ((1931.2, 113.5, 6303.6), "1,931 [113.5, 6,304]")],
)
def test_factors_have_four_digits(figures, text):
    mean, p1, p99 = figures
    assert rates(InverseRms(mean=mean, p1=p1, p99=p99)) == text


def test_a_row_that_lacks_a_figure_is_named(folder, outputs):
    metrics = outputs.run("RMSProp", 0).metrics
    metrics.write_text(metrics.read_text() + '{"kind": "optimizer", "step": 400, "epoch": 9.0, "inv_rms_mean": 1.0}\n')
    ((_, cell),) = [(row, cell) for row, cell in read(folder).cells if cell.status == "damaged"]
    assert re.search(r"metrics.jsonl, line \d+, is incomplete: it has no optimizer.inv_rms_p1", cell.reason)
