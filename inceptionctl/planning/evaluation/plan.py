"""From what was typed after `eval` to an evaluation: networks, images with their labels, protocol. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from inceptionctl.config.evaluation import EvalSettings
from inceptionctl.config.hydra_main import Request
from inceptionctl.config.identity import digest_of
from inceptionctl.config.keys import matches
from inceptionctl.config.overrides import flatten_overrides, parse
from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse_evaluation
from inceptionctl.data.images import DataSource
from inceptionctl.data.index import Index
from inceptionctl.errors import RequestError
from inceptionctl.evaluation.protocols import ProtocolSettings
from inceptionctl.models.spec.cost import Cost
from inceptionctl.planning.checks import cost_on_input
from inceptionctl.planning.evaluation.checks import Typed, check_classes, check_typed
from inceptionctl.planning.evaluation.images import images_of
from inceptionctl.planning.evaluation.preprocessing import preprocessing
from inceptionctl.planning.evaluation.records import protocol_record
from inceptionctl.planning.networks import TrainedNetwork, of_run, of_weights
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRequest, ImageSet, ProtocolRecord


@dataclass(frozen=True, kw_only=True)
class EvaluationPlan:
    """`config`: as the evaluation's folder keeps it; `index`: the images with labels that are class indices of the
    networks; `settings`: as they were typed."""

    settings: EvalSettings
    config: Config
    networks: tuple[TrainedNetwork, ...]
    index: Index
    request: EvaluationRequest

    @property
    def identity(self) -> str:
        return self.request.identity

    @property
    def run(self) -> RunDir | None:
        """The run that is evaluated, if it is a single one."""
        runs = [member.run for member in self.request.members if member.run]
        return RunDir(Path(runs[0])) if len(self.networks) == 1 and runs else None

    @property
    def label(self) -> str:
        """How messages name it."""
        members = self.request.members
        what = members[0].label if len(members) == 1 else f"ensemble of {len(members)}"
        return f"{what}, {self.request.protocol.name}"

    @cached_property
    def costs(self) -> list[Cost]:
        """Of one view, by network."""
        return [cost_on_input(each.config, each.config.arch.spec(each.n_classes)) for each in self.networks]


def plan_evaluation(request: Request) -> EvaluationPlan:
    """Raises RequestError for what cannot be evaluated, and FileError for damaged files."""
    settings, typed = parse_evaluation(request.tree), flatten_overrides(request.overrides)
    check_typed(settings, typed)
    networks = tuple(_networks(settings, typed, request))
    return _plan(settings, typed, networks, _protocol(settings, typed, networks, request))


def plan_of_runs(settings: EvalSettings, runs: Sequence[RunDir], protocol: ProtocolSettings) -> EvaluationPlan:
    """Of finished runs on their own images; several are an ensemble. Raises as `plan_evaluation` does."""
    networks = tuple(of_run(run.path, settings.weights or "ema") for run in runs)
    return _plan(replace(settings, run=[str(run.path) for run in runs]), {}, networks, protocol)


def _plan(
    settings: EvalSettings, typed: Typed, networks: tuple[TrainedNetwork, ...], protocol: ProtocolSettings
) -> EvaluationPlan:
    check_classes(networks)
    data, index, images = images_of(settings, typed, networks)
    first = networks[0].config
    pixels = {each.record.pixels for each in networks}
    how = protocol_record(protocol, data, *(pixels if len(pixels) == 1 else [None]))
    for each in networks:
        protocol.check(each.record.pixels, each.config.arch.name)
    asked = EvaluationRequest(
        identity=_identity(networks, images, how),
        members=[each.record for each in networks],
        image_set=images,
        protocol=how,
        classes=networks[0].class_names,
        n_images=index.n_eval,
        on_unreadable=_policy(data),
        batch_size=settings.batch_size,
        probabilities=settings.probabilities,
    )
    config = replace(
        first, data=data, protocol=protocol, launch=settings.launch, outputs=settings.outputs, name=settings.name
    )
    return EvaluationPlan(settings=settings, config=config, networks=networks, index=index, request=asked)


def _networks(settings: EvalSettings, typed: Typed, request: Request) -> Iterator[TrainedNetwork]:
    pixels = settings.arch.pixels if "arch.pixels" in typed else None
    for run in settings.run or ():
        yield of_run(Path(run), settings.weights or "ema", pixels)
    if not settings.run:
        words = [one.input_line or "" for one in parse(request.overrides) if matches(one.key_or_group, ["arch"])]
        weights = settings.weights or ""
        yield of_weights(request.composer, settings.arch.name, weights, settings.weights_key, words)


def _protocol(
    settings: EvalSettings, typed: Typed, networks: Sequence[TrainedNetwork], request: Request
) -> ProtocolSettings:
    """As typed; otherwise a run's own, or that of the release."""
    if any(matches(key, ["protocol"]) for key in typed):
        return settings.protocol
    if networks[0].record.run:
        return _agreed_protocol(networks)
    if networks[0].release and (extra := preprocessing(networks[0].release)):
        tree = request.composer.compose("eval", [*request.overrides, *extra])
        return parse_evaluation(tree).protocol
    return settings.protocol


def _agreed_protocol(networks: Sequence[TrainedNetwork]) -> ProtocolSettings:
    first, *others = networks
    for other in others:
        if other.config.protocol != first.config.protocol:
            raise RequestError(
                f"{first.record.label} and {other.record.label} have other protocols of their own "
                f"({first.config.protocol.name}, {other.config.protocol.name}): name one, such as protocol=single"
            )
    return first.config.protocol


def _policy(data: DataSource) -> Any:  # noqa: ANN401  one of three words
    policy = getattr(data, "on_corrupt", "error")
    return "skip" if policy == "replace" else policy


def _identity(networks: Sequence[TrainedNetwork], images: ImageSet, protocol: ProtocolRecord) -> str:
    """Equal where two evaluations ask the same of the same networks."""
    members = [
        {
            **{key: value for key, value in asdict(each.record).items() if key not in ("run", "label")},
            "arch": None if each.record.run else asdict(each.config.arch),
        }
        for each in networks
    ]
    where = asdict(images) | {"name": None, "root": None}
    how = asdict(protocol.without_versions)
    del how["resizer"]  # which evaluations before it did not state: their identities hold
    return digest_of([members, where, how])[:12]
