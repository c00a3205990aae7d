"""The evaluations that the table of released weights is made of: networks, weights and protocols. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import yaml

from inceptionctl.evaluation.protocols import ProtocolSettings
from inceptionctl.models.weights.releases import RELEASES, Release
from inceptionctl.papers.released import published
from inceptionctl.planning.evaluation.preprocessing import preprocessing
from inceptionctl.planning.evaluation.records import label, options

READINGS = ("centre_square", "squeezed", "scales_and_squares")  # of 12 crops; the first is the default
SINGLE = ("protocol=single",)
TEN = ("protocol=crops10",)
SCRIPT = ("protocol=crops12", "protocol.reading=squeezed", "protocol.scales=public_script")
# Releases that other people's collections have measured too, and how many crops these took.
MEASURED_ELSEWHERE = {
    "timm:inception_v3.tf_in1k": (10, 12),
    "timm:inception_v4.tf_in1k": (10, 12),
    "timm:inception_resnet_v2.tf_in1k": (10, 12),
    "timm:legacy_xception.tf_in1k": (12,),
}
# The papers' rows of 12 crops, by network: those that have released weights choose between the readings.
WITH_12_CROPS = ("inception_v3", "inception_v4", "inception_resnet_v2")


@dataclass(frozen=True)
class Asked:
    """An evaluation on ImageNet's 50,000 validation images. `words` name the protocol, as they are typed after `eval`;
    none: the release's own, which `eval` takes if none is named."""

    arch: str
    release: Release
    words: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        """What is typed after `eval`, but for data.root."""
        return [f"arch={self.arch}", f"weights={self.release.name}", "data=imagenet_val", *self.words]

    @property
    def how(self) -> str:
        """The protocol, in a column of the table."""
        words = [word.partition("=")[2] for word in self.words]
        return " ".join(words) or "own"

    def protocol(self, pixels: int) -> str | None:
        """The name that its record has, for an input of `pixels`; None for weights whose preprocessing papers.yaml does
        not have: finding it out takes torch."""
        words = self.words or (tuple(preprocessing(self.release)) if is_published(self.release) else ())
        return label(_settings(words), pixels) if words else None


def asked() -> list[Asked]:
    """All, by network: each release with its own protocol, then with those that are compared."""
    return [one for arch, entries in RELEASES.items() for entry in entries for one in _of_release(arch, entry)]


def is_published(entry: Release) -> bool:
    """Whether papers.yaml has the figures that its publisher states."""
    return any(one.collection.startswith(entry.publisher) and f"{entry.publisher}:{one.weights}" == entry.name
               for one in published())  # fmt: skip


def _of_release(arch: str, entry: Release) -> Iterator[Asked]:
    for tag in (tag for tag in dict.fromkeys([entry.tag, *entry.inputs]) if tag != "*"):
        tagged = replace(entry, tag=tag)
        yield Asked(arch, tagged)
        others = MEASURED_ELSEWHERE.get(tagged.name, ())
        if 10 in others:
            yield Asked(arch, tagged, TEN)
        if 12 in others and arch in WITH_12_CROPS:
            yield Asked(arch, tagged, SINGLE)
            yield from (twelve(arch, tagged, reading) for reading in READINGS)
        if 12 in others:
            yield Asked(arch, tagged, SCRIPT)


def twelve(arch: str, entry: Release, reading: str) -> Asked:
    """12 crops in one of the three readings."""
    return Asked(arch, entry, ("protocol=crops12", f"protocol.reading={reading}"))


def _settings(words: tuple[str, ...]) -> ProtocolSettings:
    first, *others = words
    changes = {key.removeprefix("protocol."): yaml.safe_load(value)
               for key, _, value in (word.partition("=") for word in others)}  # fmt: skip
    return replace(options()[first.partition("=")[2]], **changes)
