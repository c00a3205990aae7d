"""`inceptionctl train`: one run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from inceptionctl.commands import report
from inceptionctl.config.help import Command
from inceptionctl.config.hydra_main import Request, run_hydra
from inceptionctl.config.idle import check_idle, check_one_run
from inceptionctl.config.label import typed_label
from inceptionctl.config.overrides import flatten_overrides
from inceptionctl.config.plan_flags import JSON, take
from inceptionctl.config.validate import parse
from inceptionctl.data.inputs import describe_input
from inceptionctl.errors import RequestError
from inceptionctl.files import from_here
from inceptionctl.planning.evaluation.records import protocol
from inceptionctl.planning.plan import Plan
from inceptionctl.planning.plan import plan as make_plan
from inceptionctl.report.comparison.tables import compare
from inceptionctl.runs.damage import read_result
from inceptionctl.scheduling.downloads import announce_weights
from inceptionctl.scheduling.placement import place, with_default_nproc
from inceptionctl.scheduling.plan_json import as_json
from inceptionctl.scheduling.plan_state import describe_state, plan_state
from inceptionctl.scheduling.preview import show_plans
from inceptionctl.scheduling.progress import summary
from inceptionctl.scheduling.run import label_of, run_one
from inceptionctl.scheduling.run_folders import check_run_dir, finished
from inceptionctl.terminal import console as make_console
from inceptionctl.terminal import print_warnings

TRAIN = Command(
    "train",
    "Trains one network and evaluates it: composes the settings, checks them, makes the run folder, starts the "
    "processes and writes result.json. The same command again finds the finished run, or continues an interrupted one.",
    (
        "inceptionctl train arch=inception_v3 seed=1",
        "inceptionctl train arch=inception_v2 'ablation=[label_smoothing,bn_auxiliary]'",
        "inceptionctl train scale=imagefolder data.root=IMAGES launch.nproc=4 --dry-run",
        "inceptionctl train -m seed=0,1,2",
    ),
    {JSON: "with --dry-run, print the plan as one JSON object, messages on the error stream"},
)


def main(argv: list[str]) -> int:
    flags, words = take(TRAIN.name, argv)
    if JSON in flags and {"-m", "--multirun"} & {*words}:
        raise RequestError(f"{JSON} prints the plan of one run: leave -m out")
    run_hydra(TRAIN, words, _plan, _run, _print_plan if JSON in flags else _preview, _finish)
    return 0


def _plan(request: Request) -> Plan:
    config, typed = parse(request.tree), flatten_overrides(request.overrides)
    check_idle([config], typed)
    check_one_run(typed)
    plan = replace(make_plan(config), label=typed_label(request.overrides))
    place({"": plan})
    if plan.config.run_dir:
        check_run_dir(Path(plan.config.run_dir), plan.identity)
    return plan


def _preview(plan: Plan) -> None:
    show_plans({label_of(plan): with_default_nproc(plan)}, make_console())


def _print_plan(plan: Plan) -> None:
    print(json.dumps(as_json(label_of(plan), with_default_nproc(plan)), indent=2, allow_nan=False))


def _run(plan: Plan) -> None:
    console, state = make_console(), plan_state(plan)
    if state.run and state.name == "done":
        console.print(f"already finished: {from_here(state.run.path)} (rerun=true runs it again)")
        console.print(summary(read_result(state.run)))
        return
    console.print(f"data: {plan.data.provenance}")
    if note := plan.config.data.cache_note(plan.data):
        console.print(f"cache: {note}")
    console.print(f"input: {describe_input(plan.config.arch.input, plan.config.arch.pixels)}")
    announce_weights([plan], console)
    if plan.config.tuned:
        console.print(f"tuned: {plan.config.tuned}")
    print_warnings([*plan.schedule_notes, *plan.warnings], console)
    if state.run and state.name == "to_continue":
        console.print(f"{from_here(state.run.path)}: {describe_state(state, plan)}")
    run_one(with_default_nproc(plan), console)


def _finish(plans: list[Plan]) -> None:
    """Ends a sweep with a table of its runs, which those that were submitted have not been part of."""
    runs = [run.path for plan in plans if (run := finished(plan))]
    ways = {(plan.config.data.eval_split, protocol(plan).name) for plan in plans}
    for found in compare(runs, Path(plans[0].config.outputs), ways) if len(runs) > 1 else ():
        report.show(found.folder)
