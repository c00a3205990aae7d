"""A file of weights that has been fitted to a network; its values are read later. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inceptionctl.errors import RequestError, count
from inceptionctl.models.spec.tensors import Shape
from inceptionctl.models.weights.choose import Chosen, choose
from inceptionctl.models.weights.fit import Fit, conversion_notes, fit
from inceptionctl.models.weights.read import state_dicts


@dataclass(frozen=True)
class OpenWeights:
    path: Path
    chosen: Chosen
    fit: Fit

    @property
    def notes(self) -> list[str]:
        """What is taken, replaced, left or converted, but for auxiliary heads."""
        return [*self.fit.notes, *conversion_notes(self.fit, self.chosen.found.part.tensors)]

    def values(self, name: str) -> np.ndarray:
        return self.chosen.found.part.tensors[name].values()

    def check_values(self) -> None:
        """Raises RequestError for NaN and infinity, with the first tensor that has them. Reads the whole file."""
        wrong = {name: n for name, n in self._counts_of_wrong() if n}
        if wrong:
            first, n = next(iter(wrong.items()))
            more = f", and in {count(len(wrong) - 1, 'more tensor')}" if len(wrong) > 1 else ""
            raise RequestError(
                f"{self.path} has values that are NaN or infinite: {n:,} in {first}{more}\n"
                "  they come from a training that diverged, or from a conversion; take an earlier checkpoint"
            )

    def _counts_of_wrong(self) -> Iterator[tuple[str, int]]:
        for name in self.fit.sources.values():
            values = self.values(name)
            if not np.isfinite(values).all():
                yield name, int(np.count_nonzero(~np.isfinite(values)))


def choose_weights(path: Path, arch: str, ours: Iterable[str], weights_key: str | None = None) -> Chosen:
    """Where in `path` the tensors of the names `ours` are. Raises RequestError or ForeignFile (exit code 2)."""
    with _naming(path):
        return choose(arch, ours, state_dicts(path), weights_key)


def fit_weights(path: Path, arch: str, shapes: Mapping[str, Shape], chosen: Chosen) -> OpenWeights:
    """What was chosen in `path`, for a network with tensors of these `shapes`. Raises RequestError."""
    with _naming(path):
        return OpenWeights(path, chosen, fit(arch, shapes, chosen))


def open_weights(path: Path, arch: str, shapes: Mapping[str, Shape], weights_key: str | None = None) -> OpenWeights:
    """Both."""
    return fit_weights(path, arch, shapes, choose_weights(path, arch, shapes, weights_key))


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Puts the file's name before the message of a RequestError."""
    try:
        yield
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from error
