"""Tables with another metric, a margin, an A/A row, several orders, declared looks, or rows of the same runs."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from inceptionctl.report.find import find
from inceptionctl.report.footnotes import footnotes
from inceptionctl.report.format import difference
from inceptionctl.report.pairing import blocks
from inceptionctl.report.render.json import as_json
from inceptionctl.report.results import read
from inceptionctl.report.write import write
from inceptionctl.runs.records.table import ManifestCell
from inceptionctl.tables.metric import Metric

FIRST, SECOND, THIRD, FOURTH, LAST = "Inception-v2", "RMSProp", "Label smoothing", "Factorized 7x7", "BN-auxiliary"


def found(outputs):
    return find(read(outputs.close()))


def test_steps_to_an_error_are_interpolated_between_looks(outputs):
    """Errors fall to the last by 40, 20, 10 ... points after 40, 80, 120 ... steps."""
    outputs.manifest = {"metric": "steps_to(20)", "also": ["final", "area_under_curve"]}
    outputs.done(FIRST, 20, 22, 24).done(SECOND, 8, 10, 9)
    findings = found(outputs)
    steps, final, area = findings.rows[0].measured.metrics
    assert steps.values[0] == pytest.approx(120)  # at 10 + 10 % after 120 steps
    assert steps.values[1] == pytest.approx(120 + 40 * (1 / 5))  # from 21 to 16 %
    assert (steps.summary.mean, steps.metric.unit) == (pytest.approx(np.mean(steps.values)), "steps")
    assert final.summary.mean == pytest.approx(11)
    heights = [10 + 80 * 0.5**epoch for epoch in range(1, 8)] + [10]
    assert area.values[0] == pytest.approx((sum(heights) - (heights[0] + heights[-1]) / 2) / 7)
    (rung, *_) = findings.rungs
    assert rung.difference.high < 0
    assert rung.difference.image_part is None
    assert [str(one.metric) for one in rung.also] == ["final", "area_under_curve"]
    assert rung.also[0].difference.change == pytest.approx(4.5 - 11)
    assert set(json.loads(as_json(findings))["rungs"][0]["also"][0]) >= {"metric", "change", "low", "high", "p"}
    assert any(re.search(r"detectable at 80 % power: \d+\.\d steps \(n = 3\)", line) for line in footnotes(findings))


def test_one_seed_s_steps_have_no_interval(outputs):
    """Nothing shows how much they vary: there are no images that could be others."""
    outputs.manifest = {"metric": "steps_to(20)", "also": ["final"]}
    (rung, *_) = found(outputs.done(FIRST, 20).done(SECOND, 8)).rungs
    steps, final = rung.difference, rung.also[0].difference
    assert (steps.low, steps.high, steps.excludes_0, rung.verdict) == (None, None, False, "cannot tell")
    assert difference(steps, Metric.parse("steps_to(20)")) == f"{steps.change:+.0f}"
    assert final.low < final.change < final.high


def test_a_row_that_is_compared_with_none_has_no_part_in_the_variance(outputs):
    """GoogLeNet without batch norm spreads by points, and says nothing of the ladder below it."""
    outputs.rows = {FIRST: {"standalone": True}}
    findings = found(outputs.done(FIRST, 20, 90, 50).done(SECOND, 12, 14, 13).done(THIRD, 11, 13, 15))
    assert findings.rungs[0].before.label == SECOND
    assert (findings.seed_variance.rows, findings.seed_variance.df) == (2, 4)
    assert findings.seed_variance.sd == pytest.approx(np.sqrt((0.5**2 + 1.0**2) / 2))


def test_a_run_that_never_gets_there_is_counted_and_has_no_part_in_a_mean(outputs):
    outputs.manifest = {"metric": "steps_to(10)"}
    outputs.done(FIRST, *[40] * 4).done(SECOND, 2, 3, 4, 5).done(THIRD, 5, 40, 40, 6)
    findings = found(outputs)
    first, _, third = (one.main for one in findings.rows[:3])
    assert (first.values, first.summary, first.not_reached) == ((None,) * 4, None, 4)
    assert (third.summary, third.not_reached) == (None, 2)
    down, up = findings.rungs[:2]
    assert (down.difference, down.verdict) == (None, "lower")
    assert down.rank_p == pytest.approx(2 / 70)
    assert (up.difference, up.verdict) == (None, "cannot tell")
    lines = "\n".join(footnotes(findings))
    assert f"Not reached: 10 % by 4 of 4 runs of {FIRST}, 10 % by 2 of 4 runs of {THIRD}." in lines


@pytest.mark.parametrize("also", [False, True])
def test_one_seed_that_never_gets_there_cannot_be_compared(outputs, also):
    outputs.manifest = {"metric": "final", "also": ["steps_to(10)"]} if also else {"metric": "steps_to(10)"}
    findings = found(outputs.done(FIRST, 40).done(SECOND, 2))
    rung = findings.rungs[0]
    change = rung.also[0] if also else rung
    assert (change.difference, change.rank_p) == (None, None)
    assert also or rung.verdict == "cannot tell"
    assert f"Not reached: 10 % by 1 of 1 runs of {FIRST}." in "\n".join(footnotes(findings))
    assert "Not reached: 10 % by 1 of 1 runs" in write(findings.table.folder).texts["markdown"].read_text()


def test_ranks_have_the_papers_direction_where_it_prints_steps(outputs):
    outputs.manifest = {"metric": "steps_to(10)"}
    outputs.rows = {FIRST: {"paper": "bn.f3.inception"}, SECOND: {"paper": "bn.f3.bn-baseline"}}
    (rung, *_) = found(outputs.done(FIRST, *[40] * 4).done(SECOND, 2, 3, 4, 5)).rungs
    assert (rung.paper_change < 0, rung.difference, rung.verdict) == (True, None, "same direction")


def test_the_speed_of_training_comes_from_the_log(outputs):
    outputs.manifest = {"metric": "steps_per_second"}
    outputs.done(FIRST, 40)
    for path in [outputs.run(FIRST, 0).metrics]:
        rows = path.read_text().splitlines()
        train = [n for n, row in enumerate(rows) if '"train"' in row]
        for at, n in enumerate(train, 1):
            rows[n] = re.sub(r'"time_s": [\d.]+', f'"time_s": {2.5 * at + (100 if at > 20 else 0)}', rows[n])
        path.write_text("\n".join(rows) + "\n")
    assert found(outputs).rows[0].main.values == (pytest.approx(4.0),)  # 10 steps in 2.5 s, but for one pause


def test_rows_within_the_margin_are_equal(outputs):
    outputs.manifest = {"margin": 3.0}
    outputs.done(FIRST, 40, 41, 40, 41).done(SECOND, 41, 40, 41, 40).done(THIRD, 10, 11, 10, 11)
    equal, lower = found(outputs).rungs[:2]
    assert (equal.verdict, equal.equivalence.holds) == ("equal within 3", True)
    assert (lower.verdict, lower.equivalence.holds) == ("same direction", False)


def test_without_a_margin_nothing_is_equal(outputs):
    rung = found(outputs.done(FIRST, 40, 41, 40, 41).done(SECOND, 41, 40, 41, 40)).rungs[0]
    assert (rung.verdict, rung.equivalence) == ("cannot tell", None)


def test_seeds_are_pooled_over_the_rows_that_converged(outputs):
    outputs.done(FIRST, 40, 44, 42).done(SECOND, 41, 45, 43).done(THIRD, 20, 24, 22).done(FOURTH, 160, 10, 90)
    findings = found(outputs)
    assert (findings.seed_variance.rows, findings.seed_variance.df) == (3, 6)
    assert findings.seed_variance.sd == pytest.approx(1.0)
    assert findings.rungs[0].difference.df >= 6
    line = next(line for line in footnotes(findings) if line.startswith("sd between seeds"))
    assert line.startswith("sd between seeds: 1.00 points, pooled over 3 rows (6 df, Levene's p = 1.00); 100 % of it")


def test_rows_that_vary_differently_are_not_pooled(outputs):
    outputs.done(FIRST, 20, 60, 40, 30).done(SECOND, 40, 40, 41, 40)
    findings = found(outputs)
    assert not findings.seed_variance.pooled
    assert findings.rungs[0].difference.df < 6
    assert any("so each change goes by its own rows" in line for line in footnotes(findings))


def test_the_a_a_row_tests_the_method_and_is_no_rung(outputs):
    outputs.against = {SECOND: FIRST, THIRD: FIRST}
    outputs.manifest = {"null": THIRD}
    findings = found(outputs.done(FIRST, 40, 43, 42).done(SECOND, 12, 13, 13).done(THIRD, 41, 42, 43))
    assert findings.null.after.label == THIRD
    assert [rung.after.label for rung in findings.judged] == [SECOND]
    assert (findings.resolved, findings.null.holm_p) == (1, None)
    assert findings.judged[0].holm_p == findings.judged[0].welch_p
    assert any(line.startswith(THIRD) and line.endswith("no false alarm.") for line in footnotes(findings))


def test_a_direction_of_the_a_a_row_is_a_false_alarm(outputs):
    outputs.against, outputs.manifest = {THIRD: FIRST}, {"null": THIRD}
    findings = found(outputs.done(FIRST, 40, 43, 42).done(THIRD, 11, 12, 13))
    assert findings.resolved == 0
    assert any("a false alarm" in line for line in footnotes(findings))


@pytest.mark.parametrize(("wrong", "text"), [((46, 48, 47), "agrees"), ((20, 21, 22), "off by -12.9 ± ")])
def test_a_paper_s_cell_is_held_against_ours_on_its_images_only(outputs, wrong, text):
    outputs.manifest = {"comparable": True}
    row = found(outputs.done(FIRST, *wrong)).rows[0]
    assert row.against_paper.text.startswith(text)
    outputs.manifest = {"comparable": False}
    assert found(outputs).rows[0].against_paper is None


def test_one_seed_is_held_against_the_paper_by_the_spread_of_the_other_rows(outputs):
    outputs.manifest = {"comparable": True}
    findings = found(outputs.done(FIRST, 47).done(SECOND, 45, 46, 47))
    assert findings.rows[0].against_paper.agrees
    assert found(outputs).rows[0].split is None


def test_looks_that_were_declared_cost_confidence(outputs):
    outputs.manifest = {"looks": 2, "max_seeds": 8}
    outputs.done(FIRST, 40, 41, 42, 43).done(SECOND, 38, 39, 40, 42)
    findings = found(outputs)
    assert (findings.look.number, findings.look.seeds) == (1, 4)
    assert findings.confidence == pytest.approx(0.99695, abs=1e-4)
    assert findings.rungs[0].difference.confidence == findings.confidence
    outputs.manifest = {}
    usual = found(outputs).rungs[0].difference
    assert findings.rungs[0].difference.high > usual.high
    assert any(
        line.startswith("Look 1 of 2, planned after 4 of 8 seeds: intervals of changes are at 99.69 %")
        for line in footnotes(findings)
    )


def test_the_look_goes_by_the_seeds_of_every_row_converged_or_not(outputs):
    outputs.manifest = {"looks": 2, "max_seeds": 4}
    outputs.done(FIRST, 180, 181, 182, 183)
    assert found(outputs).look.number == 2
    assert found(outputs.done(SECOND, 40, 41, 42)).look.number == 1


def test_an_ensemble_does_not_count_among_the_rows_on_a_plateau(outputs):
    findings = found(outputs.done(FIRST, 40, 41, on_plateau=False))
    row = replace(findings.rows[0].row, entry=replace(findings.rows[0].row.entry, models=2))
    assert "plateau: 0 of 1 rows" in footnotes(findings)[1]
    findings = find(replace(findings.table, rows=(row,), manifest=replace(findings.table.manifest, mode="independent")))
    assert footnotes(findings)[0].startswith("plateau: 0 of 0 rows")


def test_contributions_are_averaged_over_orders(outputs):
    sets = {FIRST: [], SECOND: ["a"], THIRD: ["b"], FOURTH: ["a", "b"]}
    outputs.against, outputs.manifest = {}, {"orders": [["a", "b"], ["b", "a"]]}
    outputs.rows = {label: {"switches": switches} for label, switches in sets.items()}
    for label, count in {FIRST: 80, SECOND: 60, THIRD: 70, FOURTH: 30}.items():
        outputs.done(label, count, count + 1, count - 1)
    findings = found(outputs)
    means = {one.switch: one.difference.change for one in findings.shapley}
    assert means == {"a": pytest.approx((-10 - 20) / 2), "b": pytest.approx((-5 - 15) / 2)}
    line = next(
        line for line in footnotes(findings) if line.startswith("Mean contribution over 2 orders, points: a -15")
    )
    assert "; b -10.00 [" in line


def test_a_contribution_needs_all_of_its_rows(outputs):
    outputs.against, outputs.manifest = {}, {"orders": [["a"]]}
    outputs.rows = {SECOND: {"switches": ["a"]}}
    assert [one.difference for one in found(outputs.done(FIRST, 40, 41)).shapley] == [None]


def made_of(row, label, members):
    """A row whose cells are made of the runs of `row`, by their seeds."""
    runs = [one.identity for one in row.entry.cells]
    cells = [
        ManifestCell(seed=seed, identity=runs[some[0]], members=[runs[one] for one in some] if len(some) > 1 else [])
        for seed, some in enumerate(members)
    ]
    done = tuple(row.cells[some[0]] for some in members)
    return replace(row, entry=replace(row.entry, label=label, cells=cells), cells=done, against=row.label)


def test_rows_of_the_same_runs_are_compared_run_by_run(outputs):
    table = read(outputs.done(FIRST, 30, 50, 40, 45).done(THIRD, 30, 50, 40, 45).close())
    first, _, third, *_ = table.rows
    second = made_of(first, SECOND, [[0], [1], [2], [3]])
    findings = find(replace(table, rows=(first, second, third)))
    same, other = findings.rungs
    assert (same.difference.paired, same.difference.se, same.verdict) == (True, 0.0, "cannot tell")
    assert not other.difference.paired
    assert findings.seed_variance.rows == 2  # the same runs count once
    assert f"The same runs, compared run by run: {SECOND} against {FIRST}." in footnotes(findings)


def pairs(outputs, members):
    row = read(outputs.done(FIRST, 30, 50, 40, 45).close()).rows[0]
    found = blocks(row, made_of(row, SECOND, members))
    return found and [(one.before, one.after) for one in found]


def test_an_ensemble_is_compared_with_its_members(outputs):
    assert pairs(outputs, [[0, 1], [2, 3]]) == [((0, 1), (0,)), ((2, 3), (1,))]


@pytest.mark.parametrize("members", [[[0, 1]], [[0], [1]]], ids=["left over members", "left over seeds"])
def test_rows_that_share_a_part_of_their_runs_are_not_paired(outputs, members):
    assert pairs(outputs, members) is None
