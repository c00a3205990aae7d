"""What a network is: frozen nodes, no torch.

Three combinators (`Seq`, `Cat`, `Res`), the leaves that the papers name, and `Tap`, where a side head attaches.
Channels are never written down: whoever walks the tree infers them. Sizes are height x width x channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

Padding = Literal["same", "valid"]
Kernel = tuple[int, int]


@dataclass(frozen=True)
class Node:
    def __rshift__(self, after: Node) -> Seq:
        """`conv(48) >> conv(64, 5)`: a branch, its layers numbered from 0."""
        steps = (*_steps(self), *_steps(after))
        return Seq(tuple((str(i), step) for i, step in enumerate(steps)))


@dataclass(frozen=True)
class Conv(Node):
    """Convolution, batch norm, ReLU: the papers' one kind of layer. Without `norm` there is no bias either.

    `whole`: the kernel covers its map, whatever the size; `kernel` is then that of the paper's input.
    `init`: deviation of the truncated normal that fills the weights; None leaves it to the network's scheme.
    """

    filters: int
    kernel: Kernel = (1, 1)
    stride: int = 1
    padding: Padding = "same"
    norm: bool = True
    bias: bool = False
    relu: bool = True
    whole: bool = False
    init: float | None = None


@dataclass(frozen=True)
class Sep(Node):
    """Separable convolution: `multiplier` depthwise filters a channel, then 1x1 to `filters`; batch norm, ReLU."""

    filters: int
    kernel: Kernel
    stride: int = 1
    padding: Padding = "same"
    multiplier: int = 1


@dataclass(frozen=True)
class Pool(Node):
    """`whole` as in `Conv`; `cut`: a kernel larger than the map shrinks to it. `count_padding`: the border's zeros
    count in an average, as in torchvision and timm (TF-slim and Keras leave them out)."""

    kind: Literal["max", "avg"]
    kernel: Kernel = (3, 3)
    stride: int = 1
    padding: Padding = "same"
    whole: bool = False
    cut: bool = False
    count_padding: bool = True


@dataclass(frozen=True)
class Dropout(Node):
    """`rate` is the share that is dropped."""

    rate: float


@dataclass(frozen=True)
class Linear(Node):
    """Fully connected, with a bias, over the flattened map. `init` as in `Conv`."""

    features: int
    init: float | None = None


@dataclass(frozen=True)
class Tap(Node):
    """Lets its tensor pass and shows it to a side head, if there is one."""

    head: Node | None = None


Children = tuple[tuple[str, Node], ...]
Self = TypeVar("Self", bound="Named")


@dataclass(frozen=True)
class Named(Node):
    children: Children

    @classmethod
    def of(cls: type[Self], **children: Node) -> Self:
        return cls(tuple(children.items()))

    def __iter__(self) -> Iterator[tuple[str, Node]]:
        return iter(self.children)

    def __getitem__(self, name: str) -> Node:
        return dict(self.children)[name]


class Seq(Named):
    """Children one after the other."""


class Cat(Named):
    """Children side by side on one input, their channels joined in this order."""


@dataclass(frozen=True)
class Res(Named):
    """Input plus `scale` times what the children make of it in order; then ReLU (Inception-v4 paper, Figure 20)."""

    scale: float = 1.0
    relu: bool = True


def conv(filters: int, kernel: int | Kernel = 1, stride: int = 1, padding: Padding = "same") -> Conv:
    return Conv(filters, kernel if isinstance(kernel, tuple) else (kernel, kernel), stride, padding)


def average_pool() -> Pool:
    """The pooling branch of a module: 3x3, stride 1."""
    return Pool("avg")


def halve() -> Pool:
    """The pooling between stages: max 3x3, stride 2, no padding."""
    return Pool("max", stride=2, padding="valid")


def linear_conv(filters: int) -> Conv:
    """1x1 with a bias, no norm, no ReLU: what ends a residual branch."""
    return Conv(filters, norm=False, bias=True, relu=False)


def _steps(node: Node) -> tuple[Node, ...]:
    return tuple(child for _, child in node) if isinstance(node, Seq) else (node,)
