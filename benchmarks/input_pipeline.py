"""Training images/s from files to batches of uint8 in real workers, against timm's loader on the same images, in turn.

Both decode, cut 8 to 100 % of the area at 3/4 to 4/3, resize (bilinear), mirror and collate; colours stay as they are,
and nobody normalises. Ratios are of images per second of CPU time of all processes, which other work on the machine
changes little, and of images per second on the clock.

    python benchmarks/input_pipeline.py FOLDER [--pixels 299] [--batch 64] [--workers 2] [--images 2048] [--repeats 7]
        [--rows files packed_jpeg packed_raw] [--short-side 352]

FOLDER has a folder per class. The row `files` is our loader on the files that timm reads; `packed_jpeg` and
`packed_raw` are our loader on the same images as `inceptionctl data pack` stores them, in a temporary folder that is
removed at the end. The time that packing takes is not in the figures.

How the decoder was chosen: milliseconds of CPU time an image, one thread of an AMD EPYC, 238 photographs of ImageNet
(November 2026, medians of five turns):

                          Pillow 13.0  simplejpeg 1.9  torchvision 0.29  OpenCV 5.0  nvImageCodec 0.9
    whole image           1.52         1.11            1.30              1.21        1.26
    the crop alone                                                                   0.95
    crop resized to 299   0.93                         0.30              0.13, without antialiasing

All five give the same bits, crops included. simplejpeg is a wheel of 0.4 MB without dependencies but NumPy, and the
default. nvImageCodec, 25 MB, decodes crops where it is installed, which takes 0.2 ms less an image.

Decoding to a smaller size by the DCT, where a crop has at least twice the sides of the input, is not done: it would
save 11 % at 79 pixels (83 % of the crops) and 2 % at 151 (28 %), and such crops would differ from those of the whole
image by 3.3 of 255 on average, by up to 157 in single values.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from input_costs import Cost, compared, images_per_second, ratios

from inceptionctl.data.file_images import FileImages
from inceptionctl.data.index import FileList, Index
from inceptionctl.data.listing import read_class_folders
from inceptionctl.data.loader import Loader
from inceptionctl.data.packed.read import read_split
from inceptionctl.data.packed.records import Counts, Kind, Packing, Plan, Source
from inceptionctl.data.transforms import InceptionCrop
from inceptionctl.packing.encode import encoder
from inceptionctl.packing.pack import pack

ROWS = ("files", "packed_jpeg", "packed_raw")
AREA, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)


@dataclass(frozen=True)
class Arguments:
    folder: Path
    pixels: int
    batch: int
    workers: int
    images: int
    repeats: int
    rows: list[str]
    short_side: int

    @property
    def batches(self) -> int:
        return self.images // self.batch


def main() -> None:
    arguments = parsed()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        ways: dict[str, Callable[[int], int]] = {"timm": lambda _: read(timm(arguments), arguments.batches)}
        for row in arguments.rows:
            ways[row] = partial(read_ours, arguments, files_of(arguments, row, Path(folder)))
        report(arguments, compared(ways, arguments.repeats))


def report(arguments: Arguments, costs: dict[str, list[Cost]]) -> None:
    print(
        f"{arguments.batches * arguments.batch:,} images a repeat, {arguments.workers} workers, {os.cpu_count()} cores"
    )
    for name, found in costs.items():
        print(f"{name:11} {images_per_second(found):8.0f} images/s of CPU time")
    for name in arguments.rows:
        for kind, ratio in ratios(costs["timm"], costs[name]):
            print(f"{name + ' / timm,':19} by {kind:5} {ratio}")


def parsed() -> Arguments:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, value in (
        ("pixels", 299),
        ("batch", 64),
        ("workers", 2),
        ("images", 2048),
        ("repeats", 7),
        ("short-side", 352),
    ):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    return Arguments(**vars(parser.parse_args()))


def read(batches: Iterable[Any], count: int) -> int:
    """Reads `count` batches: their images."""
    return sum(len(images) for images in images_of(batches, count))


def images_of(batches: Iterable[Any], count: int) -> Iterator[torch.Tensor]:
    for batch in islice(batches, count):
        yield batch.images_NCHW if hasattr(batch, "images_NCHW") else batch[0]


def files_of(arguments: Arguments, row: str, folder: Path) -> FileList:
    """As many images as a repeat reads, each several times. Packed ones are written below `folder`."""
    listing = read_class_folders(arguments.folder)
    files = listing.files
    if row != "files":
        kind: Kind = "raw" if row == "packed_raw" else "jpeg"
        files = packed(files, listing.classes, kind, arguments.short_side, folder / row)
    return files.subset(np.arange(arguments.batches * arguments.batch) % len(files))


def packed(files: FileList, classes: tuple[str, ...], kind: Kind, short_side: int, folder: Path) -> FileList:
    one = files.subset(np.arange(1))  # there is no packing without an image to evaluate on
    how = Packing(
        kind=kind, short_side=short_side, quality=90 if kind == "jpeg" else None, shard_images=1000,
        encoder=encoder(kind),
    )  # fmt: skip
    digests = files.digest(classes), one.digest(classes)
    source = Source(
        data="imagefolder", title="a folder", provenance=files.root, classes=classes, numbered=False,
        fingerprint=digests[0], eval_fingerprint=digests[1], images=Counts(len(files), 1),
    )  # fmt: skip
    index = Index(
        n_train=len(files), n_eval=1, classes=classes, provenance=files.root, fingerprint=digests[0],
        eval_fingerprint=digests[1], dev=False, files={"train": files, "eval": one},
    )  # fmt: skip
    plan = Plan(source=source, packing=how)
    return read_split(folder, "train", pack(index, plan, folder, 2, False, lambda *_: nullcontext(lambda done: None)))


def read_ours(arguments: Arguments, files: FileList, _: int) -> int:
    return read(ours(arguments, files), arguments.batches)


def ours(arguments: Arguments, files: FileList) -> Iterable[Any]:
    crop = InceptionCrop(
        name="inception_crop", area=[*AREA], aspect_ratio=[*RATIO], interpolation=["bilinear"], flip=0.5,
        distortion="none",
    )  # fmt: skip
    images = FileImages(files, crop.transform(arguments.pixels), seed=0)
    return Loader(arguments.workers).training(images, arguments.batch, 0, range(arguments.batches))


def timm(arguments: Arguments) -> Iterator[Any]:
    from timm.data import create_dataset, create_loader

    images: Any = create_dataset("", root=str(arguments.folder))
    samples = images.reader.samples
    images.reader.samples = [samples[i % len(samples)] for i in range(arguments.batches * arguments.batch)]
    loader: Any = create_loader(
        images, (3, arguments.pixels, arguments.pixels), arguments.batch, is_training=True, scale=AREA, ratio=RATIO,
        hflip=0.5, color_jitter=None, interpolation="bilinear", num_workers=arguments.workers, pin_memory=False,
        persistent_workers=False, device=torch.device("cpu"),
    )  # fmt: skip
    return iter(loader.loader)  # what the workers give: normalising is left to the device


if __name__ == "__main__":
    main()
