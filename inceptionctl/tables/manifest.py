"""What table.json, the manifest of a table, says of its settings: the scale in a line, and what differs from the
paper's recipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from inceptionctl.config.keys import matches
from inceptionctl.config.schema import Config
from inceptionctl.runs.records.table import Override
from inceptionctl.runs.settings import shown
from inceptionctl.tables.ladder import difference

# The settings of the paper's recipe that a scale may replace; every report lists those that it does.
SCALED = ("arch", "data.name", "schedule", "train", "protocol", "augment")


def setting(configs: Sequence[Config]) -> str:
    """The scale in a line; rows may differ in width and length."""
    config = configs[0]
    widths, epochs = _alternatives(c.arch.width for c in configs), _alternatives(c.train.epochs for c in configs)
    length = "1 epoch" if epochs == "1" else f"{epochs} epochs"
    size = f"{config.arch.pixels} px, width {widths}, {length}, batch {config.train.batch_size}"
    return f"{config.data.shown_title}, {size}"


def overrides(paper: Config, here: Config) -> list[Override]:
    """The paper's values that the scale replaces."""
    pairs = difference(paper, here)
    return [
        Override(key=key, paper=shown(stated), here=shown(ours))
        for key, (stated, ours) in pairs.items()
        if matches(key, SCALED)
    ]


def _alternatives(values: Iterable[float]) -> str:
    return " or ".join(f"{value:g}" for value in sorted(set(values)))
