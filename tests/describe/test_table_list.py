"""`ablate --list`: every table, and what it would cost on ImageNet."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest
from support.runs import launched

from inceptionctl.config.compose import composer_for
from inceptionctl.config.validate import parse
from inceptionctl.describe.tables import IMAGES, device_hours

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "tables.md").read_text()


@pytest.fixture(scope="module")
def listed():
    code, said = launched("ablate", "--list", "--json")
    assert code == 0, said
    return {table["name"]: table for table in json.loads(said)["tables"]}


def test_every_table_is_listed_and_documented(listed):
    assert list(listed) == composer_for(None).groups("ablate")["table"]
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE, re.MULTILINE))
    assert {name: table["rows"] for name, table in listed.items()} == {name: int(n) for name, n in rows.items()}


def test_a_table_of_the_list(listed):
    one = listed["inception_v3_ensemble"]
    assert (one["cells"], one["protocol"], one["device_hours"]) == (12, "crops144", None)
    assert one["paper"].startswith("Rethinking the Inception Architecture")
    assert (listed["jft"]["cells"], "never published" in listed["jft"]["not_reproducible"]) == (0, True)
    assert all(table["caption"] for table in listed.values())


def test_device_hours_follow_from_epochs_and_multiply_adds():
    config = parse(composer_for(None).compose("train", ["scale=imagenet", "data.root=.", "arch=inception_v3"]))
    macs = 5_718_899_296  # with the auxiliary head (papers.yaml, computed_costs)
    assert device_hours(config) == pytest.approx(100 * IMAGES * 3 * macs / 10e12 / 3600)


@pytest.mark.parametrize("words", [("table=residual",), ("scale=cifar10",), ("--dry-run",)])
def test_what_has_no_effect_on_the_list_is_refused(words):
    code, said = launched("ablate", "--list", *words)
    assert (code, f"{words[0]} has no effect on --list" in said) == (2, True), said


@pytest.mark.slow
def test_the_page_has_the_list_with_its_costs():
    spec = importlib.util.spec_from_file_location("tables_page", TOP / "benchmarks" / "tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.with_list(PAGE) == PAGE
