"""The trained networks that a request names: their settings, weights and classes. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from inceptionctl.config.compose import Composer
from inceptionctl.config.overrides import flatten_overrides
from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.files import for_shell, from_here
from inceptionctl.models.weights.download import digest
from inceptionctl.models.weights.releases import Release, categories, release
from inceptionctl.planning.checks import cost_on_input
from inceptionctl.planning.weights import IMAGENET_CLASSES, classifier_weights, notes_on, with_resolved_weights
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.damage import read_result
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import MemberRecord
from inceptionctl.runs.records.result import Result


@dataclass(frozen=True, kw_only=True)
class TrainedNetwork:
    """`config`: settings that it is built from, with the input that it gets; `classes`: their names, or how many there
    are; `release`: whose weights it has, if they are released ones; `notes`: what to say about the weights."""

    config: Config
    record: MemberRecord
    classes: Sequence[str] | int
    release: Release | None = None
    notes: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        return self.classes if isinstance(self.classes, int) else len(self.classes)

    @property
    def class_names(self) -> list[str]:
        """As people read them; numbers where there are none."""
        if not isinstance(self.classes, int):
            return list(self.classes)
        return categories() if self.classes == IMAGENET_CLASSES else list(map(str, range(self.classes)))


def of_run(path: Path, weights: str, pixels: int | None = None) -> TrainedNetwork:
    """The network of a finished run with its `weights`: ema, raw, best-ema or best-raw. `pixels`: another side of its
    input. Raises RequestError for a folder without, and FileError for one that is damaged."""
    run = RunDir(path)
    config, result = read_config(run), _result(run)
    if not any(run.checkpoints.glob("step-*")):
        raise RequestError(f"run = {from_here(path)} has no weights any more: its checkpoints were removed")
    if weights.startswith("best-") and not result.best:
        raise RequestError(
            f"weights = {weights}: {from_here(path)} chose no checkpoint (train.keep_best = false)\n  give ema or raw"
        )
    config = with_pixels(config, pixels)
    record = MemberRecord(
        label=f"{config.arch.name} {path.name}",
        arch=config.arch.name,
        weights=weights,
        pixels=config.arch.pixels,
        run=str(path),
        identity=result.identity,
    )
    return TrainedNetwork(config=config, record=record, classes=result.classes)


def _result(run: RunDir) -> Result:
    here = from_here(run.path)
    if run.is_evaluation:
        raise RequestError(f"run = {here} is the folder of an evaluation, which has no network\n  name a run")
    if not run.finished:
        raise RequestError(
            f"run = {here} is not finished: train it on with `inceptionctl resume {for_shell(run.path)}`"
        )
    return read_result(run)


def of_weights(composer: Composer, arch: str, weights: str, key: str | None, words: Sequence[str]) -> TrainedNetwork:
    """The network `arch` with released weights or those of a file, as `weights_config` says. Raises RequestError and
    FileError."""
    config, entry = weights_config(composer, arch, weights, key, words)
    config = with_pixels(config, None)
    path = entry.cached if entry else Path(config.weights or "")
    n_classes, notes, taken, sha256 = IMAGENET_CLASSES, tuple[str, ...](), None, None
    if path:
        opened, n_classes = classifier_weights(config, path)
        notes, taken = tuple(notes_on(config, opened)), opened.chosen.key
        sha256 = None if entry else digest(path)
    record = MemberRecord(
        label=f"{config.arch.name} {entry.name if entry else path and path.name}",
        arch=config.arch.name,
        weights=config.weights or "",
        pixels=config.arch.pixels,
        sha256=sha256,
        weights_key=taken,
    )
    return TrainedNetwork(config=config, record=record, classes=n_classes, release=entry, notes=notes)


def weights_config(
    composer: Composer, arch: str, weights: str, key: str | None, words: Sequence[str]
) -> tuple[Config, Release | None]:
    """The settings of the network `arch` for these weights, and the release that they are, if they are one. `words`:
    arch=NAME and arch.KEY=VALUE. A release comes with the input and the epsilon that it was made for, unless `words`
    state them. Raises RequestError."""
    entry, typed = release(arch, weights), flatten_overrides(words)
    plain = ["scale=imagenet", "arch.aux.head=false", "loss.aux_weight=0"]
    stated = [f"{name}={value}" for name, value in made_for(entry).items() if name not in typed]
    config = parse(composer.compose("train", [*plain, *stated, *words]))
    return with_resolved_weights(replace(config, weights=weights, weights_key=key)), entry


def made_for(entry: Release | None) -> dict[str, str | float]:
    """The settings of the network that a release was trained with."""
    if entry is None:
        return {}
    return {"arch.input": entry.input} | ({"arch.bn_eps": entry.bn_eps} if entry.bn_eps else {})


def with_pixels(config: Config, pixels: int | None) -> Config:
    """`config` with an input of `pixels`, unless None, that fits the network. Raises RequestError."""
    if pixels is not None:
        config = replace(config, arch=replace(config.arch, pixels=pixels))
    cost_on_input(config, config.arch.spec(IMAGENET_CLASSES))
    return config
