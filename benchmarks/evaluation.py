"""Seconds of evaluations against what they cannot do without, and against loops that people write; rounds in turn.

many crops: ours (decode once, cut, resize, forward, average) against
  - as many forward passes of the network alone, on floats that are there already, in batches of the same sizes;
  - a plain loop that opens, decodes and resizes the image anew for each crop.
one crop:   ours against a loop as in timm's validate.py: its own data set, transform, loader and accuracy.

    python benchmarks/evaluation.py [--images 1] [--one-crop-images 16] [--rounds 3] [--threads 1] [--workers 0]
        [--cpu-time] [--set samples|validation] [--data ../shared/data] [--protocol crops144] [--arch googlenet]
        [--weights FILE]

`--data` has imagenet_sample (238 images), ilsvrc2012/val_sample (100) and weights/, as the README beside them says.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from inceptionctl.config.compose import Composer
from inceptionctl.config.hydra_main import Request
from inceptionctl.evaluation.evaluate import Network, outcomes
from inceptionctl.planning.evaluation.plan import plan_evaluation
from inceptionctl.scheduling.evaluation.folders import open_folder
from inceptionctl.worker.evaluation import EvaluationJob, assemble

GOAL = 1.15  # of 144 crops against as many forward passes
ONE_CROP_BATCH = 16
SCALES = (256, 288, 320, 352)  # at 224
Work = Callable[[], object]


@dataclass(frozen=True)
class Setup:
    """A network and the first files of a set; `files`: of the images, in the order of the job."""

    job: EvaluationJob
    files: list[Path]

    @property
    def network(self) -> Network:
        return self.job.networks[0]


def main() -> None:
    options = parsed()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        many = setup(options, Path(folder), f"protocol={options.protocol}")
        one = setup(options, Path(folder), "protocol=timm", f"batch_size={ONE_CROP_BATCH}")
        views, n = many.job.method.num_views, options.images
        print(
            f"{options.arch}, {options.set}, {options.threads} threads, {options.workers} workers, "
            f"torch {torch.__version__}, {'CPU' if options.cpu_time else 'wall'} time"
        )
        report(
            f"{views} crops of {n} images",
            {
                "ours": partial(ours, many, n),
                f"{views} forward passes alone": partial(forward_alone, many, n),
                "decode and resize per crop": partial(per_crop, many, n),
            },
            options,
        )
        m = min(options.one_crop_images, len(one.files))
        works: dict[str, Work] = {
            "ours": partial(ours, one, m),
            "timm validate.py": partial(timm_loop, one, m, options),
        }
        report(f"1 crop of {m} images", works, options)


def parsed() -> Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1)
    parser.add_argument("--one-crop-images", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--cpu-time", action="store_true", help="of this process: where others use the machine")
    parser.add_argument("--set", choices=("samples", "validation"), default="samples")
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1] / "../shared/data")
    parser.add_argument("--protocol", default="crops144")
    parser.add_argument("--arch", default="googlenet")
    parser.add_argument("--weights", type=Path, help="default: Caffe's GoogLeNet of --data")
    options = parser.parse_args()
    options.weights = options.weights or options.data / "weights/bvlc_googlenet.caffe_names.safetensors"
    return options


def setup(options: Namespace, folder: Path, *words: str) -> Setup:
    sets = {"samples": ("labelled", "imagenet_sample"), "validation": ("imagenet_val", "ilsvrc2012/val_sample")}
    data, root = sets[options.set]
    asked = [
        f"arch={options.arch}", f"weights={options.weights}", f"data={data}", f"data.root={options.data / root}",
        f"data.workers={options.workers}", f"outputs={folder}", "launch.device=cpu",
        f"launch.threads={options.threads}",
        *(["arch.input=caffe"] if "caffe" in options.weights.name else []), *words,
    ]  # fmt: skip
    plan = plan_evaluation(Request.compose("eval", asked, Composer(None)))
    files = plan.index.files["eval"]
    job = assemble(open_folder(plan, 1, options.threads))
    assert isinstance(job, EvaluationJob), "it is no ensemble of stored probabilities"
    return Setup(job, [files.path(i) for i in range(len(files))])


def report(title: str, works: dict[str, Work], options: Namespace) -> None:
    """Prints seconds, and the ratios of ours to each other, from rounds in which all take turns; a first warms up."""
    clock = time.process_time if options.cpu_time else time.perf_counter
    rounds = range(options.rounds + 1)
    found = [{name: seconds(work, clock) for name, work in works.items()} for _ in rounds][1:]
    print(f"\n{title}, {options.rounds} rounds", flush=True)
    for name in works:
        line = f"  {name:<28}{median(times[name] for times in found):8.2f} s (median)"
        if name != "ours":
            ratios = sorted(times["ours"] / times[name] for times in found)
            line += f"   ours / this {median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
        print(f"{line}, goal at most {GOAL}" if name.endswith("alone") else line)


def seconds(work: Work, clock: Callable[[], float]) -> float:
    begun = clock()
    work()
    return clock() - begun


def ours(one: Setup, n_images: int) -> int:
    """The job's own loop, from files to outcomes."""
    job = one.job
    batches = [batch for batch in job.method.batches if batch.start < n_images]
    read = job.loader.evaluation(job.images, batches)
    return sum(found.n_images for found in outcomes(job.networks, read, job.method))


