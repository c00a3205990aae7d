"""The facts of a network, each stated here once; settings that are null take them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from inceptionctl.models.spec.nodes import Conv, Dropout, Endpoint, Seq

Blocks = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """`spec` and `aux_head` (None: the family has no auxiliary head) take the number of classes.

    `pixels`: side of the paper's input; `input`: its normalisation; `init`: the scheme of the paper or release;
    `blocks`: the repeated modules of each grid. `cell` and `size` are the records of papers.yaml with the error and the
    size of the network; `differs` says why the size and the count differ.
    """

    spec: Callable[[int], Seq]
    about: str
    pixels: int = 299
    input: str = "inception"
    bn_eps: float = 1e-3  # TF-slim, torchvision, timm and Keras alike
    init: str = "he"
    blocks: Blocks = ()
    aux_head: Callable[[int], Seq] | None = None
    aux_weight: float = 0.4  # of each auxiliary head in the loss; the released script's
    has_plain_twin: bool = False  # whether `NAME_plain`, without its shortcuts, is a network too
    cell: str | None = None
    size: str | None = None
    differs: str = ""

    @cached_property
    def dropout(self) -> float:
        """The rate before the classifier; 0 without dropout."""
        return next((node.rate for _, node in self.spec(1) if isinstance(node, Dropout)), 0.0)

    @cached_property
    def aux_at(self) -> list[str]:
        """The stages behind which the network has its auxiliary heads."""
        return [before for (before, _), (_, node) in pairwise(self.spec(1)) if isinstance(node, Endpoint)]

    @cached_property
    def aux_norm(self) -> bool:
        """Whether the fully connected layer of its auxiliary head has batch norm."""
        fc = self.aux_head(1)["fc"] if self.aux_head else None
        return isinstance(fc, Conv) and fc.norm is not None
