"""What a file of weights says beside them, as text by key: the network, its classes and its preprocessing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from inceptionctl.export.trained import Trained
from inceptionctl.runs.io import write_text

ARCH, CLASSES, PREPROCESSING = "arch", "classes", "preprocessing"


def metadata(trained: Trained) -> dict[str, str]:
    """JSON where a value is more than a word."""
    facts = {
        "producer": f"inceptionctl {version('inceptionctl')}",
        ARCH: json.dumps(asdict(trained.arch)),
        CLASSES: json.dumps(list(trained.classes)),
        PREPROCESSING: json.dumps(trained.preprocessing.as_json()),
        "weights": trained.weights,
    }
    identity = trained.run and trained.run.identity
    return facts | ({"run": identity} if identity else {})


def read_json(facts: Mapping[str, str], key: str) -> Any:  # noqa: ANN401  whatever it holds
    return json.loads(facts[key])


def write_json(path: Path, tree: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(tree, indent=2, allow_nan=False) + "\n")
