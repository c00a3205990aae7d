"""Layers and modules in words, in the notation of the papers' tables: `3x3/2 V 96` is a 3x3 convolution, stride 2,
unpadded, 96 filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
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

ConvDefaults = tuple[Norm, Activation | None]  # what a network's convolutions end in, if nothing else is said
BATCH_NORM_RELU: ConvDefaults = ("full", "relu")
NORMS: dict[Norm, str] = {"full": "batch norm", "shift": "batch norm without scale", None: "no batch norm"}


def conv_defaults(nodes: Iterable[Node]) -> ConvDefaults:
    """What most of the convolutions in `nodes` end in: said once, not on every line."""
    counted = Counter((leaf.norm, leaf.act) for node in nodes for leaf in leaves(node) if isinstance(leaf, Conv | Sep))
    return counted.most_common(1)[0][0] if counted else BATCH_NORM_RELU


def conv_defaults_text(usual: ConvDefaults) -> str:
    return f"{NORMS[usual[0]]}, {activation(usual[1])}"


def activation(kind: Activation | None) -> str:
    return {"relu": "ReLU", "relu6": "ReLU6", "elu": "ELU", None: "no activation"}[kind]


def short_activation(kind: Activation | None) -> str:
    """As it stands in a box of a drawing, where room is scarce."""
    return activation(kind) if kind else "linear"


def leaves(node: Node) -> Iterator[Node]:
    """Every layer of the tree, shortcuts and auxiliary heads included."""
    if isinstance(node, Seq | Cat | Res):
        for _, child in node:
            yield from leaves(child)
    if isinstance(node, Res) and node.shortcut:
        yield from leaves(node.shortcut)
    elif isinstance(node, Endpoint) and node.head:
        yield from leaves(node.head)
    elif not isinstance(node, Seq | Cat | Res | Endpoint):
        yield node


def inline(node: Node, usual: ConvDefaults = BATCH_NORM_RELU) -> str:
    """Anything on one line: a branch's layers with commas between, a fork in braces."""
    match node:
        case Seq():
            return ", ".join(inline(child, usual) for _, child in node)
        case Cat():
            return "{" + " | ".join(inline(child, usual) for _, child in node) + "}"
        case Res():
            return f"[{total(node)}: {inline(Seq(node.children), usual)}]"
        case Endpoint():
            return inline(node.head, usual) if node.head else "tap"
        case Conv() | Sep():
            return convolution(node, usual)
    return plain(node)


def lines(node: Node, usual: ConvDefaults = BATCH_NORM_RELU) -> list[str]:
    """A module, one branch a line; of a residual block also what is added to what."""
    match node:
        case Cat():
            return [inline(child, usual) for _, child in node]
        case Res():
            shortcut = [f"shortcut: {inline(node.shortcut, usual)}"] if node.shortcut else []
            return [*lines(Seq(node.children), usual), *shortcut, f"sum: {total(node)}"]
        case Seq() if any(isinstance(child, Cat) for _, child in node):
            return [line for part in _runs(node) for line in _run(part, usual)]
    return [inline(node, usual)]


def convolution(node: Conv | Sep, usual: ConvDefaults) -> str:
    """`3x3/2 V 96`, `3x3 separable 728 (in 3 segments)`"""
    kind = " separable" if isinstance(node, Sep) else ""
    remarks = [*(steps(node) if isinstance(node, Sep) else []), *_endings(node, usual)]
    return f"{kernel(node)}{kind} {node.filters}" + (f" ({', '.join(remarks)})" if remarks else "")


def steps(node: Sep) -> list[str]:
    """How the two steps differ from Xception's."""
    words = [f"{node.multiplier} filters a channel"] if node.multiplier > 1 else []
    words += [f"in {node.segments} segment{'s' if node.segments > 1 else ''}"] if node.segments else []
    words += ["1x1 first"] if node.pointwise_first else []
    between = [*(["BN"] if node.norm_between else []), *([activation(node.between)] if node.between else [])]
    return words + ([f"{' + '.join(between)} between"] if between else [])


def _endings(node: Conv | Sep, usual: ConvDefaults) -> list[str]:
    """What the layer ends in, as far as that is not the network's habit."""
    norm, act = usual
    words = [NORMS[node.norm]] if node.norm != norm else []
    return words + ([activation(node.act)] if node.act != act else [])


def kernel(node: Conv | Sep | Pool) -> str:
    stride = f"/{node.stride}" if node.stride > 1 else ""
    return f"{node.kernel[0]}x{node.kernel[1]}{stride}{padding(node)}"


def padding(node: Conv | Sep | Pool) -> str:
    """Nothing where the grid is kept but for the stride, the rule. A 1x1 has none to speak of."""
    if node.padding in ("same", "tensorflow") or node.kernel == (1, 1):
        return ""
    return {"valid": " V", "ceil": " C"}.get(str(node.padding), f" P{node.padding}")


def total(node: Res) -> str:
    scaled = "" if node.scale == 1 else f"{node.scale:g} x "
    return f"{'shortcut' if node.shortcut else 'input'} + {scaled}residual{', ReLU' if node.relu else ''}"


def plain(node: Node) -> str:
    """A layer that is no convolution."""
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
            return activation(node.kind)
        case Dropout():
            return f"dropout {node.rate:g}"
        case Linear():
            return f"linear {node.features}{', ReLU' if node.relu else ''}"
    return type(node).__name__


def legend(nodes: Iterable[Node]) -> list[str]:
    """Explains those marks that the layers of `nodes` carry."""
    found = {padding(leaf).strip() for node in nodes for leaf in leaves(node) if _marked(leaf)} - {""}
    said = {"V": "unpadded", "C": "unpadded, the last window may hang over"}
    return [f"{mark}: {said.get(mark, f'padded by {mark[1:]}')}" for mark in sorted(found, reverse=True)]


def _marked(leaf: Node) -> TypeGuard[Conv | Sep | Pool]:
    return isinstance(leaf, Conv | Sep) or (isinstance(leaf, Pool) and not leaf.global_ and not leaf.grid)


def _runs(node: Seq) -> list[Node]:
    """Plain layers that follow one another as one, modules for themselves."""
    parts: list[Node] = []
    for name, child in node:
        if isinstance(child, Cat):
            parts.append(child)
        elif parts and isinstance(parts[-1], Seq):
            parts[-1] = Seq((*parts[-1].children, (name, child)))
        else:
            parts.append(Seq(((name, child),)))
    return parts


def _run(part: Node, usual: ConvDefaults) -> list[str]:
    return lines(part, usual) if isinstance(part, Cat) else [f"then {inline(part, usual)}"]
