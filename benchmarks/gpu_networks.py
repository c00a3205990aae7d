"""Images/s of training and inference in bfloat16 and channels_last at 299 pixels: ours and timm's, eager or compiled,
one after the other in each round of one process.

    python benchmarks/gpu_networks.py [--seconds 120] [--device cpu --tiny]
        [eager] [compiled] [once] [tuned] [training] [NETWORK ...]

`once` runs each step a single time, to fill the compiler's cache; `tuned` lets cuDNN try its algorithms
(torch.backends.cudnn.benchmark), which the package leaves off; `training` leaves inference out; `ours` and `timm` leave
the other out, to compile the two in processes side by side.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping, Sequence

import torch
from gpu_common import Bench, Work, spread
from gpu_steps import (
    NETWORKS,
    bare_step,
    batches,
    inference,
    our_step,
    timm_model,
    timm_step,
    whole_step,
)

BATCH, PIXELS = 128, 299
MODES = ("eager", "compiled", "once", "tuned", "training", "ours", "timm")
ROUNDS, TIMES, WARM = 4, 4, 4


def main() -> None:
    known = {*MODES, *NETWORKS}
    words = [word for word in sys.argv[1:] if word in known]
    bench = Bench.from_arguments("networks", __doc__, [word for word in sys.argv[1:] if word not in known])
    torch.backends.cudnn.benchmark = "tuned" in words
    for mode in [word for word in ("eager", "compiled") if word in words] or ["eager"]:
        for name in [word for word in words if word in NETWORKS] or list(NETWORKS):
            measured(bench, name, mode == "compiled", words)


def measured(bench: Bench, name: str, compiled: bool, words: Sequence[str]) -> None:
    """All figures of one network, unless the time is over."""
    mode = "compiled" if compiled else "eager"
    if bench.left <= 0:
        bench.say("left out for want of time", network=name, mode=mode)
        return
    try:
        compare(bench, name, compiled, words)
    except Exception as error:  # one network must not cost the others
        bench.say("failed", network=name, mode=mode, error=repr(error)[:500])
    torch.compiler.reset()
    if bench.device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def compare(bench: Bench, name: str, compiled: bool, words: Sequence[str]) -> None:
    batch, pixels = (2, 96) if bench.tiny else (BATCH, PIXELS)
    data, theirs = batches(bench, batch, pixels), timm_model(name, bench)
    step = our_step(name, bench, batch, pixels, f"train.compile={str(compiled).lower()}")
    forward = torch.compile(theirs) if compiled else theirs
    about = {"network": name, "compiled": compiled, "batch": batch, "pixels": pixels,
             "tuned": torch.backends.cudnn.benchmark}  # fmt: skip
    show = warm_up if "once" in words else tell
    works = {
        "ours": bare_step(step.forward, step.model, data),
        "timm": bare_step(forward, theirs, data),
        "ours, whole step": whole_step(step, data),
        "timm, with clipping and average": timm_step(forward, theirs, data),
    }
    one = next((side for side in ("ours", "timm") if side in words), "")
    show(bench, only(works, one), {"work": "training", **about}, batch)
    if "training" in words:
        return
    step.model.eval(), theirs.eval()
    works = {"ours": inference(step.forward, data), "timm": inference(forward, data)}
    show(bench, only(works, one), {"work": "inference", **about}, batch)


def only(works: dict[str, Work], side: str) -> dict[str, Work]:
    return {name: work for name, work in works.items() if name.startswith(side)}


def warm_up(bench: Bench, works: Mapping[str, Work], about: dict[str, object], batch: int = 0) -> None:
    """Seconds of the first step of each, written at once: a compilation that takes too long is then seen to."""
    for name, work in works.items():
        begun = time.monotonic()
        work()
        bench.wait()
        bench.say("first step, s", of=name, **about, seconds=time.monotonic() - begun)


def tell(bench: Bench, works: Mapping[str, Work], about: dict[str, object], batch: int) -> None:
    warm_up(bench, works, about)
    for work in works.values():
        bench.time(work, 1 if bench.tiny else WARM)
    found = bench.interleaved(works, ROUNDS, TIMES)
    for name, seconds in found.items():
        rates = spread([batch / s for s in seconds])
        bench.say("images/s", of=name, **about, **rates)
    if len({name.split(",")[0] for name in works}) < 2:
        return
    ratios = [theirs / mine for mine, theirs in zip(found["ours"], found["timm"], strict=True)]
    peak = torch.cuda.max_memory_allocated() / 2**30 if bench.device.type == "cuda" else 0.0
    bench.say("ours / timm", **about, ratio=statistics.median(ratios), least=min(ratios), most=max(ratios),
              peak_gib=peak)  # fmt: skip


if __name__ == "__main__":
    main()
