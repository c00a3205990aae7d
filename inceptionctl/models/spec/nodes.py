"""What a network is: frozen nodes, no torch.

Three combinators (`Seq`, `Cat`, `Res`), the leaves that the papers name, and `Tap`, where a side head attaches.
Channels are never written down: whoever walks the tree infers them. Sizes are height x width x channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

# A number of pixels on each side, or: "same", which keeps n / stride positions (half the kernel on each side); "valid",
# none; "ceil", none either, but a last window may hang over the edge (Caffe). "tensorflow", of pools, is its SAME: as
# many positions as "same", what is odd of the padding at the far edge; on even maps that is "ceil".
Padding = Literal["same", "valid", "ceil", "tensorflow"] | int
Kernel = tuple[int, int]
Norm = Literal["full", "shift", None]  # scale and shift a channel; shift alone (TF-slim, Keras); none
Activation = Literal["relu", "relu6", "elu"]


@dataclass(frozen=True)
class Node:
    def __rshift__(self, after: Node) -> Seq:
        """`conv(48) >> conv(64, 5)`: a branch, its layers numbered from 0."""
        steps = (*_steps(self), *_steps(after))
        return Seq(tuple((str(i), step) for i, step in enumerate(steps)))


@dataclass(frozen=True)
class Conv(Node):
    """Convolution, batch norm, ReLU: the papers' one kind of layer.

    `whole`: the kernel covers its map, whatever the size; `kernel` is then that of the paper's input.
    `init`: deviation of the truncated normal that fills the weights; None leaves it to the network's scheme.
    """

    filters: int
    kernel: Kernel = (1, 1)
    stride: int = 1
    padding: Padding = "same"
    norm: Norm = "full"
    bias: bool = False
    act: Activation | None = "relu"
    whole: bool = False
    init: float | None = None


@dataclass(frozen=True)
class Sep(Node):
    """Separable convolution: `multiplier` depthwise filters a channel, then 1x1 to `filters`; batch norm, ReLU.

    `segments`: into how many groups the channels fall that the spatial step mixes (None: each channel by itself; 1: an
    ordinary convolution). `between` and `norm_between`: activation and batch norm after the first of the two steps.
    `pointwise_first`: the 1x1 comes before the spatial step.
    """

    filters: int
    kernel: Kernel = (3, 3)
    stride: int = 1
    padding: Padding = "same"
    multiplier: int = 1
    norm: Norm = "full"
    bias: bool = False
    act: Activation | None = "relu"
    segments: int | None = None
    between: Activation | None = None
    norm_between: Norm = None
    pointwise_first: bool = False
    init: float | None = None


@dataclass(frozen=True)
class Pool(Node):
    """`whole` as in `Conv`; `cut`: a kernel larger than the map shrinks to it; `grid`: windows that give a map of that
    many positions a side (torch's adaptive pooling). `count_padding`: the border's zeros count in an average, as in
    torchvision and timm's Inception-v3 (TF-slim, Keras and timm's Inception-v4 leave them out)."""

    kind: Literal["max", "avg"]
    kernel: Kernel = (3, 3)
    stride: int = 1
    padding: Padding = "same"
    whole: bool = False
    cut: bool = False
    grid: int | None = None
    count_padding: bool = True


@dataclass(frozen=True)
class LRN(Node):
    """Local response normalisation across channels, with the constants of Caffe's GoogLeNet (architectures.md 1)."""

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75


@dataclass(frozen=True)
class Act(Node):
    kind: Activation = "relu"


@dataclass(frozen=True)
class Dropout(Node):
    """`rate` is the share that is dropped."""

    rate: float


@dataclass(frozen=True)
class Linear(Node):
    """Fully connected, with a bias, over the flattened map; `relu` makes it a hidden layer. `init` as in `Conv`."""

    features: int
    relu: bool = False
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

    def __contains__(self, name: str) -> bool:
        return name in dict(self.children)


class Seq(Named):
    """Children one after the other."""


class Cat(Named):
    """Children side by side on one input, their channels joined in this order."""


@dataclass(frozen=True)
class Res(Named):
    """`shortcut` of the input (None: the input itself) plus `scale` times what the children make of it in order; then
    ReLU (Inception-v4 paper, Figure 20)."""

    scale: float = 1.0
    relu: bool = True
    shortcut: Node | None = None


def conv(filters: int, kernel: int | Kernel = 1, stride: int = 1, padding: Padding = "same") -> Conv:
    return Conv(filters, kernel if isinstance(kernel, tuple) else (kernel, kernel), stride, padding)


def average_pool(count_padding: bool = True) -> Pool:
    """The pooling branch of a module: 3x3, stride 1."""
    return Pool("avg", count_padding=count_padding)


def global_pool(pixels: int) -> Pool:
    """Averages the whole map, which has `pixels` a side at the paper's input."""
    return Pool("avg", (pixels, pixels), padding="valid", whole=True)


def halve(padding: Padding = "valid") -> Pool:
    """The pooling between stages: max 3x3, stride 2."""
    return Pool("max", stride=2, padding=padding)


def linear_conv(filters: int, kernel: int | Kernel = 1) -> Conv:
    """A bias, no norm, no ReLU: what ends a residual branch."""
    kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    return Conv(filters, kernel, norm=None, bias=True, act=None)


def numbered(prefix: str, modules: Sequence[Node]) -> dict[str, Node]:
    """`block_a1`, `block_a2`, ...: modules that a paper draws once, with a factor."""
    return {f"{prefix}{i}": module for i, module in enumerate(modules, 1)}


def _steps(node: Node) -> tuple[Node, ...]:
    return tuple(child for _, child in node) if isinstance(node, Seq) else (node,)
