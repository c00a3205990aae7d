"""The model of timm or torchvision that is the same network as a trained one."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, cast

from torch import nn

from inceptionctl.errors import RequestError
from inceptionctl.export.registry import FORMATS
from inceptionctl.export.trained import Trained, changed_settings
from inceptionctl.models.execution.inference import without_heads
from inceptionctl.models.settings import Arch
from inceptionctl.models.spec.nodes import Conv, Dropout, Endpoint, Linear, Node, Sep, Seq
from inceptionctl.models.spec.rewrite import rewritten
from inceptionctl.models.weights.libraries import library_model
from inceptionctl.models.weights.load import Tensors, to_release
from inceptionctl.models.weights.releases import LIBRARIES, RELEASES, Release
from inceptionctl.models.zoo.registry import network


class Twin(NamedTuple):
    """`arch`: our name of the network that `entry` is a release of."""

    arch: str
    entry: Release

    def state(self, trained: Trained) -> Tensors:
        """The weights under the library's names, without auxiliary heads: they serve training alone."""
        return to_release(without_heads(trained.model), self.arch, self.entry.publisher)

    def model(self, trained: Trained) -> nn.Module:
        """The library's, with weights of its own."""
        return library_model(self.entry, trained.n_classes, heads=False).eval()


def check_twin(trained: Trained, library: str) -> None:
    """Raises RequestError if the library has not the same network."""
    twin_of(trained, library)


def twin_of(trained: Trained, library: str) -> Twin:
    """Raises RequestError if the library has not the same network."""
    if found := _find(trained, library):
        return found
    raise _refused(trained, library, _difference(trained.arch, library))


def _find(trained: Trained, library: str) -> Twin | None:
    ours = _function(trained.spec)
    for arch, entries in RELEASES.items():
        for entry in entries:
            same_eps = entry.bn_eps in (None, trained.arch.bn_eps)
            if entry.publisher == library and same_eps and _function(network(arch, trained.n_classes)) == ours:
                return Twin(arch, entry)
    return None


def _function(spec: Seq) -> Seq:
    """`spec` without what has no part in the logits that it gives in evaluation mode."""
    plain = rewritten(spec, _without_init)
    return Seq(tuple((name, node) for name, node in plain if not isinstance(node, Dropout | Endpoint)))


def _without_init(node: Node) -> Node:
    return cast(Node, replace(node, init=None)) if isinstance(node, Conv | Sep | Linear) else node


def _difference(arch: Arch, library: str) -> str:
    entry = next((one for one in RELEASES.get(arch.name, ()) if one.publisher == library), None)
    if entry is None:
        return f"{library} has no {arch.name}"
    changed = changed_settings(arch)
    if entry.bn_eps not in (None, arch.bn_eps):
        changed["arch.bn_eps"] = arch.bn_eps
    settings = ", ".join(f"{key} = {value}" for key, value in changed.items())
    return f"{library}'s {entry.model} is not the network that has {settings or 'these layers'}"


def _refused(trained: Trained, library: str, why: str) -> RequestError:
    others = [name for name in LIBRARIES if name != library and _find(trained, name)]
    fit = [name for name in FORMATS if name not in LIBRARIES or name in others]
    return RequestError(f"format = {library}: {why}\n  formats for this network: {', '.join(fit)}")
