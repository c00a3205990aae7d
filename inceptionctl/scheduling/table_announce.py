"""What is said of a table before its cells run."""

from __future__ import annotations

from rich.console import Console

from inceptionctl.data.inputs import describe_input
from inceptionctl.errors import count
from inceptionctl.planning.plan import Plan
from inceptionctl.report.statistics.sequential import planned
from inceptionctl.scheduling.downloads import announce_weights
from inceptionctl.scheduling.estimates import device_hours
from inceptionctl.scheduling.plan_state import plan_state
from inceptionctl.scheduling.table_declared import detectable_line
from inceptionctl.scheduling.table_plan import TablePlan
from inceptionctl.tables.manifest import setting
from inceptionctl.tables.scales import stated
from inceptionctl.terminal import print_warnings


def announce(table: TablePlan, console: Console) -> None:
    """Prints the setting, how many cells there are, and their warnings."""
    lines = [f"{table.table.name}: {setting(table.configs)}; {table.first.data.provenance}", _cells(table)]
    lines += [f"cache: {note}" for note in dict.fromkeys(map(_cache_note, table.runs.values())) if note]
    lines += [f"detects: {detectable_line(table)}"] if len(table.rows) > 1 else []
    lines += stated(table.table)
    lines += looks(table) + rates(table)
    inputs = (describe_input(config.arch.input, config.arch.pixels) for config in table.configs)
    lines += [f"input: {line}" for line in dict.fromkeys(inputs)]
    lines += [f"tuned: {row.config.tuned}" for row in table.rows if row.config.tuned]
    for line in lines:
        console.print(line)
    plans = table.runs.values()
    announce_weights(plans, console)
    warnings = sorted({warning for plan in plans for warning in (*plan.schedule_notes, *plan.warnings)})
    if table.paper is None and table.of_known_paper:
        warnings.append("the table's base fits no other scale: the report cannot list what differs from scale=imagenet")
    print_warnings(warnings, console)


def _cache_note(plan: Plan) -> str:
    return plan.config.data.cache_note(plan.data)


def looks(table: TablePlan) -> list[str]:
    """After how many seeds the results are looked at."""
    design = table.design
    if design.looks is None or design.max_seeds is None:
        return []
    seeds = ", ".join(f"{look.seeds}" for look in planned(design.looks, design.max_seeds))
    return [f"until resolved: looks after {seeds} seeds of each row, as early as every comparison is resolved"]


def rates(table: TablePlan) -> list[str]:
    """The learning rate that was chosen for each row, or how one will be."""
    tuning, chosen = table.design.tuning, table.design.rates
    if tuning is None:
        return []
    grid = ", ".join(f"{lr:g}" for lr in tuning.grid)
    if not chosen:
        to_run = tuning.to_run().values()
        missing = f"{len(to_run)} of {count(len(tuning.runs), 'run')} on the dev split to come"
        hours = f"about {sum(map(device_hours, to_run)):,.2f} device-hours (estimate)"
        return [f"learning rates: the best of {grid} for each row, {missing}, {hours}; until then shown as shared"]
    return [f"{row}: {choice}" for row, choice in chosen.items()]


def _cells(table: TablePlan) -> str:
    """How many cells are done; cells that share runs say how many runs that are. And how many runs have begun."""
    missing = table.missing()
    begun = sum(plan_state(table.runs[identity]).name == "to_continue" for identity in missing)
    to_run = sum(bool(missing.intersection(identities)) for identities in table.cells.values())
    runs = f" in {len(missing)} runs" if len(table.runs) != len(table.cells) else ""
    checkpoints = f"; {count(begun, 'run')} to continue from a checkpoint" if begun else ""
    return f"{len(table.cells)} cells: {len(table.cells) - to_run} done, {to_run} to run{runs}{checkpoints}"
