"""Which reading of 12 crops is the papers': by what 12 crops gain over one, since released weights are not theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inceptionctl.papers.records import load, paper_cell
from inceptionctl.report.released.asked import READINGS, SINGLE, Asked, asked, twelve
from inceptionctl.report.released.ours import Ours

# (single crop, 12 crops): records of papers.yaml. The first pair is of the same 48,238 images.
ROWS = {
    "inception_v3": ("inceptionv4.single.inception-v3", "rethinking.t4.06"),
    "inception_v4": ("inceptionv4.single.inception-v4", "inceptionv4.c12.inception-v4"),
    "inception_resnet_v2": ("inceptionv4.single.inception-resnet-v2", "inceptionv4.c12.inception-resnet-v2"),
}
# Facts of papers.yaml: how much worse all 50,000 images are than the 48,238, by each of two papers.
SUBSET = (
    ("rethinking.subset", ("full_set_difference_top1_pct", "full_set_difference_top5_pct")),
    ("v4.subset", ("difference_top1_pct", "difference_top5_pct")),
)
TOLD_APART = 0.05  # points between the two nearest readings: papers round to 0.1


@dataclass(frozen=True, kw_only=True)
class PaperGain:
    """Error of 12 crops less that of one, in points: (lowest, highest), of top-1 and top-5. A range where one crop was
    measured on the 48,238 images and 12 on all: by what two papers say about the difference."""

    network: str
    single: str
    twelve: str
    top1: tuple[float, float]
    top5: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """`gains`: ours by network, (top-1, top-5), those that are known; `distance`: mean over networks and both errors of
    how far they lie outside the papers' ranges, in points; None where no network is known."""

    name: str
    gains: Mapping[str, tuple[float, float]]
    distance: float | None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """`nearest`: the reading with the least distance, None unless each has the same networks and it is told apart from
    the next."""

    papers: tuple[PaperGain, ...]
    readings: tuple[Reading, ...]
    nearest: str | None
    verdict: str


def choose(ours: Mapping[Asked, Ours]) -> Choice:
    papers = tuple(_paper_gain(network, *ids) for network, ids in ROWS.items())
    readings = tuple(_reading(name, papers, ours) for name in READINGS)
    nearest, verdict = _nearest(readings)
    return Choice(papers=papers, readings=readings, nearest=nearest, verdict=verdict)


def _paper_gain(network: str, single: str, twelve: str) -> PaperGain:
    one, many = paper_cell(single), paper_cell(twelve)
    same_images, ranges = one.n_images == many.n_images, []
    for top, (before, after) in enumerate(((one.top1_error, many.top1_error), (one.top5_error, many.top5_error))):
        assert before is not None
        assert after is not None
        gain = after - before
        worse = [0.0] if same_images else [float(_fact(name)[keys[top]]) for name, keys in SUBSET]
        ranges.append((round(gain - max(worse), 6), round(gain - min(worse), 6)))
    return PaperGain(network=network, single=single, twelve=twelve, top1=ranges[0], top5=ranges[1])


def _fact(name: str) -> dict[str, Any]:
    return dict(next(fact["value"] for fact in load()["text_facts"] if fact["id"] == name))


def _reading(name: str, papers: tuple[PaperGain, ...], ours: Mapping[Asked, Ours]) -> Reading:
    gains, distances = {}, []
    for paper in papers:
        if gain := _our_gain(paper.network, name, ours):
            gains[paper.network] = gain
            distances += [_outside(gain[0], *paper.top1), _outside(gain[1], *paper.top5)]
    return Reading(name=name, gains=gains, distance=sum(distances) / len(distances) if distances else None)


def _our_gain(network: str, reading: str, ours: Mapping[Asked, Ours]) -> tuple[float, float] | None:
    entry = next(one.release for one in asked() if one.arch == network and one.words == SINGLE)
    single, many = ours.get(Asked(network, entry, SINGLE)), ours.get(twelve(network, entry, reading))
    if single is None or many is None or single.n_images != many.n_images:
        return None
    return many.top1_error - single.top1_error, many.top5_error - single.top5_error


def _outside(value: float, low: float, high: float) -> float:
    return max(low - value, value - high, 0.0)


def _nearest(readings: tuple[Reading, ...]) -> tuple[str | None, str]:
    known = {frozenset(one.gains) for one in readings}
    if len(known) > 1 or not readings[0].gains:
        return None, "not known: it takes all three readings and one crop of the same networks, on the same images"
    first, second, *_ = sorted(readings, key=lambda one: one.distance or 0.0)
    assert first.distance is not None
    assert second.distance is not None
    distances = f"{first.distance:.2f} points from the papers' gains, the next, {second.name}, {second.distance:.2f}"
    if second.distance - first.distance < TOLD_APART:
        return None, f"not told apart: {first.name} is {distances}"
    return first.name, f"nearest is reading={first.name}: {distances}"
