"""The weights that timm and torchvision have released for these networks. No torch.

A setting `weights=` may be `timm`, `torchvision`, one of them with a tag (`timm:inception_v3.gluon_in1k`), or a file.
Files are looked for, and downloaded to, where the libraries themselves keep them: the cache of the Hugging Face hub, or
torch.hub's folder of checkpoints.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from inceptionctl.errors import RequestError, unknown
from inceptionctl.models.weights import download, hub

LIBRARIES = ("timm", "torchvision")
GITHUB = "https://github.com/rwightman/pytorch-image-models/releases/download/"
PYTORCH = "https://download.pytorch.org/models/"


@dataclass(frozen=True)
class Release:
    """`publisher`: timm or torchvision, which write `model` and `tag`; `bn_eps` of batch norm (None: there is none).

    `inputs`: the `arch.input` that the weights of each tag were trained with ("*": of any other tag); `files`: their
    addresses (those without are on the hub).
    """

    publisher: str
    model: str
    tag: str
    bn_eps: float | None
    inputs: Mapping[str, str] = field(hash=False)
    files: Mapping[str, str] = field(hash=False)
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.publisher}:{self.model}.{self.tag}"

    @property
    def input(self) -> str:
        return self.inputs.get(self.tag) or self.inputs["*"]

    @property
    def url(self) -> str:
        return self.files.get(self.tag) or hub.address(f"timm/{self.model}.{self.tag}")

    @property
    def path(self) -> Path | None:
        """The place of a file that is not on the hub, on this machine."""
        return checkpoints_folder() / Path(self.url).name if self.tag in self.files else None

    @property
    def cached(self) -> Path | None:
        """The file on this machine, if it is here."""
        if self.path:
            return self.path if self.path.is_file() else None
        return hub.cached(f"timm/{self.model}.{self.tag}")

    def tagged(self, tag: str) -> Release:
        """The release of the same network with another tag. Raises RequestError for a tag that cannot exist."""
        if "*" in self.inputs and not re.fullmatch(r"\w[\w.-]{0,60}", tag, re.ASCII):
            raise RequestError(
                f"{self.publisher}:{tag} is no tag: one has letters, digits, _ . and -, as {self.tag} has"
            )
        if tag not in self.inputs and "*" not in self.inputs:
            raise unknown(f"{self.publisher} weights of {self.model}", tag, self.inputs)
        return replace(self, tag=tag)

    def download(self, progress: download.Progress) -> Path:
        """The file on this machine, downloaded if it is not here. Raises InceptionctlError if that fails."""
        if self.path:
            return download.fetch(self.url, self.path, Path(self.url).stem.rpartition("-")[2], progress)
        return hub.fetch(f"timm/{self.model}.{self.tag}")


def checkpoints_folder() -> Path:
    """torch.hub's folder, which torchvision and timm use."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("TORCH_HOME") or cache / "torch").expanduser() / "hub" / "checkpoints"


def _timm(model: str, bn_eps: float | None, **inputs: str) -> Release:
    return Release("timm", model, next(iter(inputs)), bn_eps, inputs, {})


def _torchvision(model: str, bn_eps: float | None, *files: str, input: str = "imagenet", note: str = "") -> Release:
    """`files` in the order of the versions of the weights."""
    urls = {f"IMAGENET1K_V{i}": f"{PYTORCH}{file}.pth" for i, file in enumerate(files, 1)}
    return Release("torchvision", model, "IMAGENET1K_V1", bn_eps, dict.fromkeys(urls, input), urls, note)


def _timm_resnet(model: str, tag: str) -> Release:
    return Release("timm", model, tag, 1e-5, {"*": "imagenet"}, {})


XCEPTION = {"tf_in1k": f"{GITHUB}v0.1-cadene/xception-43020ad28.pth"}  # not on the hub
UNTRAINED_HEADS = "its auxiliary heads are untrained (torchvision)"

