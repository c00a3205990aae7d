"""The weights that timm and torchvision have released for these networks, and what they expect. No torch.

A setting `weights=` may be `timm`, `torchvision`, one of them with a tag (`timm:inception_v3.gluon_in1k`), or a file.
Addresses and checksums are the libraries' own, asked for when a file is fetched.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from inceptionctl.errors import RequestError, unknown
from inceptionctl.models.weights.download import cache_folder

LIBRARIES = ("timm", "torchvision")
SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
TV2 = {"IMAGENET1K_V2": "imagenet"}


@dataclass(frozen=True)
class Release:
    """`publisher` is timm or torchvision, `model` and `tag` are as it writes them; `input`: the `arch.input` that the
    weights were made for; `others`: that of more tags ("*": of any); `bn_eps`: of its batch norm (None: none)."""

    publisher: str
    model: str
    tag: str
    input: str
    bn_eps: float | None
    others: Mapping[str, str] = field(default_factory=dict, hash=False)
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.publisher}:{self.model}.{self.tag}"

    @property
    def cached(self) -> Path | None:
        """Where the file lies on this machine, if it does."""
        places = [self.place(suffix) for suffix in SUFFIXES]
        return next((place for place in places if place.is_file()), None)

    def place(self, suffix: str) -> Path:
        return cache_folder() / self.publisher / f"{self.model}.{self.tag}{suffix}"

    def tagged(self, tag: str) -> Release:
        """The same network's release under another tag. Raises RequestError for a tag that is known not to be."""
        known = {self.tag: self.input, **self.others}
        if tag not in known and "*" not in known:
            raise unknown(f"{self.publisher} weights of {self.model}", tag, known)
        return replace(self, tag=tag, input=known.get(tag) or known["*"])


@dataclass(frozen=True)
class Source:
    """`sha256`: its first digits, where the address names them."""

    url: str
    sha256: str | None


def _timm(model: str, tag: str, input: str, bn_eps: float | None, **others: str) -> Release:
    return Release("timm", model, tag, input, bn_eps, others)


def _torchvision(model: str, input: str, bn_eps: float | None, others: dict[str, str] | None = None) -> Release:
    return Release("torchvision", model, "IMAGENET1K_V1", input, bn_eps, others or {})


def _resnet(model: str, tag: str) -> tuple[Release, Release]:
    timm = Release("timm", model, tag, "imagenet", 1e-5, {"*": "imagenet"})
    return timm, _torchvision(model, "imagenet", 1e-5, TV2)


def _vgg(model: str) -> tuple[Release, Release]:
    return _timm(model, "tv_in1k", "imagenet", None), _torchvision(model, "imagenet", None)


# torchvision's Inceptions take ImageNet's normalisation and turn it into [-1, 1] themselves (transform_input).
RELEASES: dict[str, tuple[Release, ...]] = {
    "googlenet_bn": (
        replace(_torchvision("googlenet", "inception", 1e-3), note="its auxiliary heads are untrained (torchvision)"),
    ),
    "inception_v3": (
        _timm(
            "inception_v3", "tv_in1k", "inception", 1e-3,
            tf_in1k="inception", tf_adv_in1k="inception", gluon_in1k="imagenet",
        ),
        _torchvision("inception_v3", "inception", 1e-3),
    ),
    "inception_v4": (_timm("inception_v4", "tf_in1k", "inception", 1e-3),),
    "inception_resnet_v2": (
        _timm("inception_resnet_v2", "tf_in1k", "inception", 1e-3, tf_ens_adv_in1k="inception"),
    ),
    "xception": (_timm("legacy_xception", "tf_in1k", "inception", 1e-5),),
    "alexnet": (_torchvision("alexnet", "imagenet", None),),
    "vgg16": _vgg("vgg16"),
    "vgg19": _vgg("vgg19"),
    "resnet50": _resnet("resnet50", "a1_in1k"),
    "resnet101": _resnet("resnet101", "a1h_in1k"),
    "resnet152": _resnet("resnet152", "a1h_in1k"),
    "mobilenet_v1": (_timm("mobilenetv1_100", "ra4_e3600_r224_in1k", "inception", 1e-5),),
}  # fmt: skip


def release(arch: str, weights: str) -> Release | None:
    """The release that `weights` asks for, None where it names a file. Raises RequestError where there is none."""
    library, _, tag = weights.partition(":")
    if library not in LIBRARIES:
        return None
    found = {entry.publisher: entry for entry in RELEASES.get(arch, ())}
    if library not in found:
        raise RequestError(f"weights = {weights}: {library} has released no weights for {arch}\n  {_instead(arch)}")
    entry = found[library]
    return entry.tagged(tag.removeprefix(f"{entry.model}.")) if tag else entry


def check_other_settings(entry: Release, input: str, bn_eps: float) -> None:
    """Raises RequestError where the network would see other values than those that the weights were made for."""
    wanted: dict[str, tuple[Any, Any]] = {"arch.input": (input, entry.input)}
    if entry.bn_eps is not None:
        wanted["arch.bn_eps"] = (bn_eps, entry.bn_eps)
    wrong = {key: values for key, values in wanted.items() if values[0] != values[1]}
    if wrong:
        differ = " and ".join(f"{key} = {theirs}, not {ours}" for key, (ours, theirs) in wrong.items())
        add = " ".join(f"{key}={theirs}" for key, (_, theirs) in wrong.items())
        raise RequestError(f"weights = {entry.name} were made for {differ}\n  add {add}")


def source(entry: Release) -> Source:
    """Where the library says that the file is. Imports it, and torch. Raises RequestError for an unknown tag."""
    url = _timm_url(entry) if entry.publisher == "timm" else _torchvision_url(entry)
    digits = Path(url).stem.rpartition("-")[2]
    is_digest = len(digits) >= 8 and set(digits) <= set("0123456789abcdef")
    return Source(url, digits if is_digest else None)


def categories() -> list[str]:
    """The 1000 class names of ImageNet in the order of every release. Imports torchvision."""
    import torchvision.models

    return list(torchvision.models.get_model_weights("googlenet").DEFAULT.meta["categories"])


def _timm_url(entry: Release) -> str:
    import timm
    from huggingface_hub import hf_hub_url

    names = timm.list_pretrained(f"{entry.model}.*")
    if f"{entry.model}.{entry.tag}" not in names:
        raise unknown(f"timm weights of {entry.model}", entry.tag, [name.partition(".")[2] for name in names])
    config = timm.get_pretrained_cfg(f"{entry.model}.{entry.tag}")
    if not config.hf_hub_id:
        return str(config.url)
    hub, _, revision = config.hf_hub_id.partition("@")
    name = config.hf_hub_filename or "model.safetensors"
    return str(hf_hub_url(hub, name, revision=revision or None, endpoint=os.environ.get("HF_ENDPOINT")))


def _torchvision_url(entry: Release) -> str:
    import torchvision.models

    return str(torchvision.models.get_model_weights(entry.model)[entry.tag].url)


def _instead(arch: str) -> str:
    if entries := RELEASES.get(arch):
        return f"use weights={' or weights='.join(entry.publisher for entry in entries)}, or a file: weights=FILE"
    return f"released weights exist for {', '.join(RELEASES)}; or give a file: weights=FILE"
