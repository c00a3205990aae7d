"""Describes the images of a split by numbers: per class, sizes, formats, and the mean of each channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from inceptionctl.data.order import generator
from inceptionctl.data.survey.inspect import moments
from inceptionctl.data.survey.pool import each
from inceptionctl.data.survey.survey import Report, Survey

SEED = 0  # of the sample: the same for every call
QUANTILES = {"min": 0.0, "5%": 0.05, "median": 0.5, "95%": 0.95, "max": 1.0}


@dataclass(frozen=True)
class SplitStatistics:
    """`class_counts`: images of each class; `quantiles`: of width, height, aspect (width by height) and bytes of a
    file; `formats` and `modes`: how many images have each, the commonest first."""

    images: int
    unreadable: int
    class_counts: Mapping[str, int]
    quantiles: Mapping[str, Mapping[str, float]]
    formats: Mapping[str, int]
    modes: Mapping[str, int]


@dataclass(frozen=True)
class ChannelStatistics:
    """Mean and standard deviation of each channel, red first, of values from 0 to 1, over all pixels of `images` images
    of `split`; each image counts the same, whatever its size."""

    split: str
    images: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


def describe_split(survey: Survey) -> SplitStatistics:
    known_N = (survey.shapes_N2 > 0).all(axis=1)
    width_N, height_N = survey.shapes_N2[known_N].T
    sizes = {"width": width_N, "height": height_N, "aspect": width_N / height_N, "bytes": survey.files.sizes_N}
    counts_K = survey.files.counts(survey.classes)
    return SplitStatistics(
        images=len(survey.files),
        unreadable=len(survey.problems),
        class_counts=dict(zip(survey.classes, map(int, counts_K), strict=True)),
        quantiles={name: _quantiles(values_N) for name, values_N in sizes.items() if len(values_N)},
        formats=_counts(survey.formats_N[known_N]),
        modes=_counts(survey.modes_N[known_N]),
    )


def describe_channels(split: str, survey: Survey, sample: int, workers: int, report: Report) -> ChannelStatistics:
    """Over at most `sample` images. Raises DataError when a process that decodes is killed."""
    indices_N = np.sort(generator(SEED, 0, 0).permutation(len(survey.files))[:sample])
    found = list[np.ndarray]()
    for done, one in enumerate(each(moments, survey.files, indices_N, workers), start=1):
        found += [] if one is None else [one]
        report(done)
    mean_3, square_3 = np.mean(found, axis=0) if found else np.full((2, 3), np.nan)
    std_3 = np.sqrt(np.maximum(square_3 - mean_3**2, 0))
    return ChannelStatistics(split, len(found), tuple(map(float, mean_3)), tuple(map(float, std_3)))


def _quantiles(values_N: np.ndarray) -> dict[str, float]:
    return {name: float(np.quantile(values_N, share)) for name, share in QUANTILES.items()}


def _counts(names_N: np.ndarray) -> dict[str, int]:
    return dict(Counter(map(str, names_N)).most_common())
