"""Cells of a table in folders beside its own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from support.records import manifest

from inceptionctl.errors import RequestError
from inceptionctl.scheduling.run_folders import attempts, unfinished
from inceptionctl.scheduling.table_places import as_seen_from, found_in


def asked(*places):
    return SimpleNamespace(settings=SimpleNamespace(found_in=[str(place) for place in places]))


def test_a_table_keeps_the_folders_that_it_was_given_before(tmp_path):
    table, first, second = (tmp_path / name for name in ("outputs/table", "first", "second"))
    first.mkdir()
    second.mkdir()
    before = manifest(found_in=as_seen_from(table, [str(first)]))
    assert before.found_in == ["../../first"]
    assert found_in(asked(second, first), before, table) == (str(first), str(second))


def test_a_folder_that_is_not_there_is_a_wrong_request(tmp_path):
    with pytest.raises(RequestError, match=f"found_in: there is no folder {tmp_path}/none"):
        found_in(asked(tmp_path / "none"), None, tmp_path)


def test_a_run_elsewhere_may_be_finished_but_is_never_continued(tmp_path):
    for name in ("outputs/table/abc-0", "other/train/abc-3"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "other/train/abc-3/config.yaml").touch()
    config = SimpleNamespace(run_dir=None, outputs=str(tmp_path / "outputs"), rerun=False)
    plan = SimpleNamespace(config=config, identity="abc", found_in=(str(tmp_path / "other"),))
    assert [run.path.name for run in attempts(plan)] == ["abc-3", "abc-0"]
    assert unfinished(plan) is None
