"""What an evaluation prints, in 80 and 120 columns."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.cells import cell_len
from scipy import stats
from support.made_up_evaluations import evaluation, with_arrays

from inceptionctl.report.evaluation.details import find
from inceptionctl.report.evaluation.names import distinct, middle
from inceptionctl.report.evaluation.show import show_details
from inceptionctl.report.evaluation.summary import summary, summary_lines
from inceptionctl.runs.records.evaluation import MemberRecord, SubsetRecord
from inceptionctl.terminal import console


def printed(details, width):
    screen = console()
    screen.file, screen.width = StringIO(), width
    show_details(details, screen)
    return screen.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("n_classes", [2, 10, 300])
def test_tables_fit_the_terminal(width, n_classes):
    classes = [
        f"a name, {'long ' * 20}, of class {k}" if k % 2 else f"短い名前{'猫' * 30}{k}" for k in range(n_classes)
    ]
    found = find(*evaluation(n_classes=n_classes, n=1000), classes)
    text = printed(found.details, width)
    assert max(cell_len(line) for line in text.splitlines()[:-1]) <= width
    assert "most confused" in text
    assert "calibration NLL" in text
    assert "coverage 90 % right" in text


def test_names_are_never_markup():
    text = printed(find(*evaluation(n_classes=2), ["[red]ants[/]", ":bee:"]).details, 80)
    assert "[red]ants[/]" in text
    assert ":bee:" in text


def test_extremes_of_many_classes_and_five_pairs_are_shown():
    details = find(*evaluation(n_classes=100, n=5000), [f"c{k}" for k in range(100)]).details
    lines = printed(details, 80).splitlines()
    ordered = sorted(details.of_classes, key=lambda one: one.accuracy.percent)
    assert lines[2].split()[0] == f"c{ordered[0].index}"
    assert lines[7].strip() == "..."
    assert len([line for line in lines if "%" in line and line.startswith("c") and "to" not in line.split()]) >= 5


def test_what_is_left_out_is_said():
    record, predictions = evaluation()
    top5 = predictions.top5_NK.copy()
    top5[:3] = -1
    text = printed(find(*with_arrays(record, predictions, top5_NK=top5), [str(k) for k in range(10)]).details, 80)
    assert "not among the pairs 3 unreadable" in text


def test_a_summary_has_scipys_intervals_and_says_of_what():
    record, predictions = evaluation(n_classes=10)
    record = replace(record, unreadable=4, unreadable_as="wrong")
    lines = summary_lines(record, predictions)
    wrong = int((~predictions.correct_N).sum())
    expected = stats.binomtest(wrong, 200).proportion_ci(method="wilson")
    assert lines[0] == f"top-1 error {wrong / 2:.2f} % [{100 * expected.low:.2f}, {100 * expected.high:.2f}]"
    assert lines[1].startswith("top-5 error ")
    assert lines[2] == "200 images, 4 unreadable among them counted as wrong, test of digits; protocol single"


def test_a_summary_for_programs_is_json():
    record, predictions = evaluation(n_classes=3)
    found = json.loads(json.dumps(summary(record, predictions), allow_nan=False))
    assert found["top5_error"] is None
    assert found["top1_error"]["percent"] == pytest.approx(record.top1_error)
    assert found["schema"] == 1


def test_the_protocol_says_what_is_averaged():
    record, predictions = evaluation()
    many = replace(record, protocol=replace(record.protocol, name="crops144", crops=144, averaging="softmax"))
    assert summary_lines(many, predictions)[2].endswith("protocol crops144, 144 views, mean of softmax")


def test_an_ensemble_has_a_table_of_its_members():
    record, predictions = evaluation()
    members = [MemberRecord(label=f"network {name}", arch="inception_v3", weights="ema", pixels=299) for name in "ABC"]
    errors = dict.fromkeys(["top1_error", "top5_error"], 25.0)
    alone, without = ([SubsetRecord(label=one.label, nll=nll, **errors) for one in members] for nll in (1.5, 1.25))
    lines = summary_lines(replace(record, members=members, alone=alone, without=without), predictions)[-8:]
    assert lines[0] == "networks             top-1    top-5      NLL"
    assert lines[1] == "network A          25.00 %  25.00 %   1.5000"
    assert lines[4] == "without network A  25.00 %  25.00 %   1.2500"
    assert lines[7].startswith("all 3              ")
    assert len(summary(replace(record, members=members, alone=alone, without=without), predictions)["without"]) == 3


def test_names_are_shortened_in_the_middle_and_told_apart():
    assert middle("abcdefghij", 5) == "ab…ij"
    assert cell_len(middle("猫" * 20, 9)) <= 9
    labels = distinct(["x" * 30, "x" * 31, "short"], [3, 70, 5], 10)
    assert labels[5] == "short"
    assert labels[3].startswith("#3 ")
    assert labels[70].startswith("#70 ")
    assert np.unique(list(labels.values())).size == 3


def test_help_and_dry_runs_of_eval_do_not_wait_for_scipy():
    """Importing it takes longer than all else that they do."""
    names = ("summary", "details", "show", "compare", "write")
    lines = "; ".join(f"import inceptionctl.report.evaluation.{name}" for name in names)
    code = f"import sys, inceptionctl.commands.eval; {lines}; assert not {{'scipy', 'matplotlib'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
