"""What is exported: a trained network with what is known about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from inceptionctl.config.schema import Config
from inceptionctl.export.preprocessing import Preprocessing
from inceptionctl.models.settings import NO_REWRITES, Arch
from inceptionctl.models.spec.nodes import Seq
from inceptionctl.runs.paths import RunDir

if TYPE_CHECKING:
    from inceptionctl.models.torch.classifier import Classifier


@dataclass(frozen=True, kw_only=True)
class Trained:
    """`model`: on the CPU, in evaluation mode; `config`: that it was built from; `classes`: their names, numbers where
    there are none; `weights`: of a run ema, raw, best-ema or best-raw, otherwise the name of a release or of a file;
    `run`: whose weights they are, None for others; `sha256`: of a file of weights."""

    model: Classifier
    config: Config
    classes: Sequence[str]
    weights: str
    run: RunDir | None = None
    sha256: str | None = None

    @property
    def arch(self) -> Arch:
        return self.config.arch

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @property
    def changed(self) -> dict[str, Any]:
        return changed_settings(self.arch)

    @cached_property
    def spec(self) -> Seq:
        return self.arch.spec(self.n_classes)

    @cached_property
    def preprocessing(self) -> Preprocessing:
        return Preprocessing.of(self.config.protocol, self.arch.pixels, self.arch.input)


def changed_settings(arch: Arch) -> dict[str, Any]:
    """Those that make it another network than the one of its name: its width and its switches."""
    changed = {} if arch.width == 1 else {"arch.width": arch.width}
    return changed | {f"arch.rewrites.{k}": v for k, v in asdict(arch.rewrites).items() if v != NO_REWRITES[k]}
