"""What the images of one split were found to be: arrays by image, since a split may have millions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from inceptionctl.data.index import FileList
from inceptionctl.data.survey.inspect import FACTS, Inspection
from inceptionctl.data.survey.pool import each

DIGEST_BYTES = 32
Report = Callable[[int], None]  # is called with the number of images that are done


@dataclass(frozen=True)
class Problem:
    """Why an image cannot be read, and whether a tolerant decoder can."""

    reason: str
    tolerant: bool


@dataclass(frozen=True, eq=False)
class Survey:
    """`facts_NF`: which of FACTS hold; `shapes_N2`: width and height, 0 where unknown; `digests_N`: of the bytes, empty
    where they are not known; `problems`: by index, of the images that cannot be read."""

    files: FileList
    classes: tuple[str, ...]
    facts_NF: np.ndarray
    shapes_N2: np.ndarray
    formats_N: np.ndarray
    modes_N: np.ndarray
    digests_N: np.ndarray
    problems: Mapping[int, Problem]

    @classmethod
    def of(cls, files: FileList, classes: tuple[str, ...], found: Iterable[Inspection], report: Report) -> Survey:
        """`found`: of each image of `files`."""
        size = len(files)
        facts_NF, shapes_N2 = np.zeros((size, len(FACTS)), dtype=bool), np.zeros((size, 2), dtype=np.int64)
        formats_N, modes_N = (np.zeros(size, dtype="U12") for _ in range(2))
        digests_N, problems = np.zeros(size, dtype=f"S{DIGEST_BYTES}"), dict[int, Problem]()
        for i, one in enumerate(found):
            facts_NF[i] = [fact in one.facts for fact in FACTS]
            shapes_N2[i], formats_N[i], modes_N[i] = (one.width, one.height), one.format, one.mode
            digests_N[i] = one.digest
            if one.error:
                problems[i] = Problem(one.error, one.tolerant)
            report(i + 1)
        return cls(files, classes, facts_NF, shapes_N2, formats_N, modes_N, digests_N, problems)

    @cached_property
    def readable_N(self) -> np.ndarray:
        readable_N = np.ones(len(self.files), dtype=bool)
        readable_N[list(self.problems)] = False
        return readable_N

    def label(self, index: int) -> str:
        """The class of an image."""
        return self.classes[int(self.files.labels_N[index])]


def take(
    inspect: Callable[[FileList, int], Inspection],
    files: FileList,
    classes: tuple[str, ...],
    workers: int,
    report: Report,
) -> Survey:
    """Inspects every image of a split in `workers` processes. Raises DataError when one of them is killed."""
    return Survey.of(files, classes, each(inspect, files, np.arange(len(files)), workers), report)
