"""One module as the papers draw it: boxes and arrows from its input down to its concatenation or sum."""

from __future__ import annotations

from inceptionctl.describe import notation
from inceptionctl.describe.drawing.layout import BRANCH_GAP, GAP, Piece, bar, box, side_by_side, stack
from inceptionctl.describe.drawing.module_types import ModuleType
from inceptionctl.describe.drawing.shapes import LINE, Arrow, Plus, Point, Shape, Text, text_width
from inceptionctl.describe.notation import ACTIVATIONS, ConvDefaults
from inceptionctl.models.spec.nodes import LRN, Act, Cat, Conv, Dropout, Linear, Node, Pool, Res, Sep, Seq
from inceptionctl.models.spec.walk import join

WIDTH = 84.0  # of a layer's box
SHORTCUT_GAP = 14.0  # from the body of a residual block to its shortcut
BODY_GAP = LINE + GAP  # from the input of a residual block to its body
FILLS = {Conv: "conv", Sep: "sep", Pool: "pool", Linear: "linear", Dropout: "other", LRN: "other", Act: "other"}


class ModuleDrawing:
    """Draws the modules of one type; boxes leave out what follows the network's convolutions by `defaults`."""

    def __init__(self, module: ModuleType, defaults: ConvDefaults) -> None:
        self.module = module
        self.defaults = defaults

    def draw(self) -> Piece:
        """From the input to the output, with the sizes of both where all members share them."""
        node, members = self.module.node, self.module.members
        into, out = {str(stage.into) for stage in members}, {str(stage.end) for stage in members}
        shared = len(into) == 1 and all(stage.one_input for stage in members)
        source = f"from {into.pop()}" if shared else "input"
        result = out.pop() if len(out) == 1 else "output"
        if isinstance(node, Res):
            return self._residual(node, source, result)
        inner = self._piece(node, "")
        if len(inner.outs) > 1:
            result = f"concat: {result}" if result != "output" else "concat"
        half = max(WIDTH, text_width(source) + 8, text_width(result) + 8) / 2
        left, right = max(inner.left, half), max(inner.right, half)
        return stack([bar(left, right, source), inner, bar(left, right, result)])

    def _piece(self, node: Node, path: str) -> Piece:
        match node:
            case Cat():
                return side_by_side([self._piece(child, join(path, name)) for name, child in node])
            case Seq():
                return stack([self._piece(child, join(path, name)) for name, child in node])
            case Res():
                return self._residual(node, "input", "output", path)
        lines = box_lines(node, self.module.widths.get(path, ""), self.defaults)
        return box(lines, FILLS[type(node)], max(WIDTH, *(text_width(line) + 6 for line in lines)))

    def _residual(self, node: Res, source: str, result: str, path: str = "") -> Piece:
        """The shortcut leaves between the input and the body and runs down on the left to the sum."""
        body = self._piece(Seq(node.children), path)
        top = box([source], "bar", max(WIDTH, text_width(source) + 8))
        body = body.moved(0, top.height + BODY_GAP)
        plus = body.height + 2 * GAP
        shortcut = self._shortcut(node, path, (top.height + 7, plus), body.left)
        into = [_fork((0, top.height), point) for point in body.ins]
        scale = [Text(6, plus - GAP + 1, f"x {node.scale:g}")] if node.scale != 1 else []
        down = Arrow(((0, body.height), (0, plus - 8)))
        relu = [box(["ReLU"], "other", WIDTH)] if node.relu else []
        end = stack([*relu, box([result], "bar", max(WIDTH, text_width(result) + 8))]).moved(0, plus + 8 + GAP)
        last = Arrow(((0, plus + 8), (0, plus + 8 + GAP)))
        shapes = (*top.shapes, *into, *body.shapes, *shortcut.shapes, down, *scale, Plus(0, plus), last, *end.shapes)
        left = max(shortcut.left, top.left, end.left)
        return Piece(left, max(body.right, top.right, end.right), end.height, shapes, ((0, 0),), end.outs)

    def _shortcut(self, node: Res, path: str, span: Point, left: float) -> Piece:
        start, end = span
        if node.shortcut is None:
            x = -left - SHORTCUT_GAP
            return Piece(left + SHORTCUT_GAP + 2, 0, end, (Arrow(((0, start), (x, start), (x, end), (-8, end))),))
        layer = self._piece(node.shortcut, join(path, "shortcut"))
        x, y = -left - BRANCH_GAP - layer.right, (start + end - layer.height) / 2
        shapes: tuple[Shape, ...] = (
            Arrow(((0, start), (x, start), (x, y))),
            *layer.moved(x, y).shapes,
            Arrow(((x, y + layer.height), (x, end), (-8, end))),
        )
        return Piece(-x + layer.left, 0, end, shapes)


def box_lines(node: Node, width: str, defaults: ConvDefaults) -> tuple[str, ...]:
    """The text of a layer's box: its kind, then its width, stride and padding."""
    match node:
        case Conv() | Sep():
            size, marks = kernel_and_marks(node)
            norm = [] if node.norm == defaults[0] else ["with BN" if node.norm else "no BN"]
            first = f"{size} {conv_name(node)}"
            return first, f"{width}{marks and f' {marks}'}{activation(node, defaults)}", *norm, *notation.steps(node)
        case Pool(global_=True):
            return f"{node.kind} pool", "whole map"
        case Pool(grid=int(grid)):
            return f"{node.kind} pool", f"to {grid}x{grid}"
        case Pool():
            return f"{node.kind} pool", notation.kernel(node).replace("/", " /")
        case LRN():
            return ("LRN",)
        case Linear():
            return "linear", f"{width}{', ReLU' if node.relu else ''}"
    return (notation.inline(node, defaults),)


def kernel_and_marks(node: Conv | Sep | Pool) -> tuple[str, str]:
    """`3x3` and `/2 V`"""
    size, _, marks = notation.kernel(node).replace("/", " /").partition(" ")
    return size, marks


def conv_name(node: Conv | Sep) -> str:
    return "sep. conv" if isinstance(node, Sep) else "conv"


def activation(node: Conv | Sep, defaults: ConvDefaults) -> str:
    """Nothing for the network's usual one."""
    if node.act == defaults[1]:
        return ""
    return f", {ACTIVATIONS[node.act] if node.act else 'linear'}"


def _fork(start: Point, end: Point) -> Arrow:
    """From the input of a residual block to a branch, below the line of the shortcut."""
    if end[0] == 0:
        return Arrow((start, end))
    return Arrow((start, (0, end[1] - 12), (end[0], end[1] - 12), end))