# The first of a library's tags is its default. torchvision's Inceptions take ImageNet's normalisation and turn it into
# [-1, 1] themselves (transform_input).
RELEASES: dict[str, tuple[Release, ...]] = {
    "googlenet_bn": (
        _torchvision("googlenet", 1e-3, "googlenet-1378be20", input="inception", note=UNTRAINED_HEADS),
    ),
    "inception_v3": (
        _timm(
            "inception_v3", 1e-3, tv_in1k="inception", tf_in1k="inception", tf_adv_in1k="inception",
            gluon_in1k="imagenet",
        ),
        _torchvision("inception_v3", 1e-3, "inception_v3_google-0cc3c7bd", input="inception"),
    ),
    "inception_v4": (_timm("inception_v4", 1e-3, tf_in1k="inception"),),
    "inception_resnet_v2": (
        _timm("inception_resnet_v2", 1e-3, tf_in1k="inception", tf_ens_adv_in1k="inception"),
    ),
    "xception": (Release("timm", "legacy_xception", "tf_in1k", 1e-5, {"tf_in1k": "inception"}, XCEPTION),),
    "alexnet": (_torchvision("alexnet", None, "alexnet-owt-7be5be79"),),
    "vgg16": (_timm("vgg16", None, tv_in1k="imagenet"), _torchvision("vgg16", None, "vgg16-397923af")),
    "vgg19": (_timm("vgg19", None, tv_in1k="imagenet"), _torchvision("vgg19", None, "vgg19-dcbb9e9d")),
    "resnet50": (
        _timm_resnet("resnet50", "a1_in1k"),
        _torchvision("resnet50", 1e-5, "resnet50-0676ba61", "resnet50-11ad3fa6"),
    ),
    "resnet101": (
        _timm_resnet("resnet101", "a1h_in1k"),
        _torchvision("resnet101", 1e-5, "resnet101-63fe2227", "resnet101-cd907fc2"),
    ),
    "resnet152": (
        _timm_resnet("resnet152", "a1h_in1k"),
        _torchvision("resnet152", 1e-5, "resnet152-394f9c45", "resnet152-f82ba261"),
    ),
    "mobilenet_v1": (_timm("mobilenetv1_100", 1e-5, ra4_e3600_r224_in1k="inception"),),
}  # fmt: skip


def release(arch: str, weights: str) -> Release | None:
    """The release that `weights` names; None: it names a file. Raises RequestError for one that does not exist."""
    library, _, tag = weights.partition(":")
    if library not in LIBRARIES:
        return None
    entry = next((entry for entry in RELEASES.get(arch, ()) if entry.publisher == library), None)
    if entry is None:
        raise RequestError(f"weights = {weights}: {library} has released no weights for {arch}\n  {_instead(arch)}")
    return entry.tagged(tag.removeprefix(f"{entry.model}.")) if tag else entry


def check_other_settings(entry: Release, input: str, bn_eps: float) -> None:
    """Raises RequestError for a network whose input or epsilon is not the one that the weights were trained with."""
    needed: dict[str, tuple[Any, Any]] = {"arch.input": (input, entry.input)}
    if entry.bn_eps is not None:
        needed["arch.bn_eps"] = (bn_eps, entry.bn_eps)
    wrong = {key: values for key, values in needed.items() if values[0] != values[1]}
    if wrong:
        differ = " and ".join(f"{key} = {theirs}, not {ours}" for key, (ours, theirs) in wrong.items())
        add = " ".join(f"{key}={theirs}" for key, (_, theirs) in wrong.items())
        raise RequestError(f"weights = {entry.name} were trained with {differ}\n  add {add}")


def categories() -> list[str]:
    """The 1000 class names of ImageNet in the order of every release. Imports torchvision."""
    import torchvision.models

    return list(torchvision.models.get_model_weights("googlenet").DEFAULT.meta["categories"])


def _instead(arch: str) -> str:
    if entries := RELEASES.get(arch):
        return f"use weights={' or weights='.join(entry.publisher for entry in entries)}, or a file: weights=FILE"
    return f"released weights exist for {', '.join(RELEASES)}; or give a file: weights=FILE"
