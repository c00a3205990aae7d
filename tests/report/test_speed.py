"""Steps per second of two networks, in relation."""

from __future__ import annotations

import json

import pytest
from support.runs import launched

from inceptionctl.report.speed import lines, ratios
from inceptionctl.runs.environment import describe
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.records.speed import SpeedRecord, SpeedRow


def record(first, second, paper=("xception.t3.inception_v3", "xception.t3.xception")):
    rows = [
        SpeedRow(label=label, paper=cell, identity="0" * 12, steps_per_second=rates)
        for label, cell, rates in zip(("Inception V3", "Xception"), paper, (first, second), strict=True)
    ]
    return SpeedRecord(
        table="xception_speed",
        setting="digits",
        batch_size=32,
        clock="process",
        steps=5,
        rows=rows,
        environment=describe("cpu", 1, 1),
    )


def test_the_ratio_is_that_of_blocks_side_by_side(tmp_path):
    # The machine halves its speed between the repeats: the ratio does not notice.
    write_record(tmp_path / "speed.json", record([10.0, 5.0], [9.0, 4.5]))
    (ratio,) = ratios(read_record(tmp_path / "speed.json", SpeedRecord))
    assert (ratio.low, ratio.median, ratio.high) == (pytest.approx(0.9),) * 3
    assert ratio.paper == pytest.approx(28 / 31)


def test_a_repeat_during_which_the_machine_did_something_else_changes_nothing():
    (ratio,) = ratios(record([10.0, 10.0, 0.3, 10.0, 10.0], [9.0, 9.1, 9.0, 8.9, 9.0]))
    assert (ratio.low, ratio.median, ratio.high) == (pytest.approx(0.9), pytest.approx(0.9), pytest.approx(0.91))


def test_a_row_without_a_paper_s_figure_has_none_beside_it():
    text = "\n".join(lines(record([10.0, 10.0], [8.0, 9.0], paper=(None, None))))
    assert "Xception / Inception V3: 0.850" in text
    assert "paper" not in text


def test_a_dry_run_says_that_nothing_is_trained():
    code, said = launched("ablate", "table=xception_speed", "--dry-run")
    assert (code, "nothing is trained" in said, "to run" in said) == (0, True, False), said


def test_report_prints_the_speeds_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs" / "speeds").mkdir(parents=True)
    write_record(tmp_path / "outputs" / "speeds" / "speed.json", record([10.0, 5.0], [9.0, 4.5]))
    for words in ((), ("outputs/speeds",)):
        code, said = launched("report", *words)
        assert (code, "Xception / Inception V3: 0.900 [0.900, 0.900]; paper 0.903" in said) == (0, True), said
    code, said = launched("report", "outputs/speeds", "--json")
    assert (code, json.loads(said)["rows"][1]["steps_per_second"]) == (0, [9.0, 4.5])


@pytest.mark.parametrize("words", [("--format", "html"), ("--watch",), ("--against", "reference")])
def test_what_speeds_have_not_is_refused(words, tmp_path):
    write_record(tmp_path / "speed.json", record([10.0, 5.0], [9.0, 4.5]))
    code, said = launched("report", str(tmp_path), *words)
    assert (code, "holds training speeds" in said) == (2, True), said


@pytest.mark.slow
def test_a_table_of_speed_is_measured_by_one_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = launched("ablate", "table=xception_speed", "arch.width=0.05", "train.batch_size=4", "launch.threads=1")
    assert code == 0, said
    found = read_record(tmp_path / "outputs" / "xception_speed" / "speed.json", SpeedRecord)
    assert [len(row.steps_per_second) for row in found.rows] == [8, 8]
    assert "Xception / Inception V3:" in said
    assert not list((tmp_path / "outputs" / "xception_speed").glob("*/result.json"))
    assert said.endswith(launched("report", "outputs/xception_speed")[1])
