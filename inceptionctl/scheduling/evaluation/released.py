"""`eval table=released`: the evaluations that the table lacks and this machine can do, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.config.evaluation import EvalSettings
from inceptionctl.config.hydra_main import Request
from inceptionctl.config.keys import matches
from inceptionctl.config.overrides import parse
from inceptionctl.config.validate import parse_evaluation
from inceptionctl.errors import RequestError, count
from inceptionctl.planning.evaluation.plan import EvaluationPlan, plan_evaluation
from inceptionctl.report.released.asked import Asked
from inceptionctl.report.released.ours import N_VALIDATION
from inceptionctl.report.released.table import ReleasedTable, released_table

FOR_ALL = ("data", "launch", "outputs", "name", "batch_size", "rerun")  # settings that every evaluation of it gets
IMAGES = "data=imagenet_val"


@dataclass(frozen=True)
class ReleasedPlan:
    """`plans` of the evaluations that are missing and whose weights are here; `absent`: releases that are not;
    `folder`: where evaluations are kept."""

    settings: EvalSettings
    plans: tuple[EvaluationPlan, ...]
    absent: tuple[str, ...]
    folder: Path

    def table(self) -> ReleasedTable:
        return released_table(self.folder)

    @property
    def notes(self) -> list[str]:
        """What keeps evaluations from being done."""
        if self.settings.data.name != "imagenet_val":
            return [f"nothing is evaluated without ImageNet: {IMAGES} data.root=DIR names its validation images"]
        if not self.absent:
            return []
        listed = ", ".join(self.absent)
        return [f"not on this machine, and so left out: {count(len(self.absent), 'release')} ({listed})"]


def plan_released(request: Request) -> ReleasedPlan:
    """Raises RequestError for settings that the table fixes itself, and for images that are not all of them."""
    settings = parse_evaluation(request.tree)
    words = [one.input_line or "" for one in parse(request.overrides)]
    for one in parse(words):
        if not matches(one.key_or_group, FOR_ALL):
            raise RequestError(f"{one.input_line}: table=released chooses networks, weights and protocols itself")
    folder = Path(settings.outputs, settings.name)
    missing = released_table(folder).missing if settings.data.name == "imagenet_val" else []
    here = [one for one in missing if one.release.cached]
    absent = dict.fromkeys(one.release.name for one in missing if not one.release.cached)
    plans = tuple(_plan(one, words, request) for one in here)
    for plan in plans[:1]:
        _check_all_images(plan)
    return ReleasedPlan(settings, plans, tuple(absent), folder)


def _plan(asked: Asked, words: Sequence[str], request: Request) -> EvaluationPlan:
    own = [word for word in asked.command if word != IMAGES]
    return plan_evaluation(Request.compose("eval", [*own, *words], request.composer))


def _check_all_images(plan: EvaluationPlan) -> None:
    if plan.request.n_images != N_VALIDATION:
        raise RequestError(
            f"table=released compares figures of all {N_VALIDATION:,} validation images, and "
            f"{plan.request.image_set.root} has {plan.request.n_images:,}"
        )
