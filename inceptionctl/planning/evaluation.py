"""What a run is evaluated on, and how. No part of its identity: a trained run can be evaluated in another way."""

from __future__ import annotations

from dataclasses import asdict, replace

from inceptionctl.data.decode import decoder
from inceptionctl.files import MissingFileError
from inceptionctl.planning.plan import Plan
from inceptionctl.runs.damage import read_own_evaluation
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import ImageSet, ProtocolRecord
from inceptionctl.runs.records.result import Result


def image_set(plan: Plan) -> ImageSet:
    data = plan.config.data
    digest = plan.data.eval_fingerprint
    return ImageSet(name=data.eval_split, data=data.name, split=data.eval_split, blacklist=False, digest=digest)


def protocol(plan: Plan) -> ProtocolRecord:
    config, files = plan.config, plan.config.data.uses_transforms
    settings = asdict(config.protocol) if files else {}
    return ProtocolRecord(
        name=config.protocol.name,
        resize=config.arch.pixels if files else None,
        crop=settings.get("crop"),
        crops=1,
        interpolation=settings.get("interpolation"),
        averaging=None,
        decoder=decoder() if files else None,
    )


def is_evaluated(run: RunDir, result: Result, plan: Plan) -> bool:
    """Whether `run` has the evaluation that `plan` asks for, by whatever version of the decoder. Raises RecordError if
    it is damaged."""
    images, how = image_set(plan), protocol(plan)
    try:
        found = read_own_evaluation(run, result, run.evaluation(images.name, how.name, "ema"))
    except MissingFileError:
        return False
    same_images = found.image_set == images and found.n_images + found.unreadable == plan.data.n_eval
    return same_images and replace(found.protocol, decoder=how.decoder) == how
