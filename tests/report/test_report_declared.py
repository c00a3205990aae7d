"""A report beside what was declared before the runs, and how the table came about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inceptionctl.report.find import find
from inceptionctl.report.footnotes import footnotes
from inceptionctl.report.results import read
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import MANIFEST, PLAN
from inceptionctl.runs.records.declared import DeclaredPlan, Expectation
from inceptionctl.runs.records.table import SeedsAdded, TableManifest

DECLARED = DeclaredPlan(
    table="inception_v3",
    at="2026-01-02T03:04:05Z",
    commit=None,
    command="inceptionctl ablate",
    metric="final",
    margin=None,
    seeds=[0, 1, 2],
    cells=15,
    done=0,
    seed_sd=None,
    sd_from="unknown until two seeds of a row are finished",
    detectable=None,
    device_hours=1.0,
    expected=[
        Expectation(before="RMSProp", after="Label smoothing", change=-0.3, direction="lower"),
        Expectation(before="Factorized 7x7", after="BN-auxiliary", change=-0.4, direction="lower"),
    ],
)


def declared(folder, plan=DECLARED):
    write_record(folder / PLAN, plan)
    findings = find(read(folder))
    return {one.what: one for one in findings.declared}, "\n".join(footnotes(findings))


def test_a_report_is_held_against_its_plan(ladder):
    found, said = declared(ladder)
    assert {what: one.holds for what, one in found.items()} == {
        "seeds": True,
        "metric": True,
        "margin": True,
        "Label smoothing against RMSProp": True,
        "BN-auxiliary against Factorized 7x7": False,
    }
    assert found["BN-auxiliary against Factorized 7x7"].found == "cannot tell"
    assert "Declared on 2026-01-02T03:04:05Z, with no cell finished: seeds 0, 1, 2: as declared" in said
    assert "BN-auxiliary against Factorized 7x7 lower: found cannot tell" in said


@pytest.mark.parametrize(
    ("changes", "what", "expected", "found"),
    [
        ({"seeds": [0, 1, 2, 3, 4]}, "seeds", "0, 1, 2, 3, 4", "0, 1, 2"),
        ({"metric": "area_under_curve"}, "metric", "area_under_curve", "final"),
        ({"margin": 0.5}, "margin", "0.5", "none"),
    ],
)
def test_what_was_not_kept_is_named(ladder, changes, what, expected, found):
    lines, _ = declared(ladder, replace(DECLARED, **changes))
    assert (lines[what].expected, lines[what].found, lines[what].holds) == (expected, found, False)


def test_a_plan_after_the_fact_is_called_so(ladder):
    _, said = declared(ladder, replace(DECLARED, done=15))
    assert "with 15 cells of 15 finished" in said
    assert "written after cells had finished" in said


def test_without_a_plan_nothing_is_said_of_one(ladder):
    findings = find(read(ladder))
    assert findings.declared is None
    assert "Declared" not in "\n".join(footnotes(findings))


def test_the_report_says_which_seeds_came_after_a_look(ladder):
    table = read_record(ladder / MANIFEST, TableManifest)
    write_record(ladder / MANIFEST, replace(table, added=[SeedsAdded(seeds=[1, 2], at="2026-05-06T07:08:09Z")]))
    said = "\n".join(footnotes(find(read(ladder))))
    assert "Seeds 1, 2 added on 2026-05-06T07:08:09Z after looking at a report." in said


def test_a_row_that_names_its_partner_in_a_ladder_is_compared_with_it(ladder):
    """As an A/A row does, which is no part of the ladder."""
    table = read_record(ladder / MANIFEST, TableManifest)
    *rows, last = table.rows
    apart = replace(last, against="Inception-v2", standalone=True)
    write_record(ladder / MANIFEST, replace(table, rows=[*rows, apart]))
    findings = find(read(ladder))
    assert [(rung.before.label, rung.after.label) for rung in findings.rungs][-1] == ("Inception-v2", "BN-auxiliary")
    assert findings.overall.after.label == "Factorized 7x7"
