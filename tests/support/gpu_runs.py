"""Runs on a GPU: their settings, what became of them, and the figures that the tests leave behind.

GPU_DEVICE=cpu rehearses the tests without a GPU; GPU_TINY=1 makes every run as small as it gets; OUT is the folder for
figures, one JSON object a line.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
from PIL import Image

from support.command_line import latest
from support.runs import launched, only, rows

DEVICE = os.environ.get("GPU_DEVICE", "cuda")
TINY = os.environ.get("GPU_TINY") == "1"
SIZE = (
    ["arch.width=0.05", "train.epochs=0.5", "train.batch_size=96"]
    if TINY
    else ["arch.width=0.25", "train.epochs=2", "train.batch_size=96"]
)
COMMON = ["train.log_every=1", "train.monitor=60", "launch.threads=1", "launch.restarts=1"]
DIGITS = ["train", "data=digits", *SIZE, *COMMON]


def note(what: str, **figures: object) -> None:
    """Adds one line to correctness.jsonl."""
    folder = Path(os.environ.get("OUT", "outputs/gpu"))
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"what": what, **figures, "at": round(time.time(), 1)})
    with (folder / "correctness.jsonl").open("a") as file:
        file.write(line + "\n")
    print(line)


def trained(outputs: Path, *words: object, device: str = DEVICE) -> Path:
    """The folder of a run that ended well."""
    code, said = launched(*latest(*map(str, words)), f"launch.device={device}", f"outputs={outputs}")
    assert code == 0, said
    return only(outputs, "train/*")


def losses(run: Path) -> np.ndarray:
    return np.array([row["loss"] for row in rows(run) if row["kind"] == "train"])


def deviation(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """The relative difference: of the first step (forwards alone), of the second (one update later), the largest of
    the first five and of all. A small network's curves part within a few steps whatever the cause."""
    assert len(one) == len(other) > 1
    apart = np.abs(one - other) / np.abs(one)
    first, second = map(float, apart[:2])
    return {"first": first, "second": second, "first_5": float(apart[:5].max()), "all": float(apart.max())}


def draw(folder: Path, classes: int = 3, train: int = 96, held: int = 40) -> Path:
    """An image folder with a slight hue for each class under noise: a small network learns part of it."""
    for kind in range(classes):
        for split, count in (("train", train), ("val", held)):
            (folder / split / str(kind)).mkdir(parents=True)
            for i in range(count):
                random = np.random.default_rng([kind, i, split == "val"])
                pixels = random.integers(0, 160, (32, 32, 3), dtype=np.uint8)
                pixels[:, :, kind % 3] += 8
                Image.fromarray(pixels).save(folder / split / str(kind) / f"{i}.png")
    return folder
