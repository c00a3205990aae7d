"""What the card allows: copies in its memory, to and from the host, and matrix products.

python benchmarks/gpu_ceilings.py [--seconds 20] [--device cpu --tiny]
"""

from __future__ import annotations

from functools import partial

import torch
from gpu_common import Bench, spread


def main() -> None:
    bench = Bench.from_arguments("ceilings", __doc__)
    about = {"torch": torch.__version__, "cudnn": torch.backends.cudnn.version()}  # type: ignore[no-untyped-call]
    name = torch.cuda.get_device_name() if bench.device.type == "cuda" else "cpu"
    bench.say("card", name=name, **about)
    copies(bench)
    products(bench)
    host(bench)


def copies(bench: Bench) -> None:
    """Bytes read and written, of tensors much larger than the cache."""
    count = 1 << (20 if bench.tiny else 31)
    source = torch.randint(0, 256, (count,), dtype=torch.uint8, device=bench.device)
    target = torch.empty_like(source)
    bench.time(lambda: target.copy_(source), 2)
    rates = [2 * count / bench.time(lambda: target.copy_(source), 10) / 1e12 for _ in range(5)]
    bench.say("copy in device memory, TB/s read and written", **spread(rates))


def products(bench: Bench) -> None:
    side = 256 if bench.tiny else 8192
    for dtype, allow in ((torch.bfloat16, True), (torch.float16, True), (torch.float32, True), (torch.float32, False)):
        torch.backends.cuda.matmul.allow_tf32 = allow
        a, b = (torch.randn(side, side, device=bench.device, dtype=dtype) for _ in range(2))
        multiply = partial(torch.matmul, a, b)
        bench.time(multiply, 3)
        rates = [2 * side**3 / bench.time(multiply, 10) / 1e12 for _ in range(5)]
        name = "tf32" if dtype == torch.float32 and allow else str(dtype).removeprefix("torch.")
        bench.say(f"matrix product of side {side}, TFLOP/s", dtype=name, **spread(rates))
    torch.backends.cuda.matmul.allow_tf32 = False


def host(bench: Bench) -> None:
    """A batch of 256 images of 299 pixels as bytes, from pageable and from pinned memory."""
    count = 256 * 3 * 299 * 299
    device = torch.empty(count, dtype=torch.uint8, device=bench.device)
    for pinned in (False, True) if bench.device.type == "cuda" else (False,):
        batch = torch.randint(0, 256, (count,), dtype=torch.uint8, pin_memory=pinned)
        copy = partial(device.copy_, batch, non_blocking=True)
        bench.time(copy, 3)
        rates = [count / bench.time(copy, 10) / 1e9 for _ in range(5)]
        bench.say("copy from the host, GB/s", pinned=pinned, **spread(rates))


if __name__ == "__main__":
    main()
