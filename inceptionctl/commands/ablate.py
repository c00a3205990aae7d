"""`inceptionctl ablate`: a paper's table. Every row x seed is a cell; finished cells are found and skipped."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from inceptionctl.commands import report
from inceptionctl.config.compose import Tree, compose, run_hydra
from inceptionctl.config.schema import Slurm
from inceptionctl.config.validate import parse, parse_as
from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.planning.plan import Plan, plan
from inceptionctl.runs.paths import RunDir
from inceptionctl.scheduling.cells import attempts, check_uneven, finished, needs_run, work
from inceptionctl.scheduling.preview import show_plan
from inceptionctl.scheduling.submit import submit_many
from inceptionctl.tables import manifest as ledger
from inceptionctl.tables.ladder import Rung, Table, resolve_rows, seeds_of


@dataclass(frozen=True)
class Job:
    """A table to fill: its rungs, and the plan of every cell by (row label, seed)."""

    table: Table
    rungs: list[Rung]
    cells: dict[tuple[str, int], Plan]
    overrides: list[str]

    @property
    def folder(self) -> Path:
        config = self.rungs[0].config
        return Path(config.outputs) / config.name


def main(argv: list[str]) -> int:
    dry = "--dry-run" in argv
    words = [word for word in argv if word != "--dry-run"]
    run_hydra("ablate", words, _job, lambda tree, overrides: _run(_job(tree, overrides), dry))
    return 0


def _job(tree: Tree, overrides: Sequence[str]) -> Job:
    table, seeds = parse_as(Table, tree["table"]), seeds_of(tree["seeds"])
    rungs = resolve_rows(table, overrides)
    if rungs[0].config.run_dir:
        raise RequestError(
            "run_dir is for one run: a table makes a folder for each cell (name= and outputs= choose where)"
        )
    first = {rung.row.label: plan(replace(rung.config, seed=seeds[0])) for rung in rungs}
    cells = {(label, seed): made.with_seed(seed) for label, made in first.items() for seed in seeds}
    check_uneven({_label(*key): made for key, made in cells.items()})
    return Job(table, rungs, cells, list(overrides))


def _run(job: Job, dry: bool) -> None:
    console = Console()
    if dry:
        _show_differences(job, console)
        show_plan({_label(*key): made for key, made in _seeds_first(job).items()}, console, job.folder)
        return
    todo = {_label(*key): made for key, made in _seeds_first(job).items() if needs_run(made)}
    _announce(job, len(todo), console)
    if todo and isinstance(job.rungs[0].config.launch, Slurm):
        submit_many(todo, job.table.name, job.folder, console)
        _write_ledger(job, failed=set())
        return
    _write_ledger(job, failed=set())  # for whoever looks meanwhile
    codes: dict[str, int] = {}
    try:
        codes = work(todo, console) if todo else {}
    finally:
        _write_ledger(job, failed={label for label, code in codes.items() if code})
    report.show(job.folder)
    if failed := [label for label, code in codes.items() if code]:
        raise InceptionctlError(f"{len(failed)} of {len(job.cells)} cells failed: {', '.join(failed)} (logs above)")


def _label(row: str, seed: int) -> str:
    return f"{row}, seed {seed}"


def _seeds_first(job: Job) -> dict[tuple[str, int], Plan]:
    """Every row once before any row twice: an interrupted table is then whole, if less sure."""
    return dict(sorted(job.cells.items(), key=lambda item: item[0][1]))


def _announce(job: Job, todo: int, console: Console) -> None:
    made = next(iter(job.cells.values()))
    console.print(
        f"{job.table.name}: {ledger.setting([rung.config for rung in job.rungs])}; {made.data.origin}",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"{len(job.cells)} cells, {len(job.cells) - todo} done before, {todo} to run", highlight=False)
    for warning in sorted({warning for cell in job.cells.values() for warning in cell.warnings}):
        console.print(f"[yellow]warning[/] {warning}", highlight=False, soft_wrap=True)


def _show_differences(job: Job, console: Console) -> None:
    for rung in job.rungs:
        changes = ", ".join(f"{key}: {before} -> {now}" for key, (before, now) in rung.changed.items())
        console.print(
            f"row       {rung.row.label}: {changes or 'the base'}", highlight=False, soft_wrap=True, markup=False
        )


def _write_ledger(job: Job, failed: set[str]) -> None:
    rows = []
    for rung in job.rungs:
        cells = {seed: made for (label, seed), made in job.cells.items() if label == rung.row.label}
        any_plan = next(iter(cells.values()))
        rows.append(
            ledger.LedgerRow(
                label=rung.row.label,
                cell=rung.row.cell,
                against=rung.row.against,
                switch=rung.row.add,
                cost=any_plan.cost,
                full=any_plan.full,
                runs={seed: _run_of(made) for seed, made in cells.items()},
                identities={seed: made.identity for seed, made in cells.items()},
                failed={seed for seed in cells if _label(rung.row.label, seed) in failed},
            )
        )
    paper = parse(compose("train", [*job.table.base, "scale=imagenet"]))
    command = shlex.join(["inceptionctl", "ablate", *job.overrides])
    classes = len(next(iter(job.cells.values())).data.classes)
    ledger.write(job.folder, job.table, [rung.config for rung in job.rungs], command, classes, rows, paper)


def _run_of(made: Plan) -> RunDir | None:
    """The finished run of a cell, or its last attempt, whose log may say why it is not."""
    tried = attempts(made)
    return finished(made) or (tried[-1] if tried else None)
