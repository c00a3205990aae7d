"""A finished evaluation answers a request that treats unreadable images alike; without any it answers each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.records import EVALUATION

from inceptionctl.planning.evaluation.records import treats_unreadable


@pytest.mark.parametrize(("treated", "answered"), [("left out", ["skip"]), ("wrong", ["wrong"])])
def test_images_left_out_are_not_those_counted_as_wrong(treated, answered):
    found = replace(EVALUATION, unreadable=1, unreadable_as=treated)
    policies = ["error", "skip", "wrong"]
    assert [policy for policy in policies if treats_unreadable(found, policy)] == answered
    assert all(treats_unreadable(replace(found, unreadable=0), policy) for policy in policies)
