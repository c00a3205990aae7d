"""`inceptionctl train`: one run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from inceptionctl.config.compose import Tree, run_hydra
from inceptionctl.config.schema import Local, Slurm
from inceptionctl.config.validate import parse
from inceptionctl.errors import InceptionctlError, Interrupted
from inceptionctl.planning.plan import Plan, plan
from inceptionctl.runs.paths import RunDir, read_json
from inceptionctl.scheduling.cells import check_foreign, check_uneven, finished, needs_run, with_default_nproc, work
from inceptionctl.scheduling.preview import show_plan
from inceptionctl.scheduling.progress import summary
from inceptionctl.scheduling.submit import submit_one


def main(argv: list[str]) -> int:
    dry = "--dry-run" in argv
    run_hydra("train", [word for word in argv if word != "--dry-run"], _checked, lambda tree, _: _run(tree, dry))
    return 0


def _checked(tree: Tree, _: Sequence[str]) -> Plan:
    made = plan(parse(tree))
    check_uneven({"": made})
    if made.config.run_dir:
        check_foreign(Path(made.config.run_dir), made.identity)
    return made


def _run(tree: Tree, dry: bool) -> None:
    console, made = Console(), plan(parse(tree))
    made = with_default_nproc(made) if isinstance(made.config.launch, Local) else made
    if dry:
        show_plan({f"{made.config.arch.name} seed {made.config.seed}": made}, console)
        return
    if (done := finished(made)) and not needs_run(made):
        console.print(f"finished before: {done.path} (rerun=true runs it again)", soft_wrap=True)
        _print_result(done, console)
        return
    console.print(f"data: {made.data.origin}", highlight=False, soft_wrap=True)
    for warning in made.warnings:
        console.print(f"[yellow]warning[/] {warning}", highlight=False, soft_wrap=True)
    train_one(f"{made.config.arch.name} seed {made.config.seed}", made, console)


def train_one(label: str, made: Plan, console: Console) -> None:
    """Runs the plan to its end, or submits it. Raises InceptionctlError, with the log's path, if the worker fails."""
    if isinstance(made.config.launch, Slurm):
        submit_one(label, made, console)
        return
    codes = work({label: made}, console)
    if codes[label] == Interrupted.exit_code:
        raise Interrupted("the worker was told to stop; continue with the same command")
    if codes[label]:
        raise InceptionctlError("the run failed: its log says why")
    if done := finished(made):
        console.print(f"run folder: {done.path}", soft_wrap=True)


def _print_result(run: RunDir, console: Console) -> None:
    console.print(summary(read_json(run.result)), highlight=False, soft_wrap=True)
