"""The networks by name, and how a configured variant is made from one. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from inceptionctl.errors import RequestError, unknown
from inceptionctl.models.spec.nodes import Dropout, Seq, Tap
from inceptionctl.models.spec.rewrite import after, fit_residuals, rewritten
from inceptionctl.models.spec.rules import drop_heads, head_norm, non_residual, width
from inceptionctl.models.zoo import baselines, bn_inception, googlenet, inception_v3, inception_v4, xception
from inceptionctl.models.zoo.architecture import Architecture
from inceptionctl.models.zoo.switches import apply

PAPERS = (
    googlenet.NETWORKS
    | bn_inception.NETWORKS
    | inception_v3.NETWORKS
    | inception_v4.NETWORKS
    | xception.NETWORKS
)  # fmt: skip
RESIDUAL = ("inception_resnet_v1", "inception_resnet_v2", "inception_resnet_v2_paper", "xception")


def _plain(name: str) -> Architecture:
    """The twin of a residual network that has its blocks without their shortcuts."""
    entry = PAPERS[name]
    about = f"{name} without its shortcuts (ablation=[non_residual])"
    spec = lambda classes: rewritten(entry.spec(classes), non_residual)  # noqa: E731
    return replace(entry, spec=spec, about=about, cell=None, size=None, differs="")


ARCHITECTURES = PAPERS | {f"{name}_plain": _plain(name) for name in RESIDUAL} | baselines.NETWORKS


def architecture(name: str) -> Architecture:
    if name not in ARCHITECTURES:
        raise unknown("arch", name, ARCHITECTURES)
    return ARCHITECTURES[name]


def network(
    name: str,
    classes: int = 1000,
    *,
    head: bool = True,
    at: Sequence[str] | None = None,
    norm: bool | None = None,
    drop: float | None = None,
    factor: float = 1.0,
    rewrites: Mapping[str, Any] | None = None,
) -> Seq:
    """The spec of a variant: the named network with its side heads, with others behind the stages `at`, or without
    (`head`); their fully connected layer with or without `norm` (None keeps the network's own); another rate of
    dropout; rewritten; every layer `factor` times as wide.

    Raises RequestError for what this network cannot be.
    """
    entry = architecture(name)
    spec = entry.spec(classes)
    if at is not None:
        spec = _headed(name, entry, spec, at, classes)
    if not head:
        spec = rewritten(spec, drop_heads)
    elif norm is not None:
        spec = _normed(spec, norm, rewrites or {})
    if drop is not None:
        spec = _dropped(name, spec, drop)
    spec = apply(spec, rewrites or {}, entry.blocks)
    return cast(Seq, fit_residuals(spec if factor == 1.0 else rewritten(spec, width(factor)))[0])


def _normed(spec: Seq, norm: bool, rewrites: Mapping[str, Any]) -> Seq:
    if norm and rewrites.get("batch_norm") == "none":
        raise RequestError("arch.aux.norm = true and arch.rewrites.batch_norm = none contradict each other: change one")
    return rewritten(spec, head_norm(norm))


def _dropped(name: str, spec: Seq, rate: float) -> Seq:
    """Another rate before the classifier; side heads keep theirs."""
    if not any(isinstance(node, Dropout) for _, node in spec):
        raise RequestError(f"arch.dropout = {rate:g}: {name} has no dropout before its classifier to change")
    return Seq(tuple((child, Dropout(rate) if isinstance(node, Dropout) else node) for child, node in spec))


def has_heads(spec: Seq) -> bool:
    return any(isinstance(node, Tap) and node.head for _, node in spec)


def _headed(name: str, entry: Architecture, spec: Seq, at: Sequence[str], classes: int) -> Seq:
    """`spec` with the family's side head behind each of these stages, and nowhere else."""
    if entry.head is None:
        raise RequestError(f"arch.aux.at = {list(at)}: {name} has no side head, neither in its paper nor in a release")
    spec = Seq(tuple((child, node) for child, node in spec if not isinstance(node, Tap)))
    for stage in at:
        if stage not in spec:
            raise unknown(f"stage of {name}", stage, [child for child, _ in spec], f"arch.aux.at={list(at)}")
        spec = after(spec, stage, "aux" if len(at) == 1 else f"aux_{stage}", Tap(entry.head(classes)))
    return spec
