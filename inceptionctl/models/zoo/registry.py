"""The networks by name, and the variants of them that settings describe. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, cast

from inceptionctl.errors import RequestError, unknown
from inceptionctl.models.spec import rules
from inceptionctl.models.spec.nodes import Dropout, Endpoint, Linear, Node, Pool, Seq
from inceptionctl.models.spec.rewrite import after, fit_residuals, rewritten
from inceptionctl.models.spec.walk import walk
from inceptionctl.models.zoo.architecture import Architecture
from inceptionctl.models.zoo.switches import apply, double_width


def _found() -> dict[str, Architecture]:
    """NETWORKS of every file beside this one that has it: the papers' by YEAR, their plain twins, then the rest."""
    modules = [import_module(f"{__package__}.{info.name}") for info in iter_modules([str(Path(__file__).parent)])]
    papers = sorted((module for module in modules if hasattr(module, "YEAR")), key=lambda module: module.YEAR)
    entries = {name: entry for module in papers for name, entry in module.NETWORKS.items()}
    entries |= {f"{name}_plain": _plain_twin(name, entry) for name, entry in entries.items() if entry.has_plain_twin}
    return entries | {name: entry for module in modules for name, entry in getattr(module, "NETWORKS", {}).items()}


def _plain_twin(name: str, entry: Architecture) -> Architecture:
    """A residual network with its blocks without their shortcuts."""
    about = f"{name} without its shortcuts (ablation=[non_residual])"
    spec = lambda classes: rewritten(entry.spec(classes), rules.non_residual)  # noqa: E731
    return replace(entry, spec=spec, about=about, has_plain_twin=False, cell=None, size=None, differs="")


ARCHITECTURES = _found()
ELSEWHERE = {"inception_v1": "googlenet"}  # our network by the name that others give it


def architecture(name: str) -> Architecture:
    if name not in ARCHITECTURES:
        hint = f"Did you mean {ELSEWHERE[name]}?" if name in ELSEWHERE else None
        raise unknown("arch", name, ARCHITECTURES, hint=hint)
    return ARCHITECTURES[name]


def network(
    name: str,
    classes: int = 1000,
    *,
    head: bool = True,
    at: Sequence[str] | None = None,
    norm: bool | None = None,
    dropout: float | None = None,
    width: float = 1.0,
    rewrites: Mapping[str, Any] | None = None,
) -> Seq:
    """The spec of a variant of the named network; None keeps what the network has.

    `head`: with auxiliary heads or without any; `at`: the stages behind which they stand; `norm`: batch norm on their
    fully connected layer; `dropout`: the rate before the classifier; `width`: a factor on the filters of every layer;
    `rewrites`: values of switches by name. Raises RequestError for what does not fit this network.
    """
    entry, rewrites = architecture(name), rewrites or {}
    spec = entry.spec(classes)
    if at is not None and sorted(at) != sorted(entry.aux_at):
        spec = _with_heads(name, spec, at, classes)
    if not head:
        spec = rewritten(spec, rules.drop_heads)
    elif norm is not None:
        spec = _with_head_norm(spec, norm, rewrites)
    if dropout is not None and dropout != entry.dropout:
        spec = _with_dropout(name, spec, dropout)
    spec = apply(spec, rewrites, entry.blocks, name)
    spec = spec if width == 1.0 else rewritten(spec, rules.width(width))
    spec = double_width(spec, True) if rewrites.get("double_width") else spec
    return cast(Seq, fit_residuals(spec)[0])


def has_heads(spec: Seq) -> bool:
    return any(isinstance(node, Endpoint) and node.head for _, node in walk(spec))


def _with_heads(name: str, spec: Seq, at: Sequence[str], classes: int) -> Seq:
    """`spec` with the family's auxiliary head behind each of these stages, and nowhere else."""
    entry = architecture(name)
    if entry.aux_head is None:
        raise RequestError(
            f"arch.aux.at = [{', '.join(at)}]: neither paper nor release of {name} has an auxiliary head"
        )
    typed = f"arch.aux.at=[{','.join(at)}]"
    if len(set(at)) < len(at):
        raise RequestError(f"{typed}: a stage is named twice, and has one head")
    spec = Seq(tuple((child, node) for child, node in spec if not isinstance(node, Endpoint)))
    stages = _stages(spec)
    for stage in at:
        if stage not in stages:
            raise unknown(f"stage of {name}", stage, stages, typed, _no_stage(spec, stage))
        spec = after(spec, stage, "aux" if len(at) == 1 else f"aux_{stage}", Endpoint(entry.aux_head(classes)))
    return spec


def _stages(spec: Seq) -> list[str]:
    """The parts of a network that a head can stand behind: those that end on a map."""
    names = [name for name, _ in spec]
    return names[: next((i for i, (_, node) in enumerate(spec) if isinstance(node, Linear) or _is_global(node)), None)]


def _is_global(node: Node) -> bool:
    return isinstance(node, Pool) and node.global_


def _no_stage(spec: Seq, stage: str) -> str | None:
    return f"{stage} stands behind the last map: a head needs one" if stage in dict(spec) else None


def _with_head_norm(spec: Seq, norm: bool, rewrites: Mapping[str, Any]) -> Seq:
    if norm and rewrites.get("batch_norm") == "none":
        raise RequestError("arch.aux.norm = true and arch.rewrites.batch_norm = none contradict each other: change one")
    return rewritten(spec, rules.head_norm(norm))


def _with_dropout(name: str, spec: Seq, rate: float) -> Seq:
    """`spec` with another rate before its classifier; that of auxiliary heads stays."""
    if not any(isinstance(node, Dropout) for _, node in spec):
        raise RequestError(f"arch.dropout = {rate:g}: {name} has no dropout before its classifier")
    return Seq(tuple((child, Dropout(rate) if isinstance(node, Dropout) else node) for child, node in spec))
