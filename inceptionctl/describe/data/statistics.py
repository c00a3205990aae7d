"""The figures of `data stats`: text, and the same for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from inceptionctl.data.listing import as_text, some
from inceptionctl.data.survey.statistics import QUANTILES, ChannelStatistics, SplitStatistics
from inceptionctl.data.survey.survey import Survey
from inceptionctl.describe.data.findings import num_classes
from inceptionctl.errors import count

N_CLASSES = 3  # of the rarest and of the commonest that are named
FORMATS = {"aspect": ".2f"}  # of quantities; others are whole numbers
NAMES = {"bytes": "bytes of a file", "aspect": "width / height", "width": "width, px", "height": "height, px"}


def show(
    splits: Mapping[str, SplitStatistics], surveys: Mapping[str, Survey], channels: ChannelStatistics, console: Console
) -> None:
    for split, found in splits.items():
        console.print(f"{split}: {found.images:,} images below {as_text(surveys[split].files.root)}")
        for line in _lines(found):
            console.print(f"  {line}", soft_wrap=True)
        console.print(_table(found))
    console.print(_channels(channels), soft_wrap=False)


def as_json(
    splits: Mapping[str, SplitStatistics], surveys: Mapping[str, Survey], channels: ChannelStatistics
) -> dict[str, Any]:
    return {
        "splits": {
            split: {"root": as_text(surveys[split].files.root), **asdict(found)} for split, found in splits.items()
        },
        "channels": {
            name: None if value != value else value for name, value in asdict(channels).items()
        } if channels.images else None,
    }  # fmt: skip


def _lines(found: SplitStatistics) -> list[str]:
    counts = sorted(found.class_counts.items(), key=lambda one: (one[1], one[0]))
    values = [n for _, n in counts] or [0]
    low, high = min(values), max(values)
    spread = count(low, "image") if low == high else f"{low:,} to {high:,} images, median {np.median(values):g}"
    lines = [
        f"{num_classes(len(counts))} of {spread}",
    ]
    if low != high:
        lines += [f"rarest: {_classes(counts[:N_CLASSES])}", f"commonest: {_classes(counts[::-1][:N_CLASSES])}"]
    lines += [f"formats: {_shares(found.formats)}; modes: {_shares(found.modes)}"]
    if found.unreadable:
        lines.append(f"not in these figures: {found.unreadable:,} without a readable head (data check names them)")
    return lines


def _classes(counts: Sequence[tuple[str, int]]) -> str:
    return some([f"{name} ({n:,})" for name, n in counts])


def _shares(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in counts.items()) or "none"


def _table(found: SplitStatistics) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    for name in QUANTILES:
        table.add_column(name, justify="right", no_wrap=True)
    for name, values in found.quantiles.items():
        table.add_row(NAMES[name], *(format(value, FORMATS.get(name, ",.0f")) for value in values.values()))
    return table


def _channels(found: ChannelStatistics) -> str:
    if not found.images:
        return "mean and deviation: none of the images of the sample can be read"
    mean, std = (", ".join(f"{value:.4f}" for value in values) for values in (found.mean, found.std))
    return (
        f"mean {mean}, standard deviation {std} (red, green, blue, from 0 to 1): over all pixels of a sample of "
        f"{found.images:,} images of {found.split}, each image counting the same"
    )
