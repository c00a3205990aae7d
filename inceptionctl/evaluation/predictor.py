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
from inceptionctl.data.normalise import Normalise
from inceptionctl.data.order import generator
from inceptionctl.errors import DataError
from inceptionctl.models.torch.modules import Classifier

BATCH_SIZE = 16


@dataclass(frozen=True)
class Prediction:
    """`p_K`: probability of each class; `features_C`: pooled input of the final classifier, float32."""

    path: Path
    p_K: np.ndarray
    features_C: np.ndarray

    def top(self, n: int) -> list[int]:
        """The `n` most probable classes, best first."""
        return [int(k) for k in np.argsort(-self.p_K, kind="stable")[:n]]


@dataclass(frozen=True)
class Predictor:
    """`model` in evaluation mode, on its device; `transform` and `normalise` as in the evaluation of its run."""

    model: Classifier
    transform: Transform
    normalise: Normalise

    def predict(self, files: Sequence[Path], report: Callable[[str], None]) -> Iterator[Prediction]:
        """The predictions for `files`, in order; one that cannot be read is passed over, and `report` told why."""
        for start in range(0, len(files), BATCH_SIZE):
            images = dict(self._read(files[start : start + BATCH_SIZE], report))
            if images:
                p_NK, features_NC = self._forward(np.stack(list(images.values())))
                yield from map(Prediction, images, p_NK, features_NC)

    def _read(self, files: Sequence[Path], report: Callable[[str], None]) -> Iterator[tuple[Path, np.ndarray]]:
        """uint8, (pixels, pixels, 3)."""
        for path in files:
            try:
                yield path, np.asarray(self.transform(decode(path), generator(0, 0)))
            except DataError as error:
                report(str(error))

    def _forward(self, images_NHWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities (N, classes) and the classifier's input (N, channels), averaged over the map if it is one."""
        device, inputs = next(self.model.parameters()).device, list[Tensor]()
        hook = self.model.get_submodule("logits").register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
        images_NCHW = torch.from_numpy(images_NHWC).permute(0, 3, 1, 2).to(device)
        with torch.no_grad():
            logits_NK: Tensor = self.model(self.normalise(images_NCHW, torch.channels_last)).logits
        hook.remove()
        (features,) = inputs
        pooled_NC = features.flatten(2).mean(dim=2) if features.dim() == 4 else features
        return logits_NK.softmax(dim=1).cpu().numpy(), pooled_NC.float().cpu().numpy()
