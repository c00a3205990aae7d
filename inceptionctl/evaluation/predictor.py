"""Classifies image files by a network in evaluation mode: probabilities and pooled features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inceptionctl.data.decode import decode
from inceptionctl.data.images import Transform
from inceptionctl.data.order import generator
from inceptionctl.data.view_batches import views_of
from inceptionctl.errors import DataError
from inceptionctl.evaluation.evaluate import Network, logits_of
from inceptionctl.evaluation.protocol_base import ProtocolSettings
from inceptionctl.evaluation.scores import of_views, ranked

BATCH_SIZE = 16  # inputs


@dataclass(frozen=True)
class Prediction:
    """`p_K`: probability of each class; `features_C`: pooled input of the final classifier, float32, its mean over the
    views; `ranked_K`: the classes, likeliest first, ties by their index."""

    path: Path
    p_K: np.ndarray
    features_C: np.ndarray
    ranked_K: np.ndarray

    def top(self, n: int) -> list[int]:
        """The `n` most probable classes, best first."""
        return [int(k) for k in self.ranked_K[:n]]


@dataclass(frozen=True)
class Predictor:
    """`network` with its model in evaluation mode; `transform` and `protocol` as in the evaluation of its run."""

    network: Network
    transform: Transform
    protocol: ProtocolSettings

    def predict(self, files: Sequence[Path], report: Callable[[str], None]) -> Iterator[Prediction]:
        """The predictions for `files`, in order; one that cannot be read is passed over, and `report` told why."""
        size = max(1, BATCH_SIZE // self.protocol.num_views)
        for start in range(0, len(files), size):
            images = dict(self._read(files[start : start + size], report))
            if images:
                yield from map(Prediction, images, *self._forward(np.stack(list(images.values()))))

    def _read(self, files: Sequence[Path], report: Callable[[str], None]) -> Iterator[tuple[Path, np.ndarray]]:
        """uint8, (views, pixels, pixels, 3)."""
        for path in files:
            try:
                yield path, views_of(np.asarray(self.transform(decode(path), generator(0, 0))))
            except DataError as error:
                report(str(error))

    def _forward(self, views_NVHWC: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Probabilities (N, classes), the classifier's input (N, channels), averaged over the map if it is one, and the
        classes by their probabilities."""
        inputs = list[Tensor]()
        classifier = self.network.model.get_submodule("logits")
        hook = classifier.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
        views_NVCHW = torch.from_numpy(views_NVHWC).permute(0, 1, 4, 2, 3)
        with torch.no_grad():
            logits_NVK = logits_of(self.network, views_NVCHW, self.protocol.mirrored, BATCH_SIZE)
        hook.remove()
        scores = of_views(logits_NVK, self.protocol.averaging)
        features = torch.cat(inputs)
        pooled = features.flatten(2).mean(dim=2) if features.dim() == 4 else features
        pooled_NC = pooled.reshape(*logits_NVK.shape[:2], -1).mean(dim=1)
        ranked_NK = ranked(scores.log_p_NK, scores.log_p_NK.shape[1])
        return scores.p_NK.cpu().numpy(), pooled_NC.float().cpu().numpy(), ranked_NK.cpu().numpy()
