"""What a network is: frozen nodes, no torch.

Three combinators (`Seq`, `Cat`, `Res`), layers as the papers name them, and `Endpoint`, where an auxiliary head
attaches. Input channels are inferred, never written down. Sizes are height x width x channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeVar, get_args, get_type_hints

# Pixels on each side, or: "same", half the kernel on each side, which keeps n / stride positions; "valid", none;
# "ceil", none, but the last window may extend beyond the edge (Caffe); "tensorflow", for pools, TensorFlow's SAME: as
# many positions as "same", an odd pixel of padding at the far edge (on even maps the same as "ceil").
Padding = Literal["same", "valid", "ceil", "tensorflow"] | int
Kernel = tuple[int, int]
Norm = Literal["full", "shift", None]  # scale and shift per channel; shift only (TF-slim, Keras); none
Activation = Literal["relu", "relu6", "elu", "sigmoid"]


@dataclass(frozen=True)
class Node:
    def __rshift__(self, after: Node) -> Seq:
        """`conv(48) >> conv(64, 5)`: a branch, its layers numbered from 0."""
        return sequence([*_layers(self), *_layers(after)])


class Leaf(Node):
    """A layer. Raises ValueError for a word that a field does not take."""

    def __post_init__(self) -> None:
        for name, words in _words(type(self)).items():  # type: ignore[arg-type]  # mypy takes the hash of its instances
            if isinstance(value := getattr(self, name), str) and value not in words:
                raise ValueError(f"{type(self).__name__} with {name} = {value!r}: it takes {', '.join(words)}")


@cache
def _words(layer: type) -> dict[str, list[str]]:
    """By field, those of its Literal."""
    found = dict[str, list[str]]()
    for name, kind in get_type_hints(layer).items():
        words = [word for part in (kind, *get_args(kind)) for word in get_args(part) if isinstance(word, str)]
        found |= {name: words} if words else {}
    return found


@dataclass(frozen=True)
class Conv(Leaf):
    """Convolution, batch norm, ReLU.

    `global_`: the kernel is as large as its map, whatever the size; `kernel` is then its size for the paper's input.
    `init`: standard deviation of the truncated normal for the weights; None: the network's scheme.
    """

    filters: int
    kernel: Kernel = (1, 1)
    stride: int = 1
    padding: Padding = "same"
    norm: Norm = "full"
    bias: bool = False
    act: Activation | None = "relu"
    global_: bool = False
    init: float | None = None


@dataclass(frozen=True)
class Sep(Leaf):
    """Separable convolution: `multiplier` depthwise filters per channel, then 1x1 to `filters`; batch norm, ReLU.

    `segments`: the number of groups of channels in the spatial step (None: one per channel; 1: an ordinary
    convolution). `between` and `norm_between`: activation and batch norm after the first of the two steps.
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
class Pool(Leaf):
    """Max or average pooling.

    `global_` as in `Conv`; `shrink_to_map`: a kernel larger than the map shrinks to it; `grid`: the side of the output
    (torch's adaptive pooling). `count_padding`: averages include the padding, as in torchvision and timm's Inception-v3
    (not in TF-slim, Keras and timm's Inception-v4).
    """

    kind: Literal["max", "avg"]
    kernel: Kernel = (3, 3)
    stride: int = 1
    padding: Padding = "same"
    global_: bool = False
    shrink_to_map: bool = False
    grid: int | None = None
    count_padding: bool = True


@dataclass(frozen=True)
class LRN(Leaf):
    """Local response normalisation across channels, with the constants of Caffe's GoogLeNet (architectures.md 1)."""

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75


@dataclass(frozen=True)
class Act(Leaf):
    kind: Activation = "relu"


@dataclass(frozen=True)
class Dropout(Leaf):
    """`rate`: the fraction that is dropped."""

    rate: float


@dataclass(frozen=True)
class Linear(Leaf):
    """Fully connected with bias, on the flattened map; `relu`: a hidden layer. `init` as in `Conv`."""

    features: int
    relu: bool = False
    init: float | None = None


@dataclass(frozen=True)
class Endpoint(Node):
    """Passes its input on, and to the auxiliary head if it has one."""

    head: Seq | None = None


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
    """`shortcut` of the input (None: the input itself) plus `scale` times its children in sequence; then ReLU
    (Inception-v4 paper, Figure 20)."""

    scale: float = 1.0
    relu: bool = True
    shortcut: Node | None = None


def sequence(layers: Iterable[Node]) -> Seq:
    """`layers` in order, named by their numbers from 0."""
    return Seq(tuple((str(i), layer) for i, layer in enumerate(layers)))


def conv(filters: int, kernel: int | Kernel = 1, stride: int = 1, padding: Padding = "same") -> Conv:
    return Conv(filters, kernel if isinstance(kernel, tuple) else (kernel, kernel), stride, padding)


def average_pool(count_padding: bool = True) -> Pool:
    """The pooling branch of a module: 3x3, stride 1."""
    return Pool("avg", count_padding=count_padding)


def global_pool(pixels: int) -> Pool:
    """Average of the whole map, whose side is `pixels` for the paper's input."""
    return Pool("avg", (pixels, pixels), padding="valid", global_=True)


def halve(padding: Padding = "valid") -> Pool:
    """The pooling between stages: 3x3 max, stride 2."""
    return Pool("max", stride=2, padding=padding)


def linear_conv(filters: int, kernel: int | Kernel = 1) -> Conv:
    """Bias, no norm, no ReLU: the end of a residual branch."""
    kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    return Conv(filters, kernel, norm=None, bias=True, act=None)


def numbered(prefix: str, modules: Sequence[Node]) -> dict[str, Node]:
    """`block_a1`, `block_a2`, ...: modules that a paper draws once with a factor."""
    return {f"{prefix}{i}": module for i, module in enumerate(modules, 1)}


def _layers(node: Node) -> list[Node]:
    return [child for _, child in node] if isinstance(node, Seq) else [node]
