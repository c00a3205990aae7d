"""The networks by name, and how a configured variant is made from one. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from inceptionctl.errors import unknown
from inceptionctl.models import inception_v3
from inceptionctl.models.rewrite import Blocks, apply, drop_heads, head_norm, rewrite, width
from inceptionctl.models.spec import Seq


@dataclass(frozen=True)
class Architecture:
    """A network of the papers. `cell`: the id of the paper's row in papers.yaml; `claims`: what it says of the size."""

    spec: Callable[[int], Seq]
    blocks: Blocks
    pixels: int
    cell: str
    about: str


ARCHITECTURES = {
    "inception_v2": Architecture(
        inception_v3.inception_v2,
        inception_v3.BLOCKS,
        299,
        "rethinking.t3.03",
        "Rethinking Table 3, row Inception-v2: released body, GoogLeNet stem with a plain 7x7 (a reading)",
    ),
    "inception_v3": Architecture(
        inception_v3.inception_v3,
        inception_v3.BLOCKS,
        299,
        "rethinking.t3.07",
        "Rethinking Table 3, last row, as released: three 3x3 in the stem, batch-normalised side head",
    ),
}


def architecture(name: str) -> Architecture:
    if name not in ARCHITECTURES:
        raise unknown("arch", name, ARCHITECTURES)
    return ARCHITECTURES[name]


def network(
    name: str,
    classes: int = 1000,
    *,
    head: bool = True,
    norm: bool | None = None,
    factor: float = 1.0,
    rewrites: Mapping[str, Any] | None = None,
) -> Seq:
    """The spec of a variant: the named network, rewritten, with or without side `head` (its fully connected layer with
    or without `norm`; None keeps the network's own), every convolution `factor` times as wide."""
    entry = architecture(name)
    spec = apply(entry.spec(classes), rewrites or {}, entry.blocks)
    if not head:
        spec = cast(Seq, rewrite(spec, drop_heads))
    elif norm is not None:
        spec = cast(Seq, rewrite(spec, head_norm(norm)))
    return spec if factor == 1.0 else cast(Seq, rewrite(spec, width(factor)))
