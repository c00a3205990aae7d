"""A whole network, with the interface that users of timm know. N images, C channels, H x W positions."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from inceptionctl.models.torch.modules import AuxHead, GridPool

LAST = "logits"  # the layer that gives them, in a network and in an auxiliary head


@dataclass(frozen=True)
class Output:
    """Logits of the classifier, (N, classes), and of each auxiliary head by the name of its endpoint."""

    logits: Tensor
    aux: dict[str, Tensor]


class Classifier(nn.Module):
    """A network: its stages by name, auxiliary heads among them."""

    def __init__(self, stages: dict[str, nn.Module]) -> None:
        super().__init__()
        for name, stage in stages.items():
            self.add_module(name, stage)

    def forward(self, x_NCHW: Tensor) -> Output:
        aux: dict[str, Tensor] = {}
        for name, stage in self._modules.items():
            if isinstance(stage, AuxHead):
                aux[name] = stage(x_NCHW)
            elif stage is not None:
                x_NCHW = stage(x_NCHW)
        return Output(x_NCHW.flatten(1), aux)

    def forward_features(self, x_NCHW: Tensor) -> Tensor:
        """The last feature map: what stands before the pooling, dropout and linear layers at the end."""
        for _, stage in self._body_and_head()[0]:
            x_NCHW = stage(x_NCHW)
        return x_NCHW

    def forward_head(self, x_NCHW: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits (N, classes) of a map of `forward_features`; with `pre_logits` the input of the last layer instead,
        (N, num_features), averaged over its positions where it is a map."""
        for name, stage in self._body_and_head()[1]:
            if pre_logits and name == LAST:
                return x_NCHW.flatten(2).mean(dim=2) if x_NCHW.dim() == 4 else x_NCHW
            x_NCHW = stage(x_NCHW)
        return x_NCHW.flatten(1)

    @property
    def num_features(self) -> int:
        """Channels of the last layer's input."""
        return int(next(self.get_submodule(LAST).parameters()).shape[1])

    def reset_classifier(self, num_classes: int) -> None:
        """Replaces the last layer, and those of auxiliary heads, by ones for `num_classes`, with torch's default
        weights."""
        for path, layer in list(self.named_modules()):
            if LAST in path.split(".") and isinstance(layer, nn.Linear | nn.Conv2d):
                self.set_submodule(path, _for_classes(layer, num_classes))

    def _body_and_head(self) -> tuple[list[tuple[str, nn.Module]], list[tuple[str, nn.Module]]]:
        """The stages without auxiliary heads. The head: from the first of the average pools, dropout and linear layers
        that end the network, on."""
        stages = [(name, stage) for name, stage in self.named_children() if not isinstance(stage, AuxHead)]
        first = len(stages)
        while first and _is_of_head(*stages[first - 1]):
            first -= 1
        return stages[:first], stages[first:]


def _is_of_head(name: str, stage: nn.Module) -> bool:
    own = (nn.AvgPool2d, GridPool, nn.Dropout)
    return name == LAST or isinstance(stage, own) or any(isinstance(part, nn.Linear) for part in stage.modules())


def _for_classes(layer: nn.Linear | nn.Conv2d, num_classes: int) -> nn.Linear | nn.Conv2d:
    weight, bias = layer.weight, layer.bias is not None
    if isinstance(layer, nn.Linear):
        return type(layer)(layer.in_features, num_classes, bias, weight.device, weight.dtype)
    new = nn.Conv2d(layer.in_channels, num_classes, 1, bias=bias, device=weight.device, dtype=weight.dtype)
    assert layer.kernel_size == (1, 1), "the last convolution of every network is 1x1"
    return new
