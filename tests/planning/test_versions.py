"""Versions of the decoder and the resizer are recorded, and two of them do not make two evaluations."""

from __future__ import annotations

from dataclasses import replace

from support.records import EVALUATION

from inceptionctl.planning.evaluation.plan import _identity
from inceptionctl.planning.evaluation.records import is_same
from inceptionctl.runs.records.evaluation import ImageSet, ProtocolRecord

IMAGES = ImageSet(name="x", data="labelled", split="test", blacklist=False, digest="0123456789ab", root="/x")
PROTOCOL = ProtocolRecord(
    name="single",
    resize=299,
    crop=0.875,
    crops=1,
    interpolation="bilinear",
    averaging=None,
    decoder="pillow 12",
    settings={"name": "single", "crop": 0.875},
)
BEFORE = "ab0a96178f2b"  # of these by the version that stated no resizer


def test_identities_of_evaluations_hold():
    assert _identity([], IMAGES, PROTOCOL) == BEFORE
    assert _identity([], IMAGES, replace(PROTOCOL, decoder="pillow 13", resizer="pillow 13")) == BEFORE
    assert _identity([], IMAGES, replace(PROTOCOL, crop=1.0)) != BEFORE


def test_an_evaluation_of_an_older_version_is_found_again():
    found = replace(EVALUATION, image_set=IMAGES, protocol=PROTOCOL)
    asked = replace(PROTOCOL, decoder="pillow 13", resizer="pillow 13")
    assert is_same(found, IMAGES, asked, found.n_images)
    assert not is_same(found, IMAGES, replace(asked, crop=1.0), found.n_images)
