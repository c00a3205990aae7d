"""`inceptionctl eval`: trained networks on labelled images, by a protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from inceptionctl.arguments import check_output_file
from inceptionctl.config.evaluation_flags import DRAW, JSON, LIST, RELEASED, TABLE, take
from inceptionctl.config.help import Command
from inceptionctl.config.hydra_main import Request, run_hydra
from inceptionctl.config.launch import Slurm
from inceptionctl.config.overrides import flatten_overrides
from inceptionctl.config.validate import parse_evaluation
from inceptionctl.config.words import typed_path
from inceptionctl.errors import DataError, RequestError, warn
from inceptionctl.evaluation.protocols import ProtocolSettings
from inceptionctl.files import from_here
from inceptionctl.planning.evaluation.checks import check_launch_typed
from inceptionctl.planning.evaluation.plan import EvaluationPlan, plan_evaluation
from inceptionctl.scheduling.evaluation.folders import finished
from inceptionctl.scheduling.evaluation.preview import show_evaluation
from inceptionctl.scheduling.evaluation.released import ReleasedPlan, plan_released
from inceptionctl.scheduling.evaluation.result import EvaluationResult
from inceptionctl.scheduling.evaluation.run import place, run_evaluation, submit_evaluation
from inceptionctl.terminal import console as make_console

EVAL = Command(
    "eval",
    "Evaluates trained networks on labelled images: a run, an ensemble of runs, released weights or a file of weights. "
    "Of a run, the images and the protocol are its own unless others are named. Prints the errors with 95 % intervals "
    "and keeps a record; an evaluation that is finished is found, not repeated.",
    (
        "inceptionctl eval run=outputs/train/RUN protocol=crops10",
        "inceptionctl eval 'run=[RUN_A,RUN_B,RUN_C]' data.root=PHOTOGRAPHS details=true",
        "inceptionctl eval arch=inception_v3 weights=timm data=imagenet_val data.root=VAL images.leave_out=blacklist",
        "inceptionctl eval protocol=crops144 --list-crops IMAGE.jpg --draw-crops crops.png",
    ),
    {
        f"{LIST} IMAGE": "print the crops that the protocol takes of an image, and evaluate nothing",
        f"{DRAW} FILE.png": "draw them, too",
        f"{TABLE}={RELEASED}": "the published figures of released weights beside ours; with data=imagenet_val "
        "data.root=DIR those that are missing are evaluated, of weights that are on this machine",
        JSON: "print one JSON object, and messages on the error stream",
    },
)


@dataclass(frozen=True)
class Shown:
    """What goes to the standard output: text, or JSON alone."""

    as_json: bool

    @property
    def console(self) -> Console:
        return make_console(stderr=self.as_json)

    def print(self, entry: Mapping[str, Any]) -> None:
        if self.as_json:
            print(json.dumps(entry, indent=2, allow_nan=False))


def main(argv: list[str]) -> int:
    flags, words = take(argv)
    shown = Shown(JSON in flags)
    if LIST in flags:
        show = partial(_show_crops, shown, Path(flags[LIST]), flags.get(DRAW))
        run_hydra(EVAL, words, _crops, show, show)
    elif TABLE in flags:
        run_hydra(EVAL, words, _plan_table, partial(_run_table, shown), partial(_preview_table, shown))
    else:
        run_hydra(EVAL, words, _plan, partial(_run, shown), partial(_preview, shown))
    return 0


def _plan(request: Request) -> EvaluationPlan:
    check_launch_typed(flatten_overrides(request.overrides))
    plan = plan_evaluation(request)
    place(plan)
    return plan


def _preview(shown: Shown, plan: EvaluationPlan) -> None:
    shown.print(show_evaluation(plan, shown.console))


def _plan_table(request: Request) -> ReleasedPlan:
    check_launch_typed(flatten_overrides(request.overrides))
    plan = plan_released(request)
    for one in plan.plans[:1]:
        place(one)
    return plan


def _preview_table(shown: Shown, plan: ReleasedPlan) -> None:
    for one in plan.plans:
        show_evaluation(one, shown.console)
    _show_table(shown, plan)


def _run_table(shown: Shown, plan: ReleasedPlan) -> None:
    for one in plan.plans:
        _record_of(shown, one)
    _show_table(shown, plan)


def _show_table(shown: Shown, plan: ReleasedPlan) -> None:
    from inceptionctl.report.released.text import document, table_text  # SciPy takes longer to import than all else
    from inceptionctl.report.render import terminal

    table, console = plan.table(), shown.console
    terminal.show(table_text(table), console)
    for note in plan.notes:
        console.print(note)
    shown.print(document(table))


def _run(shown: Shown, plan: EvaluationPlan) -> None:
    if not (found := _record_of(shown, plan)):
        return
    result, console = EvaluationResult(found, plan), shown.console
    result.show(console)
    details = result.write_details(console) if plan.settings.details else []
    shown.print(result.as_json() | {"details": list(map(str, details))})


def _record_of(shown: Shown, plan: EvaluationPlan) -> Path | None:
    """The record of the evaluation, found or made; None if it was submitted."""
    console, found = shown.console, None if plan.settings.rerun else finished(plan)
    if found:
        console.print(f"already evaluated: {from_here(found)} (rerun=true does it again)")
        return found
    _announce(plan, console)
    if isinstance(plan.config.launch, Slurm):
        submit_evaluation(plan, console)
        return None
    return run_evaluation(plan, console)


def _announce(plan: EvaluationPlan, console: Console) -> None:
    console.print(f"data: {plan.index.provenance}")
    if note := plan.config.data.cache_note(plan.index):
        console.print(f"cache: {note}")
    for each in plan.networks:
        for line in each.notes:
            console.print(f"weights: {line}")


@dataclass(frozen=True)
class Crops:
    """A protocol and the input that it is for."""

    protocol: ProtocolSettings
    pixels: int


def _crops(request: Request) -> Crops:
    """No network is needed, only the size of its input."""
    settings, typed = parse_evaluation(request.tree), flatten_overrides(request.overrides)
    others = [key for key in typed if key.partition(".")[0] not in ("arch", "protocol")]
    if others:
        raise RequestError(f"{others[0]} has no effect on {LIST}, which reads arch and protocol alone\n  leave it out")
    settings.protocol.check(settings.arch.pixels, settings.arch.name)
    return Crops(settings.protocol, settings.arch.pixels)


def _show_crops(shown: Shown, image: Path, drawing: str | None, crops: Crops) -> None:
    from inceptionctl.describe.crops import draw_crops, list_crops

    path = Path(typed_path(DRAW, drawing)) if drawing is not None else None
    if path:
        check_output_file(DRAW, path, ".png")
    try:
        found = list_crops(crops.protocol, image, crops.pixels)
    except DataError as error:
        raise RequestError(f"{LIST}: {error}") from error
    for line in found.lines():
        shown.console.print(line)
    shown.print(found.as_json())
    if path:
        draw_crops(crops.protocol, image, crops.pixels, path)
        warn(f"drawn: {from_here(path)}")
