"""The evaluations of a table's cells beside those that end training: by another protocol, and of ensembles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from inceptionctl.config.evaluation import EvalSettings
from inceptionctl.config.validate import parse_evaluation
from inceptionctl.errors import RequestError, count, warn
from inceptionctl.evaluation.protocols import ProtocolSettings
from inceptionctl.files import FileError
from inceptionctl.planning.evaluation.plan import EvaluationPlan, plan_of_runs
from inceptionctl.planning.evaluation.records import label as protocol_label
from inceptionctl.planning.evaluation.records import protocol as own_protocol
from inceptionctl.planning.plan import Plan
from inceptionctl.runs.evaluation_index import EvaluationIndex, EvaluationKey
from inceptionctl.runs.evaluations import has_probabilities, read_evaluation
from inceptionctl.runs.find import RunIndex
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.table import cell_label
from inceptionctl.scheduling.run_folders import finished, trained
from inceptionctl.scheduling.table_plan import TablePlan
from inceptionctl.tables.ladder import ResolvedRow


@dataclass(frozen=True, kw_only=True)
class CellEvaluation:
    """`label`: of the first cell that needs it; `plans`: of its runs, several for an ensemble; `of_members`: the
    evaluations of an ensemble's runs by themselves, whose stored probabilities it averages; `stored`: whether those of
    this one are needed so."""

    key: EvaluationKey
    label: str
    protocol: ProtocolSettings
    plans: tuple[Plan, ...]
    of_members: tuple[CellEvaluation, ...] = ()
    stored: bool = False

    @property
    def forward_passes(self) -> int:
        """Images times views; none for an ensemble."""
        return 0 if self.of_members else self.plans[0].data.n_eval * self.protocol.num_views


@dataclass(frozen=True, kw_only=True)
class TableEvaluations:
    """Those that a table needs: of single runs, then of ensembles. `missing`: those that are not finished."""

    singles: tuple[CellEvaluation, ...]
    ensembles: tuple[CellEvaluation, ...]
    missing: frozenset[EvaluationKey]

    @property
    def all(self) -> list[CellEvaluation]:
        return [*self.singles, *self.ensembles]

    @property
    def to_do(self) -> list[CellEvaluation]:
        """With those of single runs that only an ensemble that is missing needs."""
        return [one for one in self.all if one.key in self.missing]


def evaluations_of(table: TablePlan) -> TableEvaluations:
    """Each is listed once, whichever cells need it."""
    if not (wanted := _distinct(_wanted(table))):
        return TableEvaluations(singles=(), ensembles=(), missing=frozenset())
    index = EvaluationIndex(RunIndex.of_table(table.folder, table.first.found_in))
    again = table.first.config.rerun
    ensembles = [one for one in wanted if one.of_members]
    missing = {one.key for one in ensembles if again or not _is_there(one, index)}
    read = [each for one in ensembles if one.key in missing for each in one.of_members]
    singles = _distinct([*(one for one in wanted if not one.of_members), *read])
    missing |= {one.key for one in singles if again or not _is_there(one, index)}
    return TableEvaluations(singles=tuple(singles), ensembles=tuple(ensembles), missing=frozenset(missing))


def check_evaluations(table: TablePlan) -> None:
    """Raises RequestError for a protocol that the networks of a row cannot be evaluated by, before anything is
    trained."""
    for row in table.rows:
        for config in row.configs:
            try:
                (row.protocol or config.protocol).check(config.arch.pixels, config.arch.name)
            except RequestError as error:
                raise RequestError(f"row {row.row.label!r} of table {table.table.name}: {error}") from error


@dataclass(frozen=True)
class Planner:
    """Plans evaluations of a table's finished runs. `settings`: those of `eval` that all share."""

    settings: EvalSettings

    @classmethod
    def of(cls, table: TablePlan) -> Planner:
        config = table.first.config
        return cls(
            replace(
                parse_evaluation(table.composer.compose("eval", [])),
                weights=table.table.weights,
                launch=config.launch,
                outputs=config.outputs,
                name=config.name,
                rerun=config.rerun,
            )
        )

    def plan(self, asked: CellEvaluation) -> EvaluationPlan:
        """Raises InceptionctlError for runs that cannot be evaluated so, or have no weights any more."""
        settings = replace(self.settings, probabilities=asked.stored or bool(asked.of_members))
        runs = [run for plan in asked.plans if (run := _run_of(plan))]
        assert len(runs) == len(asked.plans), "the caller has checked"
        return plan_of_runs(settings, runs, asked.protocol)


