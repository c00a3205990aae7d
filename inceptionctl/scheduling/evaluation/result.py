"""What `eval` prints of a finished evaluation, and the files of its details."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from inceptionctl.planning.evaluation.plan import EvaluationPlan
from inceptionctl.runs.evaluations import read_evaluation


def result_of(path: Path, plan: EvaluationPlan, console: Console) -> dict[str, Any]:
    console.print(f"{read_evaluation(path)}")
    return {}


def details_of(path: Path, plan: EvaluationPlan, console: Console) -> list[Path]:
    return []
