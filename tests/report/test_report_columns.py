"""Which columns a report has, by the table's own choice and by its metric."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from support.records import ENVIRONMENT

from inceptionctl.errors import RequestError
from inceptionctl.report.columns import report_text
from inceptionctl.report.find import find
from inceptionctl.report.render.json import as_json
from inceptionctl.report.render.seeds import seeds_csv
from inceptionctl.report.results import read
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import MANIFEST
from inceptionctl.runs.records.table import TableManifest
from inceptionctl.tables.column_names import COLUMNS


def text_of(folder, **fields: object):
    write_record(folder / MANIFEST, replace(read_record(folder / MANIFEST, TableManifest), **fields))
    return report_text(find(read(folder)), folder)


def names(text) -> list[str]:
    return [column.name for column in text.columns]


def test_a_table_chooses_columns_and_their_order(ladder):
    assert names(text_of(ladder, columns=["verdict", "seed_sd", "ours"])) == ["row", "verdict", "seed_sd", "ours"]


def test_an_unknown_column_is_refused_with_the_nearest(ladder):
    with pytest.raises(RequestError, match=r"unknown column of a report 'verdicts'. Did you mean verdict\?"):
        text_of(ladder, columns=["verdicts"])


def test_every_column_that_is_shown_has_a_name(ladder):
    text = text_of(ladder, also=["area_under_curve", "steps_to(30)"], chance_error=99.9)
    assert set(names(text)) <= {"row", *COLUMNS}
    assert names(text).count("also") == 2


def test_a_table_without_a_paper_has_no_column_for_one(own_table):
    text = report_text(find(read(own_table)), own_table)
    assert all(column.source != "paper" for column in text.columns)
    assert not any("paper" in line for line in (*text.footnotes, *text.warnings))
    assert "ours" in names(text)


def test_another_metric_has_its_own_unit_and_the_error_beside_it(ladder):
    text = text_of(ladder, metric="steps_to(30)")
    columns = {column.name: column for column in text.columns}
    assert columns["ours"].heading == "ours, steps to 30 % mean ± sd (n)"
    assert "." not in columns["ours"].cells[-1].partition(" ")[0], "steps are whole"
    assert columns["top1"].cells[-1] == "6.17 ± 0.76 (3)"
    assert json.loads(as_json(find(read(ladder))))["rows"][0]["metrics"][0]["unit"] == "steps"


def test_runs_that_never_reach_an_error_are_counted_and_not_averaged(ladder):
    text = text_of(ladder, metric="steps_to(10)")
    columns = {column.name: column for column in text.columns}
    assert columns["ours"].cells[3] == "not reached (3 of 3)"


def test_every_seed_has_a_line(own_table):
    lines = list(csv.DictReader(io.StringIO(seeds_csv(find(read(own_table))))))
    found = [(line["row"], line["seed"], line["status"], line["top1_error"]) for line in lines]
    assert found == [
        ("Inception-v2", "0", "done", "20.0"),
        ("Inception-v2", "1", "done", "21.5"),
        ("RMSProp", "0", "done", "6.0"),
        ("Label smoothing", "0", "failed", ""),
        ("Factorized 7x7", "0", "missing", ""),
    ]
    assert all((own_table / line["run"]).is_dir() for line in lines if line["status"] == "done")


def test_values_of_a_metric_belong_to_their_seed(ladder):
    text_of(ladder, also=["steps_to(30)"])
    findings = find(read(ladder))
    lines = list(csv.DictReader(io.StringIO(seeds_csv(findings))))
    values = [float(line["steps_to(30)"]) for line in lines if line["row"] == "Inception-v2"]
    assert values == list(findings.rows[0].measured.metrics[1].values)


def test_rows_that_are_not_as_the_rest_are_named(outputs):
    folder = outputs.done("Inception-v2", 40, 41).close()
    for seed, commit in enumerate(("0123456789ab", "ba9876543210")):
        write_record(outputs.run("Inception-v2", seed).env, replace(ENVIRONMENT, git_commit=commit))
    table = read_record(folder / MANIFEST, TableManifest)
    rows = [table.rows[0], replace(table.rows[1], protocol="crops10"), *table.rows[2:]]
    text = text_of(folder, rows=rows)
    assert "Evaluated by another protocol than single: RMSProp (crops10)." in text.warnings
    assert any("differ in git commit" in line and "ba9876543210 (1 run)" in line for line in text.warnings)
