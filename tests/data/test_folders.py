"""A folder that is not there: what is, and the nearest name."""

from __future__ import annotations

import pytest

from inceptionctl.data.folders import check_folder
from inceptionctl.errors import RequestError


def refusal(folder):
    with pytest.raises(RequestError) as caught:
        check_folder("root", folder)
    return str(caught.value)


def test_the_nearest_folder_is_named(tmp_path):
    (tmp_path / "photographs" / "train").mkdir(parents=True)
    (tmp_path / "photograph.txt").touch()
    found = refusal(tmp_path / "photograhps" / "train")
    assert found.endswith(f"\n  {tmp_path} has no photograhps/: did you mean photographs/?")
    assert refusal(tmp_path / "other" / "train").endswith(f"\n  {tmp_path} has no other/")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "a.jpg").touch()
    assert refusal(tmp_path / "a.jpg").endswith("a.jpg is not a folder that can be reached")


def test_a_folder_is_one(tmp_path):
    check_folder("root", tmp_path)
