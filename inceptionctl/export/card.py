"""The model card: README.md as the Hugging Face Hub reads it, with its header. What is not known is not written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import PurePath
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCardData
from jinja2 import Environment, PackageLoader, StrictUndefined

from inceptionctl.export.compare import Comparison
from inceptionctl.export.evaluated import Evaluated, evaluations_of
from inceptionctl.export.trained import Trained
from inceptionctl.files import MissingFileError
from inceptionctl.models.spec.cost import cost
from inceptionctl.models.zoo.registry import architecture, has_heads
from inceptionctl.report.evaluation.sentences import interval
from inceptionctl.runs.damage import read_result
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.process import Environment as Machine
from inceptionctl.runs.records.result import Result

SECTIONS = ("arch", "augment", "optim", "schedule", "loss", "train", "protocol")  # none of them has a path
WEIGHTS = {
    "ema": "ema, the exponential moving average at the last step",
    "raw": "raw, those of the last step",
    "best-ema": "best-ema, the exponential moving average at the checkpoint with the lowest error on the dev split",
    "best-raw": "best-raw, those of the checkpoint with the lowest error on the dev split",
}
EVALUATION = "image-classification"  # of the Hub's tasks


@dataclass(frozen=True)
class Provenance:
    """How the weights came about: of a run, what its folder says."""

    result: Result
    machine: Machine | None
    evaluations: Sequence[Evaluated]

    @classmethod
    def of(cls, run: RunDir, weights: str) -> Provenance:
        try:
            machine = read_record(run.env, Machine)
        except MissingFileError:  # of a run that was copied without it
            machine = None
        return cls(read_result(run), machine, [*evaluations_of(run, weights)])


def card(trained: Trained, header: str, usage: str, comparison: Comparison, images: str) -> str:
    """Markdown. `usage`: of the format; `images`: what the two networks were compared on."""
    found, how = provenance(trained), trained.preprocessing
    return (
        _templates()
        .get_template("README.md.j2")
        .render(
            header=header,
            trained=trained,
            weights=WEIGHTS.get(trained.weights, trained.weights),
            about=architecture(trained.arch.name).about,
            changed=", ".join(f"`{key} = {value}`" for key, value in trained.changed.items()),
            cost=cost(trained.spec, (how.pixels, how.pixels)),
            has_heads=has_heads(trained.spec),
            how=how,
            side=math.floor(how.pixels / how.crop_pct),
            usage=usage,
            comparison=comparison,
            images=images,
            found=found,
            shared=found and any(one.top1.n_groups < one.top1.n_images for one in found.evaluations),
            settings=_settings(trained),
            source=_source(trained),
            data=trained.config.data.shown_title,
            version=version("inceptionctl"),
        )
    )


def provenance(trained: Trained) -> Provenance | None:
    """None for weights of no run."""
    return Provenance.of(trained.run, trained.weights) if trained.run else None


def header(trained: Trained, name: str, library: str, license: str | None) -> str:
    """YAML, by the Hub's own library. `name` and `library`: of the format; `license`: of the weights, as the Hub calls
    it, None where it is not known."""
    found = provenance(trained)
    results = [result for one in found.evaluations for result in _results(one)] if found else []
    data = ModelCardData(
        license=license,
        library_name=library,
        pipeline_tag=EVALUATION,
        tags=list(dict.fromkeys([EVALUATION, "inceptionctl", trained.arch.name, name])),
        datasets=trained.config.data.hub_id if found else None,
        metrics=["accuracy"] if results else None,
        model_name=f"{trained.arch.name} {found.result.identity}" if results and found else None,
        eval_results=results or None,
    )
    return str(data.to_yaml()).strip()


def _results(one: Evaluated) -> list[EvalResult]:
    shares = {"Top-1": one.top1, "Top-5": one.top5}
    return [
        EvalResult(
            task_type=EVALUATION,
            dataset_type=one.record.image_set.data,
            dataset_name=f"{one.images}, {one.protocol}",
            dataset_split=one.record.image_set.split,
            metric_type="accuracy",
            metric_name=f"{top} accuracy",
            metric_value=round(1 - share.percent / 100, 6),
        )
        for top, share in shares.items()
        if share
    ]


def _settings(trained: Trained) -> str:
    """Of the training, as YAML."""
    tree = asdict(trained.config)
    sections = SECTIONS if trained.run else ("arch",)
    rewrites: Mapping[str, Any] = tree["arch"]["rewrites"]
    tree["arch"]["rewrites"] = {name: value for name, value in rewrites.items() if value not in (None, False)}
    chosen = ({"seed": tree["seed"]} if trained.run else {}) | {name: tree[name] for name in sections}
    return yaml.safe_dump(chosen, sort_keys=False).strip()


def _source(trained: Trained) -> str:
    """The weights that a run started from, or that are exported as they are; "" for those of no file."""
    weights = trained.config.weights
    sha256 = trained.config.resolved.weights_sha256 if trained.run else trained.sha256
    return "" if not weights else f"{PurePath(weights).name}, SHA-256 {sha256}" if sha256 else weights


def _templates() -> Environment:
    found = Environment(
        loader=PackageLoader("inceptionctl.export"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )  # fmt: skip  Markdown
    found.filters["interval"] = interval
    found.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    return found
