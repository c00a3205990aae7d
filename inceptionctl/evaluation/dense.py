"""A network for images of any size from its own input up: its classifier at every position of the last map, averaged.

VGG (Simonyan and Zisserman, section 3.2: class scores are averaged over positions, then comes the softmax) and ResNet
(He et al., section 3.4) are evaluated so, under the names "dense" and "fully-convolutional".
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn.functional import conv2d

from inceptionctl.errors import RequestError
from inceptionctl.models.torch.classifier import Classifier
from inceptionctl.models.torch.modules import FullyConnected, GridPool


class MapMean(nn.Module):
    """The mean over all positions of a map of any size, (N, C, 1, 1)."""

    def forward(self, x_NCHW: Tensor) -> Tensor:
        return x_NCHW.mean((2, 3), keepdim=True)


class ConvolvedLinear(nn.Module):
    """A fully connected layer for maps of `side` x `side` as a convolution, for larger maps; it shares the weights."""

    def __init__(self, linear: nn.Linear, side: int) -> None:
        super().__init__()
        self.linear, self.side = linear, side

    def forward(self, x_NCHW: Tensor) -> Tensor:
        weight = self.linear.weight
        return conv2d(x_NCHW, weight.view(len(weight), -1, self.side, self.side), self.linear.bias)


def fully_convolutional(model: nn.Module) -> Classifier:
    """`model` with the same weights, and the same outputs for its own input.

    After a global average, the classifier of the mean is the mean of the classifier at each position. Where hidden
    layers follow a grid of positions (VGG), the first becomes a convolution over such a grid. Raises RequestError for
    any other head.
    """
    stages = dict(model.named_children())
    pool = stages.get("pool")
    after = list(stages)[list(stages).index("pool") + 1 :] if pool else []
    if isinstance(pool, nn.AvgPool2d) and after == ["logits"] and isinstance(stages["logits"], FullyConnected):
        return Classifier(stages | {"pool": MapMean()})
    if isinstance(pool, GridPool) and after[-1:] == ["logits"]:
        hidden = dict(_convolved({name: stages[name] for name in after}, pool.grid))
        return Classifier(stages | {"pool": nn.Identity()} | hidden | {"mean": MapMean()})
    raise RequestError("protocol=dense needs a network with a global average, or with VGG's hidden layers, at its end")


def _convolved(head: dict[str, nn.Module], grid: int) -> Iterator[tuple[str, nn.Module]]:
    """The layers of `head`; the first fully connected one sees `grid` x `grid` positions, the others one."""
    side = grid
    for name, layer in head.items():
        linear = layer if isinstance(layer, nn.Linear) else getattr(layer, "linear", None)
        if not isinstance(linear, nn.Linear):
            yield name, layer
            continue
        convolved = ConvolvedLinear(linear, side)
        yield name, convolved if layer is linear else nn.Sequential(convolved, *list(layer.children())[1:])
        side = 1
