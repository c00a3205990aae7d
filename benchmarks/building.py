"""Seconds to build and initialise a network, against timm's own, in turn, with the spread of the ratios.

python benchmarks/building.py [--rounds 5] [--threads 1]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import timm
import torch

from inceptionctl.models.torch.build import build
from inceptionctl.models.torch.init import initialise
from inceptionctl.models.zoo.registry import architecture, network

LIBRARY = {"inception_resnet_v2": "inception_resnet_v2", "inception_v4": "inception_v4", "xception": "legacy_xception"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for ours, theirs in LIBRARY.items():
        pairs = [(seconds(lambda: built(ours)), seconds(lambda: timm.create_model(theirs)))  # noqa: B023
                 for _ in range(arguments.rounds)]  # fmt: skip
        ratios = sorted(mine / other for mine, other in pairs)
        print(
            f"{ours:<20} {median(mine for mine, _ in pairs):.2f} s, timm {median(other for _, other in pairs):.2f} s, "
            f"ratio {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f} in {len(ratios)} rounds)"
        )


def built(name: str) -> torch.nn.Module:
    entry, spec = architecture(name), network(name, head=False)
    model = build(spec, (entry.pixels, entry.pixels))
    initialise(model, spec, entry.init)
    return model


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
