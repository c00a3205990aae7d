"""JPEG files to a batch on the device: by our loader, which leaves nothing, augmentation, or decoding by nvJPEG
(nvImageCodec, where it is installed) too to the device, by timm's transforms, and decoding alone; then `train` from
such files, in each way, against the same network on synthetic images: 0.95 of its speed on 16 cores is the goal.

    python benchmarks/gpu_input.py FOLDER [PART ...] [--seconds 60] [--device cpu --tiny]

FOLDER has a folder per class; PART is our_loader, augmentation, timm_loader, decoder or training (all of them, if none
is named).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpu_common import Bench, spread
from gpu_steps import batches, our_step, whole_step
from torch.utils.data import DataLoader, Dataset

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.crop_decoder import is_installed
from inceptionctl.data.device.crops import CropBatch
from inceptionctl.data.loader import Loader, TrainingBatch
from inceptionctl.planning.plan import plan
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.records.metrics import TrainRow
from inceptionctl.worker.assemble import open_images

COPIES = 72  # of each file, as links: an epoch of 17,136 images
# What the device does beside training, with the settings for it.
WAYS: dict[str, list[str]] = {"trains": [], "augments": ["data.augment_on=device"]}
if is_installed():
    WAYS["decodes"] = ["data.augment_on=device", "data.decode_on=device"]
CORES = len(os.sched_getaffinity(0))


def main() -> None:
    known = {part.__name__: part for part in (our_loader, augmentation, timm_loader, decoder, training)}
    folders = [word for word in sys.argv[1:] if Path(word).is_dir()]
    rest = [word for word in sys.argv[1:] if word not in known and word not in folders]
    bench, source = Bench.from_arguments("input", __doc__, rest), Path(folders[0])
    parts = [known[word] for word in sys.argv[1:] if word in known] or list(known.values())
    with tempfile.TemporaryDirectory() as place:
        folder = linked(source, Path(place) / "images", bench.tiny)
        sizes = [path.stat().st_size for path in source.glob("*/*")]
        bench.say("files", count=len(sizes), mean_kb=float(np.mean(sizes)) / 1e3, cores=CORES)
        for part in parts:
            attempt(bench, part, folder)


def attempt(bench: Bench, part: Any, folder: Path) -> None:  # noqa: ANN401
    if bench.left <= 0:
        bench.say("left out for want of time", part=part.__name__)
        return
    try:
        part(bench, folder)
    except Exception as error:  # one way must not cost the others
        bench.say("failed", part=part.__name__, error=repr(error)[:500])


def linked(source: Path, folder: Path, tiny: bool) -> Path:
    """An image folder with `train` and `val`, each file many times in the first."""
    for path in sorted(source.glob("*/*"))[: 40 if tiny else None]:
        for split, copies in (("train", 2 if tiny else COPIES), ("val", 1)):
            kind = folder / split / path.parent.name
            kind.mkdir(parents=True, exist_ok=True)
            for copy in range(copies):
                (kind / f"{copy}-{path.stem}.jpg").symlink_to(path.resolve())
    return folder


def words(folder: Path, bench: Bench, way: str) -> list[str]:
    pixels, batch = (96, 8) if bench.tiny else (299, 128)
    return [
        "scale=imagenet", f"data.root={folder}", "augment=inception_crop", "arch=inception_v3", "arch.aux.head=false",
        "loss.aux_weight=0", f"arch.pixels={pixels}", f"train.batch_size={batch}", "train.bn_batch_size=null",
        "train.precision=bfloat16", "train.monitor=100", f"data.workers={2 if bench.tiny else CORES}",
        "train.log_every=4", "data.cache=none", *WAYS[way],
    ]  # fmt: skip


def our_loader(bench: Bench, folder: Path) -> None:
    """Read and collated by workers, pinned, copied to the device; decoded, cropped and resized here or there."""
    for way in WAYS:
        found, workers = our_batches(bench, folder, way)
        arrived(bench, f"our loader; the device {way}", (on_device(batch, bench) for batch in found), workers)


def our_batches(bench: Bench, folder: Path, way: str) -> tuple[Iterator[TrainingBatch], int]:
    """Of an epoch, and the number of workers."""
    made = plan(parse(compose("train", words(folder, bench, way))))
    settings, steps = made.config, range(4 if bench.tiny else made.clock.steps_per_epoch)
    loader = Loader(settings.data.workers, pin=bench.device.type == "cuda")
    return loader.training(open_images(made).train, settings.train.batch_size, 0, steps), settings.data.workers


def on_device(batch: TrainingBatch, bench: Bench) -> torch.Tensor:
    """images_NCHW, uint8."""
    if isinstance(batch, CropBatch):
        return batch.images(bench.device)
    return batch.images_NCHW.to(bench.device, non_blocking=True)


def augmentation(bench: Bench, folder: Path) -> None:
    """What the device takes for a batch of crops, in milliseconds, and what it takes to ask it for that."""
    for way in [name for name in WAYS if name != "trains"]:
        batch = next(our_batches(bench, folder, way)[0])
        work = partial(on_device, batch, bench)
        work()
        taken = [1e3 * bench.time(work, 1 if bench.tiny else 10) for _ in range(3)]
        bench.wait()
        begun = time.perf_counter()
        work()
        asked = 1e3 * (time.perf_counter() - begun)
        bench.say("a batch on the device, ms", device=way, images=len(batch.labels_N), asked=asked, **spread(taken))


class TimmImages(Dataset[torch.Tensor]):
    def __init__(self, folder: Path, pixels: int) -> None:
        from timm.data import create_transform

        self.files = sorted(folder.glob("train/*/*"))
        self.transform = create_transform(
            (3, pixels, pixels), is_training=True, use_prefetcher=True, interpolation="bilinear", color_jitter=None
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        from PIL import Image

        with Image.open(self.files[index]) as image:
            return torch.from_numpy(np.ascontiguousarray(self.transform(image.convert("RGB"))))


def timm_loader(bench: Bench, folder: Path) -> None:
    images = TimmImages(folder, 96 if bench.tiny else 299)
    workers, batch = (2, 8) if bench.tiny else (CORES, 128)
    read = DataLoader(images, batch, num_workers=workers, pin_memory=bench.device.type == "cuda", drop_last=True)
    arrived(bench, "timm's transforms", read, workers)


def arrived(bench: Bench, what: str, batches_NCHW: Iterable[torch.Tensor], workers: int) -> None:
    """Images/s on the device; what the workers have ready when the clock starts is not counted."""
    turn, ahead = iter(batches_NCHW), 3 * workers  # a worker works on one batch and has two ready
    for first in islice(turn, ahead):
        first.to(bench.device, non_blocking=True)
    begun, count = time.perf_counter(), 0
    for batch in turn:
        batch.to(bench.device, non_blocking=True)
        count += len(batch)
    bench.wait()
    bench.say("JPEG to the device, images/s", by=what, workers=workers, images=count,
              rate=count / (time.perf_counter() - begun))  # fmt: skip


def decoder(bench: Bench, folder: Path) -> None:
    """Decoding alone: files that are in memory already become whole images on the device."""
    from nvidia import nvimgcodec  # type: ignore[import-not-found,import-untyped,unused-ignore]

    files = [path.read_bytes() for path in sorted(folder.glob("val/*/*"))]
    kinds = nvimgcodec.BackendKind
    for name, kind in (("any", None), ("hardware engines", kinds.HW_GPU_ONLY), ("kernels", kinds.HYBRID_CPU_GPU)):
        decode = nvimgcodec.Decoder(backends=[nvimgcodec.Backend(kind)] if kind else None)
        rates = []
        for _ in range(6):
            begun = time.perf_counter()
            images = decode.decode(files)
            bench.wait()
            rates.append(len(files) / (time.perf_counter() - begun))
        failed = sum(image is None for image in images)
        bench.say("JPEG decoding on the device, images/s", backend=name, files=len(files), failed=failed,
                  version=nvimgcodec.__version__, **spread(rates[1:]))  # fmt: skip


def training(bench: Bench, folder: Path) -> None:
    """`train` from files, by the rates it logs, and its step on images that are on the device already."""
    batch, pixels = (8, 96) if bench.tiny else (128, 299)
    work = whole_step(our_step("inception_v3", bench, batch, pixels), batches(bench, batch, pixels))
    bench.time(work, 1 if bench.tiny else 6)
    rates = [batch / bench.time(work, 1 if bench.tiny else 8) for _ in range(3)]
    bench.say("training on synthetic images, images/s", **spread(rates))
    if bench.device.type == "cuda":
        torch.cuda.empty_cache()
    for way in WAYS:
        outputs = folder.parent / f"outputs-{way}"
        command = [sys.executable, "-m", "inceptionctl", "train", *words(folder, bench, way), "train.epochs=1",
                   f"launch.device={bench.device.type}", f"outputs={outputs}"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=max(bench.left, 30))
        (metrics,) = outputs.glob("train/*/metrics.jsonl")
        rows = [row for row in read_metrics(metrics) if isinstance(row, TrainRow)]
        seen = spread([row.images_per_s for row in rows][1 if bench.tiny else 4 :] or [0.0])
        bench.say("training from JPEG files, images/s", device=way, code=done.returncode, rows=len(rows),
                  of_synthetic=seen["median"] / spread(rates)["median"], **seen)  # fmt: skip


if __name__ == "__main__":
    main()
