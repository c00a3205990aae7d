"""What a run was measured to do with the weights that are exported: the rows of a model card. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from inceptionctl.evaluation.intervals import Share
from inceptionctl.report.evaluation.details import error
from inceptionctl.report.evaluation.summary import image_set_text, protocol_text
from inceptionctl.runs.damage import read_own_evaluation, read_result
from inceptionctl.runs.evaluations import read_predictions
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.records.evaluation import EvaluationRecord


@dataclass(frozen=True)
class Evaluated:
    """One evaluation; `top5` is None where there are not more than five classes."""

    record: EvaluationRecord
    top1: Share
    top5: Share | None

    @property
    def images(self) -> str:
        return image_set_text(self.record.image_set)

    @property
    def protocol(self) -> str:
        return protocol_text(self.record.protocol)


def evaluations_of(run: RunDir, weights: str) -> Iterator[Evaluated]:
    """The run's own first, then those that were added by `eval`. Raises FileError for damaged files."""
    result = read_result(run)
    for listed in (one for one in result.evaluations if one.weights == weights):
        path = run.path / listed.file
        record = read_own_evaluation(run, result, path)
        predictions = read_predictions(path, record)
        yield Evaluated(record, error(predictions, 1), None if record.top5_error is None else error(predictions, 5))
