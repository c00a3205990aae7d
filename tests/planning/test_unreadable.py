"""A finished evaluation answers a request that treats unreadable images alike; without any it answers each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.records import EVALUATION

from inceptionctl.planning.evaluation.records import answers
from inceptionctl.runs.records.evaluation import EvaluationRequest

REQUEST = EvaluationRequest(
    identity="0123456789ab",
    members=[],
    image_set=EVALUATION.image_set,
    protocol=EVALUATION.protocol,
    classes=[],
    n_images=EVALUATION.n_images,
    on_unreadable="error",
    batch_size=100,
    probabilities=False,
)


@pytest.mark.parametrize(("treated", "answered"), [("left out", ["skip"]), ("wrong", ["wrong"])])
def test_images_left_out_are_not_those_counted_as_wrong(treated, answered):
    found = replace(EVALUATION, unreadable=1, unreadable_as=treated)
    n_images = found.n_images + (treated == "left out")
    asked = {policy: replace(REQUEST, on_unreadable=policy, n_images=n_images) for policy in ("error", "skip", "wrong")}
    assert [policy for policy, request in asked.items() if answers(found, request)] == answered
    whole = {policy: replace(REQUEST, on_unreadable=policy) for policy in asked}
    assert all(answers(replace(found, unreadable=0), request) for request in whole.values())