def is_waiting(asked: CellEvaluation) -> bool:
    """Whether some of its runs are not finished."""
    return not all(map(_run_of, asked.plans))


def _run_of(plan: Plan) -> RunDir | None:
    """Its newest finished run, one that has its weights rather than one that has not."""
    return trained(replace(plan, config=replace(plan.config, rerun=False))) or finished(plan)


def evaluation_lines(found: TableEvaluations) -> list[str]:
    """What a dry run says of them."""
    if not found.all:
        return []
    passes = sum(one.forward_passes for one in found.to_do)
    macs = sum(one.forward_passes * plan.cost.macs for one in found.to_do for plan in one.plans)
    ensembles = f", {count(len(found.ensembles), 'ensemble')} among them" if found.ensembles else ""
    return [
        f"evals     {len(found.all)} beside those that end training{ensembles}; {len(found.to_do)} to do: {passes:,} "
        f"forward passes, {macs / 1e9:,.0f} G multiply-adds"
    ]


def _wanted(table: TablePlan) -> Iterable[CellEvaluation]:
    """By seeds, as runs are trained."""
    rows = {row.row.label: row for row in table.rows}
    for (label, seed), identities in sorted(table.cells.items(), key=lambda cell: cell[0][1]):
        plans = tuple(table.runs[identity] for identity in identities)
        if found := _of_cell(cell_label(label, seed), rows[label], plans, table):
            yield found


def _of_cell(label: str, row: ResolvedRow, plans: tuple[Plan, ...], table: TablePlan) -> CellEvaluation | None:
    """None where what ends training is enough."""
    how = row.protocol or row.config.protocol
    together = _asked(label, how, plans, table)
    if len(plans) == 1:
        return None if together.key.protocol == own_protocol(plans[0]).name else together
    members = [_asked(f"{label}, network {number}", how, (plan,), table) for number, plan in enumerate(plans, 1)]
    return replace(together, of_members=tuple(replace(one, stored=True) for one in members))


def _asked(label: str, how: ProtocolSettings, plans: tuple[Plan, ...], table: TablePlan) -> CellEvaluation:
    sizes = {plan.config.arch.pixels for plan in plans}
    key = EvaluationKey(
        identities=tuple(plan.identity for plan in plans),
        image_set=plans[0].config.data.image_set,
        protocol=protocol_label(how, sizes.pop() if len(sizes) == 1 else None),
        weights=table.table.weights,
    )
    ensemble = f"ensemble of {len(plans)}, " if len(plans) > 1 else ""
    return CellEvaluation(key=key, label=f"{label}, {ensemble}{key.protocol}", protocol=how, plans=plans)


def _distinct(evaluations: Iterable[CellEvaluation]) -> list[CellEvaluation]:
    """Each once, under its first label, with stored probabilities if any asks for them."""
    found: dict[EvaluationKey, CellEvaluation] = {}
    for one in evaluations:
        first = found.setdefault(one.key, one)
        found[one.key] = replace(first, stored=first.stored or one.stored)
    return list(found.values())


def _is_there(one: CellEvaluation, index: EvaluationIndex) -> bool:
    """A damaged one is named and does not count."""
    path = index.find(one.key)
    try:
        return path is not None and bool(read_evaluation(path)) and (has_probabilities(path) or not one.stored)
    except FileError as error:
        warn(f"{error}\n  it is evaluated again")
        return False
