"""Points of convergence: made from runs, and what runs that learn as fast, slower or too fast are told."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats as oracle
from support.runs import launched

from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.report.reference import FASTER, SAME, SLOWER, check, reference_lines
from inceptionctl.report.reference_points import reference_of
from inceptionctl.report.statistics.acceptance import accept
from inceptionctl.runs.io import write_record

REFERENCE = (12, 13, 11, 14, 12, 13, 12, 11, 13, 12)  # wrong images of 200, by seed


@pytest.fixture
def shipped(outputs, tmp_path):
    """A reference of two rows."""
    folder = outputs.done("Inception-v2", *REFERENCE).done("RMSProp", *REFERENCE).close()
    (tmp_path / "shipped").mkdir()
    write_record(tmp_path / "shipped" / "digits.json", reference_of(folder))
    return tmp_path / "shipped"


@pytest.fixture
def build(tmp_path, outputs_at):
    """The same table made by another build."""
    return outputs_at(tmp_path / "build")


def test_a_reference_has_each_seed_of_each_row(shipped):
    document = json.loads((shipped / "digits.json").read_text())
    assert (document["table"], document["error"], document["command"]) == ("inception_v3", 10.0, "inceptionctl ablate")
    assert document["rows"][0]["epochs"] == list(range(1, 9))
    assert [row["label"] for row in document["rows"]] == ["Inception-v2", "RMSProp"]
    assert [errors[-1] for errors in document["rows"][0]["errors"]] == [wrong / 2 for wrong in REFERENCE]
    # Errors fall to the last by 40, 20, 10, 5 ...: from 11 to 8.5 % between epochs 4 and 5 in the run that ends at 6 %.
    assert document["rows"][0]["steps"][0] == pytest.approx(160 + 40 * (1 / 2.5))


def test_runs_like_the_reference_pass(shipped, build):
    found = check(build.done("Inception-v2", 13, 12, 12).done("RMSProp", 14).close(), shipped)
    assert found.passed
    assert [(row.label, row.verdict) for row in found.rows] == [("Inception-v2", SAME), ("RMSProp", SAME)]
    assert found.untested == ("Label smoothing", "Factorized 7x7", "BN-auxiliary")


def test_slower_runs_and_runs_that_are_too_fast_fail(shipped, build):
    found = check(build.done("Inception-v2", 24, 25, 23).done("RMSProp", 2, 1, 3).close(), shipped)
    assert not found.passed
    assert [row.verdict for row in found.rows] == [SLOWER, FASTER]
    lines = reference_lines(found)
    assert lines[0].startswith("Inception-v2: slower (steps to 10 % ")
    assert "final error 12 % against 6.125 %, n = 3 and 10, p = 0.000" in lines[0]
    assert lines[1].startswith("RMSProp: faster than possible: check what changed (")


def test_runs_that_never_get_there_are_slower(shipped, build):
    found = check(build.done("Inception-v2", 60, 61).close(), shipped)
    assert found.rows[0].verdict == SLOWER
    assert found.rows[0].figures[0].acceptance.ours == 320  # the last step


def test_another_setting_has_no_reference(shipped, build):
    folder = build.done("Inception-v2", 12).close()
    manifest = folder / "table.json"
    manifest.write_text(manifest.read_text().replace("8 epochs", "9 epochs"))
    with pytest.raises(
        RequestError, match=r"no reference for table inception_v3 at this setting: .* 9 epochs"
    ) as error:
        check(folder, shipped)
    assert "inception_v3: real digits, jittered, 79 px, width 0.25, 8 epochs (inceptionctl ablate)" in str(error.value)


def test_another_network_is_not_tested(shipped, build):
    folder = build.done("Inception-v2", 12).close()
    manifest = folder / "table.json"
    manifest.write_text(manifest.read_text().replace("1672345", "1672346"))
    found = check(folder, shipped)
    assert (found.passed, found.rows) == (False, ())


def test_a_reference_needs_ten_seeds(outputs):
    folder = outputs.done("Inception-v2", *REFERENCE[:9]).close()
    with pytest.raises(
        InceptionctlError, match=r"a reference needs 10 finished runs of a row; there are Inception-v2: 9"
    ):
        reference_of(folder)


def test_the_command_without_a_reference_for_the_table_says_so(ladder):
    code, said = launched("report", str(ladder), "--against", "reference")
    assert code == 2
    assert "no reference for table inception_v3 at this setting" in said


@pytest.mark.parametrize(("sizes", "trim"), [((10, 10), 0.1), ((4, 3), 0.0)])
def test_the_test_is_yuens_as_scipy_has_it(sizes, trim):
    generator = np.random.default_rng(0)
    ours, reference = (generator.normal(10, 1, size) for size in sizes)
    expected = oracle.ttest_ind(ours, reference, trim=trim, alternative="greater")
    found = accept(ours, reference)
    assert (found.p_larger, found.p_smaller) == (pytest.approx(expected.pvalue), pytest.approx(1 - expected.pvalue))
    assert found.ours == pytest.approx(oracle.trim_mean(ours, trim))


def test_one_run_is_tested_by_the_spread_of_the_reference():
    reference = [10.0, 11.0, 12.0, 9.0]
    sd = np.std(reference, ddof=1)
    expected = oracle.t.sf((14 - 10.5) / (sd * np.sqrt(1 + 1 / 4)), 3)
    assert accept([14.0], reference).p_larger == pytest.approx(expected)


def test_runs_that_are_all_alike():
    assert accept([5.0, 5.0], [5.0, 5.0]).p_larger == 0.5
    assert accept([6.0, 6.0], [5.0, 5.0]).p_larger == 0.0
