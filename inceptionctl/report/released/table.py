"""`eval table=released`: what is published of released weights, and what we get. A dash is a figure that is not known:
a published one never stands in our column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.models.weights.releases import LIBRARIES
from inceptionctl.papers.released import PublishedFigure, published
from inceptionctl.report.released.asked import SCRIPT, TEN, Asked, asked
from inceptionctl.report.released.ours import Ours, find_ours
from inceptionctl.report.released.readings import Choice, choose

OF_CROPS = {1: (), 10: TEN, 12: SCRIPT}  # our protocol beside other people's figures: the converted collection's script
# What collections call their conversions, by the release of the same network that stands beside them. These need not
# be the same weights: the collections state no more than is shown.
BESIDE = {
    ("tensornets", "Inception3"): "timm:inception_v3.tf_in1k",
    ("tensornets", "Inception4"): "timm:inception_v4.tf_in1k",
    ("tensornets", "Inception-ResNet-v2"): "timm:inception_resnet_v2.tf_in1k",
    ("converted Caffe collection", "inception-v3 (MXNet weights)"): "timm:inception_v3.tf_in1k",
    ("converted Caffe collection", "inception-v4"): "timm:inception_v4.tf_in1k",
    ("converted Caffe collection", "inception-resnet-v2"): "timm:inception_resnet_v2.tf_in1k",
    ("converted Caffe collection", "xception"): "timm:legacy_xception.tf_in1k",
}


@dataclass(frozen=True, kw_only=True)
class ReleasedRow:
    """`published`: None where there is no figure of this protocol; `asked`: our evaluation that stands beside it, None
    if we have no such weights; `ours`: what it came to, None if it is not there. `publisher`: whether the figure is
    that of who released the weights that we evaluate."""

    publisher: bool
    published: PublishedFigure | None
    asked: Asked | None
    ours: Ours | None


@dataclass(frozen=True, kw_only=True)
class ReleasedTable:
    """`problems`: stored evaluations that cannot be read."""

    rows: tuple[ReleasedRow, ...]
    choice: Choice
    problems: tuple[str, ...]

    @property
    def missing(self) -> list[Asked]:
        """The evaluations that are not there yet, each once."""
        return list(dict.fromkeys(row.asked for row in self.rows if row.asked and not row.ours))


def released_table(folder: Path) -> ReleasedTable:
    """`folder`: where evaluations are kept, outputs/eval."""
    wanted = asked()
    ours, problems = find_ours(folder, wanted)
    rows = (*_of_releases(wanted, ours), *_elsewhere(wanted, ours))
    return ReleasedTable(rows=rows, choice=choose(ours), problems=tuple(problems))


def _of_releases(wanted: list[Asked], ours: Mapping[Asked, Ours]) -> Iterator[ReleasedRow]:
    figures = {f"{_publisher(one)}:{one.weights}": one for one in published()}
    for one in wanted:
        figure = None if one.words else figures.get(one.release.name)
        yield ReleasedRow(publisher=True, published=figure, asked=one, ours=ours.get(one))


def _elsewhere(wanted: list[Asked], ours: Mapping[Asked, Ours]) -> Iterator[ReleasedRow]:
    for figure in published():
        if _publisher(figure) not in LIBRARIES:
            beside = _beside(figure, wanted)
            yield ReleasedRow(
                publisher=False, published=figure, asked=beside, ours=ours.get(beside) if beside else None
            )


def _beside(figure: PublishedFigure, wanted: list[Asked]) -> Asked | None:
    release = BESIDE.get((figure.collection, figure.weights))
    return next((one for one in wanted if one.release.name == release and one.words == OF_CROPS[figure.crops]), None)


def _publisher(figure: PublishedFigure) -> str:
    """timm's figures are of a file of results, by whose name they go."""
    return next((one for one in LIBRARIES if figure.collection.startswith(one)), figure.collection)
