"""Training images/s of small images with data.cache=memory against data.cache=none, in turn, and how long runs take to
open their images.

    python benchmarks/cache.py [FOLDER] [--images 20000] [--side 64] [--workers 2] [--batch 128] [--repeats 7]
        [--augment crop_flip]

FOLDER has train/ and val/ with a folder per class; without one, as many JPEG files of --side pixels are made of smooth
noise, a tenth of them to evaluate on. An epoch is all training batches of real workers: read or decoded, cut, mirrored
and collated, for an input of --side pixels. Ratios are of images per second of CPU time of all processes, which other
work on the machine changes little, and of images per second on the clock, of epochs that follow each other.

The first run decodes all images; a second one, in a process of its own, finds them. Both are timed from the list of the
images to images that can be read.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from input_costs import Cost, compared, images_per_second, ratios
from PIL import Image

from inceptionctl.data.decoded.cache import Cache
from inceptionctl.data.images import Augment, Images, Views
from inceptionctl.data.loader import Loader
from inceptionctl.data.sources.imagefolder import Settings
from inceptionctl.data.transforms import CentreCrop, CropFlip, InceptionCrop

WAYS: tuple[Cache, ...] = ("none", "memory")
CLASSES, CELLS, QUALITY = 10, 8, 90


@dataclass(frozen=True)
class Arguments:
    folder: Path | None
    images: int
    side: int
    workers: int
    batch: int
    repeats: int
    augment: str
    open: Cache | None

    @property
    def transform(self) -> Augment:
        if self.augment == "crop_flip":
            return CropFlip(name="crop_flip", padding=0.125, flip=0.5).transform(self.side)
        return InceptionCrop(
            name="inception_crop", area=[0.08, 1.0], aspect_ratio=[3 / 4, 4 / 3], interpolation=["bilinear"], flip=0.5,
            distortion="none",
        ).transform(self.side)  # fmt: skip


def main() -> None:
    arguments = parsed()
    torch.set_num_threads(1)
    if arguments.open:
        print(opened(arguments, arguments.folder, arguments.open)[1])
        return
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["XDG_CACHE_HOME"] = temporary
        folder = arguments.folder or made(arguments, Path(temporary, "images"))
        first, *later = (start(folder) for _ in range(arguments.repeats + 1))
        ways = {cache: partial(read, arguments, opened(arguments, folder, cache)[0]) for cache in WAYS}
        costs = compared(ways, arguments.repeats)
    report(costs, first, later)


def opened(arguments: Arguments, folder: Path | None, cache: Cache) -> tuple[Images, float]:
    """The training images, and how long it took to open them, in seconds."""
    source = Settings(
        name="imagefolder", root=str(folder), train=None, val=None, split=None, leave_out=None, train_fraction=None,
        cache=cache, augment_on="cpu", decode_on="cpu", eval_split="test", on_corrupt="error",
        workers=arguments.workers,
    )  # fmt: skip
    index = source.index(dev=False)
    begun = time.perf_counter()
    splits = source.open(index, Views(arguments.side, arguments.transform, CentreCrop(arguments.side, 1.0)), 0)
    return splits.train, time.perf_counter() - begun


def start(folder: Path) -> float:
    """Of a process of its own, in seconds."""
    words = [sys.executable, __file__, str(folder), "--open", "memory"]
    return float(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)


def read(arguments: Arguments, images: Images, epoch: int) -> int:
    """Reads an epoch: the number of its images."""
    steps = range(len(images) // arguments.batch)
    return sum(
        len(batch.labels_N) for batch in Loader(arguments.workers).training(images, arguments.batch, epoch, steps)
    )


def report(costs: dict[Cache, list[Cost]], first: float, later: list[float]) -> None:
    for cache, found in costs.items():
        print(f"{cache:6} {images_per_second(found):8,.0f} images/s of CPU time")
    for kind, ratio in ratios(costs["none"], costs["memory"]):
        print(f"memory / none by {kind:5} {ratio}")
    spread = f"{min(later):.2f} to {max(later):.2f}"
    print(f"opening: the first run {first:.2f} s, later ones {statistics.median(later):.2f} s ({spread})")


def made(arguments: Arguments, folder: Path) -> Path:
    random, side = np.random.default_rng(0), arguments.side
    for i in range(arguments.images):
        noise = random.integers(0, 256, (CELLS, CELLS, 3), dtype=np.uint8)
        path = folder / ("train" if i % 10 else "val") / str(i // 10 % CLASSES) / f"{i:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC).save(path, quality=QUALITY)
    return folder


def parsed() -> Arguments:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    for name, value in (("images", 20_000), ("side", 64), ("workers", 2), ("batch", 128), ("repeats", 7)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--augment", choices=("crop_flip", "inception_crop"), default="crop_flip")
    parser.add_argument("--open", choices=WAYS, help=argparse.SUPPRESS)  # what a run of its own is told
    return Arguments(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
