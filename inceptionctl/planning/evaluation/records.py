"""What is evaluated on, and how, as records state it. No part of a run's identity: a trained run can be evaluated in
another way."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from inceptionctl.config.identity import digest_of
from inceptionctl.config.schema import Config
from inceptionctl.data.decode import decoder
from inceptionctl.data.images import DataSource
from inceptionctl.data.index import Index
from inceptionctl.evaluation.protocols import PROTOCOLS, ProtocolSettings
from inceptionctl.evaluation.render import resizer
from inceptionctl.files import MissingFileError
from inceptionctl.planning.plan import Plan
from inceptionctl.runs.damage import read_own_evaluation, read_result
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import (
    EvaluationRecord,
    EvaluationRequest,
    ImageSet,
    MemberRecord,
    ProtocolRecord,
)
from inceptionctl.runs.records.result import Result
from inceptionctl.yaml_files import read_yaml

DIGITS = 6  # of the digest of an image set, or of changed settings of a protocol, in the names of files


def image_set(plan: Plan) -> ImageSet:
    """The images that a run is evaluated on when it is trained."""
    data, index = plan.config.data, plan.data
    return _image_set(data, index, data.image_set)


def chosen_image_set(data: DataSource, index: Index, blacklist: bool, labels: str) -> ImageSet:
    """Any images to evaluate on; their name has the folder's, and a digest over paths, labels and sizes."""
    digest = index.eval_fingerprint
    if digest is None:
        return _image_set(data, index, f"{data.name}-{data.image_set}")
    folder = re.sub(r"[^\w-]+", "-", Path(index.files["eval"].root).name, flags=re.ASCII).strip("-")
    found = _image_set(data, index, "-".join(filter(None, [data.name, folder[:40], digest[:DIGITS]])))
    return replace(found, blacklist=blacklist, labels=labels)  # type: ignore[arg-type]


def _image_set(data: DataSource, index: Index, name: str) -> ImageSet:
    found = index.files.get("eval")
    return ImageSet(
        name=name,
        data=data.name,
        split=data.eval_split,
        blacklist=False,
        digest=index.eval_fingerprint,
        root=found.root if found else None,
    )


def protocol(plan: Plan) -> ProtocolRecord:
    """How a run is evaluated when it is trained."""
    config = plan.config
    return protocol_record(config.protocol, config.data, config.arch.pixels)


def protocol_record(settings: ProtocolSettings, data: DataSource, pixels: int | None) -> ProtocolRecord:
    """Of images of `data`. `pixels`: the network's input, None for several."""
    values = _sized(settings, pixels)
    return ProtocolRecord(
        name=label(settings, pixels),
        resize=pixels,
        crop=values.get("crop"),
        crops=settings.num_views,
        interpolation=settings.interpolation,
        averaging=settings.averaging,
        decoder=None if data.drawn else decoder(),
        resizer=resizer(),
        settings=values,
    )


def label(settings: ProtocolSettings, pixels: int | None) -> str:
    """The protocol in the name of a file: the option of conf/protocol that does the same, otherwise its own name with a
    digest of its settings."""
    values = _sized(settings, pixels)
    found = (option for option, usual in options().items() if _sized(usual, pixels) == values)
    return next(found, f"{settings.name}-{digest_of(values)[:DIGITS]}")


def _sized(settings: ProtocolSettings, pixels: int | None) -> dict[str, Any]:
    """Its settings, with the sizes that an input of `pixels` has in place of null."""
    return asdict(settings.with_sizes(pixels) if pixels else settings)


@cache
def options() -> dict[str, ProtocolSettings]:
    """The options of conf/protocol."""
    folder = Path(str(files("inceptionctl.conf").joinpath("protocol")))
    options = {path.stem: _values(path) for path in sorted(folder.glob("*.yaml"))}
    return {option: PROTOCOLS[values["name"]](**values) for option, values in options.items()}


def _values(path: Path) -> dict[str, Any]:
    """Of an option, with those of the options that it names as its defaults."""
    found = read_yaml(path)
    assert isinstance(found, dict), path
    values: dict[str, Any] = {}
    for option in found.pop("defaults", []):
        values |= _values(path.with_name(f"{option}.yaml"))
    return values | found


def is_evaluated(run: RunDir, result: Result, plan: Plan) -> bool:
    """Whether `run` has the evaluation that `plan` asks for, by whatever version of the decoder. Raises RecordError if
    it is damaged."""
    images, how = image_set(plan), protocol(plan)
    for name in dict.fromkeys((how.name, plan.config.protocol.name)):  # the latter: of older records
        try:
            found = read_own_evaluation(run, result, run.evaluation(images.name, name, "ema"))
        except MissingFileError:
            continue
        if is_same(found, images, how, plan.data.n_eval):
            return True
    return False


def find_evaluation(run: RunDir, request: EvaluationRequest, weights: str) -> Path | None:
    """The file of a finished evaluation of these weights of a run that answers the request; None if there is none.
    Raises RecordError if one that may be it is damaged."""
    result = read_result(run)
    for listed in (one for one in result.evaluations if one.weights == weights):
        if answers(read_own_evaluation(run, result, run.path / listed.file), request):
            return run.path / listed.file
    return None


def find_of_member(member: MemberRecord, request: EvaluationRequest, config: Config) -> Path | None:
    """The file of a member's own evaluation, of the images and by the protocol of an ensemble's `request`, in its run
    folder. `config`: of the ensemble. Raises RecordError if one that may be it is damaged."""
    how = protocol_record(config.protocol, config.data, member.pixels)
    alone = replace(request, protocol=how)
    return find_evaluation(RunDir(Path(member.run)), alone, member.weights) if member.run else None


def answers(found: EvaluationRecord, request: EvaluationRequest) -> bool:
    """Whether an evaluation, of the right networks, is what the request asks for."""
    policy = {"skip": "left out", "wrong": "wrong"}.get(request.on_unreadable)
    treated = not found.unreadable or found.unreadable_as == policy
    return treated and is_same(found, request.image_set, request.protocol, request.n_images)


def is_same(found: EvaluationRecord, images: ImageSet, how: ProtocolRecord, n_images: int) -> bool:
    """Whether an evaluation is of these images, `n_images` in number, and by this protocol. Where the folder of the
    images lies, what the set is called, and the versions of decoder and resizer do not count."""
    if not found.protocol.settings:  # of digits, or of an older record
        how = replace(how, settings={}, name=found.protocol.name)
    same_protocol = found.protocol.without_versions == how.without_versions
    same_images = replace(found.image_set, root=images.root, name=images.name) == images
    left_out = found.unreadable if found.unreadable_as == "left out" else 0
    return same_images and same_protocol and found.n_images + left_out == n_images