@torch.no_grad()
def forward_alone(one: Setup, n_images: int) -> None:
    """As many passes as ours takes, in parts of the same sizes; the network is in evaluation mode."""
    method, network = one.job.method, one.network
    pixels = one.job.outcome.request.members[0].pixels
    floats_NCHW = network.to_device.floats(torch.zeros(method.num_views, 3, pixels, pixels, dtype=torch.uint8))
    parts = floats_NCHW.chunk(-(-method.num_views // method.batch_size))
    network.model.eval()
    for _ in range(n_images):
        for part in parts:
            network.model(part)


@torch.no_grad()
def per_crop(one: Setup, n_images: int) -> None:
    """GoogLeNet's 144 crops of 224, each from the file."""
    method, network = one.job.method, one.network
    network.model.eval()
    for path in one.files[:n_images]:
        crops = [crop(path, *which) for which in product(SCALES, range(3), range(6), (False, True))]
        views_NCHW = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
        for part in views_NCHW.chunk(-(-len(views_NCHW) // method.batch_size)):
            network.model(network.to_device.floats(part)).logits.softmax(dim=1)


def crop(path: Path, scale: int, square: int, part: int, mirror: bool, side: int = 224) -> np.ndarray:
    """A crop of a fresh image: of the left, middle or right square, a corner, the centre or the whole."""
    image = Image.open(path).convert("RGB")
    factor = scale / min(image.size)
    image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BILINEAR)
    left, top = ((image.width - scale) * square // 2, (image.height - scale) * square // 2)
    image = image.crop((left, top, left + scale, top + scale))
    if part == 5:
        image = image.resize((side, side), Image.Resampling.BILINEAR)
    else:
        room = scale - side
        x, y = ((0, 0), (room, 0), (0, room), (room, room), (room // 2, room // 2))[part]
        image = image.crop((x, y, x + side, y + side))
    return np.asarray(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirror else image)


def timm_loop(one: Setup, n_images: int, options: Namespace) -> float:
    """As validate.py: top-1 and top-5 accuracy and the loss of each batch."""
    from timm.data import ImageDataset, create_loader
    from timm.utils import AverageMeter, accuracy

    pixels = one.job.outcome.request.members[0].pixels
    dataset = ImageDataset(str(one.files[0].parents[options.set == "samples"]))
    dataset.reader.samples = dataset.reader.samples[:n_images]
    loader = create_loader(
        dataset, (3, pixels, pixels), ONE_CROP_BATCH, use_prefetcher=False, interpolation="bicubic",
        num_workers=options.workers, crop_pct=0.875, device=torch.device("cpu"), persistent_workers=False,
    )  # fmt: skip
    losses, top1, top5 = AverageMeter(), AverageMeter(), AverageMeter()
    model, criterion = one.network.model.eval(), nn.CrossEntropyLoss()
    with torch.inference_mode():
        for input, target in loader:
            output: Tensor = model(input.contiguous(memory_format=one.network.to_device.memory_format)).logits
            acc1, acc5 = accuracy(output, target, topk=(1, 5))
            losses.update(criterion(output, target).item(), len(input))
            top1.update(acc1.item(), len(input))
            top5.update(acc5.item(), len(input))
    return float(top1.avg)


if __name__ == "__main__":
    main()
