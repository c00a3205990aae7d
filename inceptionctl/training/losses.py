"""The loss, which owns the weight of the auxiliary heads and whether their targets are smoothed."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import cross_entropy

from inceptionctl.models.torch.classifier import Output


@dataclass(frozen=True)
class CrossEntropy:
    """Cross entropy of the classifier plus `aux_weight` times that of each auxiliary head. `label_smoothing`: share of
    the target spread evenly over all classes (Rethinking, section 7)."""

    label_smoothing: float
    aux_weight: float
    smooth_aux: bool

    def __call__(self, output: Output, labels_N: Tensor) -> Tensor:
        loss = cross_entropy(output.logits, labels_N, label_smoothing=self.label_smoothing)
        for logits_NK in output.aux.values():
            smoothing = self.label_smoothing if self.smooth_aux else 0.0
            loss = loss + self.aux_weight * cross_entropy(logits_NK, labels_N, label_smoothing=smoothing)
        return loss
