"""What `eval` prints of a finished evaluation, and the files of its details."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console

from inceptionctl.errors import RequestError, count
from inceptionctl.files import FileError, from_here
from inceptionctl.planning.evaluation.plan import EvaluationPlan
from inceptionctl.planning.evaluation.records import find_of_member
from inceptionctl.report.evaluation.compare import Comparison, Evaluated, compare, comparison_lines
from inceptionctl.report.evaluation.details import doubts
from inceptionctl.report.evaluation.show import show_details
from inceptionctl.report.evaluation.summary import summary, summary_lines
from inceptionctl.report.evaluation.write import write_details
from inceptionctl.runs.evaluations import Predictions, read_evaluation, read_predictions
from inceptionctl.runs.io import make_folder
from inceptionctl.runs.records.evaluation import EvaluationRecord, MemberRecord
from inceptionctl.scheduling.evaluation.images import image_source


@dataclass(frozen=True)
class EvaluationResult:
    """The finished evaluation that answers `plan`, in the file `path`."""

    path: Path
    plan: EvaluationPlan

    @cached_property
    def record(self) -> EvaluationRecord:
        return read_evaluation(self.path)

    @cached_property
    def predictions(self) -> Predictions:
        return read_predictions(self.path, self.record)

    @cached_property
    def warnings(self) -> list[str]:
        """What looks wrong about the labels."""
        return doubts(self.predictions, self.plan.request.classes)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Of an ensemble: its members against the first of them, and all together against the best, image by image;
        none for members that were not evaluated by themselves."""
        alone = [found for member in self.plan.request.members if (found := _of_member(member, self.plan))]
        if len(self.record.members) < 2 or not alone:
            return []
        best = min(alone, key=lambda one: one.record.top1_error)
        whole = Evaluated("all together", self.record, self.predictions)
        pairs = [*((alone[0], other) for other in alone[1:]), (best, whole)]
        return [compare(first, second) for first, second in pairs]

    def show(self, console: Console) -> None:
        for line in summary_lines(self.record, self.predictions):
            console.print(line)
        for comparison in self._comparisons(console):
            for line in comparison_lines(comparison):
                console.print(line)
        for warning in self.warnings:
            console.print(f"warning {warning}")
        console.print(f"record: {from_here(self.path)}")

    def as_json(self) -> dict[str, Any]:
        compared = [asdict(one) for one in self._comparisons(None)]
        facts = {"file": str(self.path), "warnings": self.warnings, "comparisons": compared}
        return summary(self.record, self.predictions) | facts

    def write_details(self, console: Console) -> list[Path]:
        """The files, in the folder of the run or of the evaluation."""
        run = self.plan.run
        in_run = run is not None and self.path.parent.parent == run.path
        folder = self.path.parent.parent / "details" / self.path.stem if in_run else self.path.parent / "details"
        make_folder(folder.parent)
        files = self.plan.index.files.get("eval")
        root, image_of = Path(files.root) if files else None, image_source(self.plan, self.predictions)
        details, paths = write_details(self.record, self.predictions, self.plan.request.classes, root, folder, image_of)
        show_details(details, console)
        console.print(f"details: {from_here(folder)} ({count(len(paths), 'file')})")
        return paths

    def _comparisons(self, console: Console | None) -> list[Comparison]:
        """None, with a word, where the members' own evaluations are not of the same images."""
        try:
            return self.comparisons
        except RequestError as error:
            if console:
                console.print(str(error))
            return []


def _of_member(member: MemberRecord, plan: EvaluationPlan) -> Evaluated | None:
    """Its own evaluation on the same images by the same protocol, if its run folder has one that can be read."""
    try:
        path = find_of_member(member, plan.request, plan.config)
        record = read_evaluation(path) if path else None
        return Evaluated(member.label, record, read_predictions(path, record)) if path and record else None
    except FileError:  # the run itself is told to be damaged where it is asked for
        return None
