"""Layers and modules as text, in the notation of the papers' tables: `3x3/2 V 96` is a 3x3 convolution, stride 2,
unpadded, 96 filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from typing import TypeGuard

from inceptionctl.models.spec.nodes import (
    LRN,
    Act,
    Activation,
    Cat,
    Conv,
    Dropout,
    Endpoint,
    Linear,
    Node,
    Norm,
    Pool,
    Res,
    Sep,
    Seq,
)
from inceptionctl.models.spec.walk import leaves

ConvDefaults = tuple[Norm, Activation | None]  # what follows a convolution of a network, if nothing else is said
BATCH_NORM_RELU: ConvDefaults = ("full", "relu")
NORMS: dict[Norm, str] = {"full": "batch norm", "shift": "batch norm without scale", None: "no batch norm"}
ACTIVATIONS: dict[Activation | None, str] = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "elu": "ELU",
    "sigmoid": "sigmoid",
    None: "no activation",
}


def conv_defaults(nodes: Iterable[Node]) -> ConvDefaults:
    """What follows most convolutions in `nodes`: said once, not on every line."""
    counts = Counter((leaf.norm, leaf.act) for node in nodes for leaf in leaves(node) if isinstance(leaf, Conv | Sep))
    return counts.most_common(1)[0][0] if counts else BATCH_NORM_RELU


def conv_defaults_text(defaults: ConvDefaults) -> str:
    return f"{NORMS[defaults[0]]}, {ACTIVATIONS[defaults[1]]}"


def inline(node: Node, defaults: ConvDefaults = BATCH_NORM_RELU) -> str:
    """Any node on one line: the layers of a branch with commas between, a fork in braces."""
    match node:
        case Seq():
            return ", ".join(inline(child, defaults) for _, child in node)
        case Cat():
            return "{" + " | ".join(inline(child, defaults) for _, child in node) + "}"
        case Res():
            return f"[{residual_sum(node)}: {inline(Seq(node.children), defaults)}]"
        case Endpoint():
            return inline(node.head, defaults) if node.head else "endpoint"
        case Conv() | Sep():
            return convolution(node, defaults)
    return other_layer(node)


def lines(node: Node, defaults: ConvDefaults = BATCH_NORM_RELU) -> list[str]:
    """A module, one branch per line; for a residual block also its shortcut and its sum."""
    match node:
        case Cat():
            return [inline(child, defaults) for _, child in node]
        case Res():
            shortcut = [f"shortcut: {inline(node.shortcut, defaults)}"] if node.shortcut else []
            return [*lines(Seq(node.children), defaults), *shortcut, f"sum: {residual_sum(node)}"]
        case Seq() if any(isinstance(child, Cat) for _, child in node):
            runs = groupby((child for _, child in node), key=lambda child: isinstance(child, Cat))
            return [line for are_modules, run in runs for line in _run(are_modules, run, defaults)]
    return [inline(node, defaults)]


def _run(are_modules: bool, run: Iterable[Node], defaults: ConvDefaults) -> list[str]:
    """Modules by their branches; the layers between them on one line."""
    if are_modules:
        return [line for child in run for line in lines(child, defaults)]
    return [f"then {', '.join(inline(child, defaults) for child in run)}"]


def convolution(node: Conv | Sep, defaults: ConvDefaults) -> str:
    """`3x3/2 V 96`, `3x3 separable 728 (in 3 segments)`"""
    separable = " separable" if isinstance(node, Sep) else ""
    norm = [NORMS[node.norm]] if node.norm != defaults[0] else []
    act = [ACTIVATIONS[node.act]] if node.act != defaults[1] else []
    remarks = [*steps(node), *norm, *act]
    return f"{kernel(node)}{separable} {node.filters}" + (f" ({', '.join(remarks)})" if remarks else "")


def steps(node: Conv | Sep) -> list[str]:
    """How the two steps of a separable layer differ from Xception's."""
    if not isinstance(node, Sep):
        return []
    found = [f"{node.multiplier} filters a channel"] if node.multiplier > 1 else []
    found += [f"in {node.segments} segment{'s' if node.segments > 1 else ''}"] if node.segments else []
    found += ["1x1 first"] if node.pointwise_first else []
    between = [*(["BN"] if node.norm_between else []), *([ACTIVATIONS[node.between]] if node.between else [])]
    return found + ([f"{' + '.join(between)} between"] if between else [])


def kernel(node: Conv | Sep | Pool) -> str:
    stride = f"/{node.stride}" if node.stride > 1 else ""
    return f"{node.kernel[0]}x{node.kernel[1]}{stride}{padding(node)}"


def padding(node: Conv | Sep | Pool) -> str:
    """Nothing for the usual, half the kernel on each side, nor for a 1x1."""
    if node.padding in ("same", "tensorflow") or node.kernel == (1, 1):
        return ""
    return {"valid": " V", "ceil": " C"}.get(str(node.padding), f" P{node.padding}")


def residual_sum(node: Res) -> str:
    scaled = "" if node.scale == 1 else f"{node.scale:g} x "
    return f"{'shortcut' if node.shortcut else 'input'} + {scaled}residual{', ReLU' if node.relu else ''}"


def other_layer(node: Node) -> str:
    """A layer that is not a convolution."""
    match node:
        case Pool(global_=True):
            return f"global {node.kind} pool"
        case Pool(grid=int(grid)):
            return f"{node.kind} pool to {grid}x{grid}"
        case Pool():
            return f"{node.kind} pool {kernel(node)}"
        case LRN():
            return f"LRN over {node.size} channels"
        case Act():
            return ACTIVATIONS[node.kind]
        case Dropout():
            return f"dropout {node.rate:g}"
        case Linear():
            return f"linear {node.features}{', ReLU' if node.relu else ''}"
    return type(node).__name__


def legend(nodes: Iterable[Node]) -> list[str]:
    """Explains the marks of padding that the layers of `nodes` have."""
    marks = {padding(leaf).strip() for node in nodes for leaf in leaves(node) if _has_padding(leaf)} - {""}
    meaning = {"V": "unpadded", "C": "unpadded, the last window may hang over"}
    return [f"{mark}: {meaning.get(mark, f'padded by {mark[1:]}')}" for mark in sorted(marks, reverse=True)]


def _has_padding(leaf: Node) -> TypeGuard[Conv | Sep | Pool]:
    return isinstance(leaf, Conv | Sep) or (isinstance(leaf, Pool) and not leaf.global_ and not leaf.grid)
