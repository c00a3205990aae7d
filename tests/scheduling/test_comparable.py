"""Whether a table's errors may be held against the paper's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.papers.own import Figures
from inceptionctl.scheduling.table_manifest import is_comparable

CELL = "rethinking.t3.03"  # of 48,238 images
WORDNET_IDS = [f"n{number:08}" for number in range(1000)]


@pytest.fixture(scope="module")
def config():
    return parse(compose("train", ["scale=imagenet", "data.root=."]))


@pytest.fixture(scope="module")
def flipped():
    return parse(compose("train", ["scale=imagenet", "data.root=.", "protocol=flip"]))


def comparable(config, paper, *, classes=WORDNET_IDS, images=48238, cell=CELL, protocol=None):
    data = SimpleNamespace(classes=classes, n_eval=images)
    return is_comparable(
        SimpleNamespace(
            first=SimpleNamespace(config=config, data=data),
            paper=paper,
            rows=[SimpleNamespace(row=SimpleNamespace(cell=cell))],
            table=SimpleNamespace(protocol=protocol),
            figures=Figures(),
        )
    )


def test_the_paper_s_images_and_protocol_are_comparable(config, flipped):
    assert comparable(config, config)
    assert comparable(flipped, config, protocol="flip")


def test_the_paper_s_images_may_lie_in_folders(config):
    assert comparable(parse(compose("train", ["scale=imagenet", "data=imagefolder", "data.root=."])), config)


def test_packed_images_are_not_those_of_the_paper(config):
    assert not comparable(parse(compose("train", ["scale=imagenet", "data=packed", "data.root=."])), config)


@pytest.mark.parametrize(
    "changes", [{"images": 50000}, {"classes": WORDNET_IDS[:10]}, {"classes": ["a"] * 1000}, {"cell": None}]
)
def test_other_images_are_not_comparable(config, changes):
    assert not comparable(config, config, **changes)


def test_another_protocol_is_not_comparable(config, flipped):
    assert not comparable(flipped, config)
    assert not comparable(config, None)
