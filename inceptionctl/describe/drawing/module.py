"""One module as the papers draw it: boxes and arrows from its input down to the concatenation or the sum."""

from __future__ import annotations

from inceptionctl.describe import notation as words
from inceptionctl.describe.drawing.module_types import Kind, Path
from inceptionctl.describe.drawing.shapes import (
    BETWEEN,
    GAP,
    LINE,
    Arrow,
    Piece,
    Plus,
    Shape,
    Text,
    bar,
    box,
    side_by_side,
    stack,
)
from inceptionctl.describe.drawing.shapes import text_width as wide
from inceptionctl.models.spec.nodes import LRN, Act, Cat, Conv, Dropout, Linear, Node, Pool, Res, Sep, Seq

WIDTH = 84.0  # of a layer's box
LANE = 14.0  # from the body of a residual block to its shortcut
COLOURS = {Conv: "conv", Sep: "sep", Pool: "pool", Linear: "linear", Dropout: "quiet", LRN: "quiet", Act: "quiet"}


class ModuleDrawing:
    """Draws a kind of module; `usual` is what the network's convolutions end in, which no box repeats."""

    def __init__(self, kind: Kind, usual: words.ConvDefaults) -> None:
        self.kind = kind
        self.usual = usual

    def whole(self) -> Piece:
        """From the input to the output, with their maps where all members share them."""
        node, members = self.kind.node, self.kind.members
        into, out = {str(stage.into) for stage in members}, {str(stage.end) for stage in members}
        shared = len(into) == 1 and all(stage.one_input for stage in members)
        source = f"from {into.pop()}" if shared else "input"
        result = out.pop() if len(out) == 1 else "output"
        if isinstance(node, Res):
            return self.residual(node, source, result)
        inner = self.piece(node, ())
        if len(inner.outs) > 1:
            result = f"concat: {result}" if result != "output" else "concat"
        half = max(WIDTH, wide(source) + 8, wide(result) + 8) / 2
        left, right = max(inner.left, half), max(inner.right, half)
        return stack([bar(left, right, source), inner, bar(left, right, result)])

    def piece(self, node: Node, path: Path) -> Piece:
        match node:
            case Cat():
                return side_by_side([self.piece(child, (*path, name)) for name, child in node])
            case Seq():
                return stack([self.piece(child, (*path, name)) for name, child in node])
            case Res():
                return self.residual(node, "input", "output", path)
        lines = box_lines(node, self.kind.widths.get(path, ""), self.usual)
        return box(lines, COLOURS[type(node)], max(WIDTH, *(wide(line) + 6 for line in lines)))

    def residual(self, node: Res, source: str, result: str, path: Path = ()) -> Piece:
        """The shortcut leaves between the input and the body and runs down on the left to the sum."""
        body = self.piece(Seq(node.children), path)
        top = box([source], "bar", max(WIDTH, wide(source) + 8))
        leaves = top.height + 7
        body = body.moved(0, top.height + RISE)
        plus = body.height + 2 * GAP
        side = self._shortcut(node, path, (leaves, plus), body.left)
        into = [_fork((0, top.height), point) for point in body.ins]
        scale = [Text(6, plus - GAP + 1, f"x {node.scale:g}")] if node.scale != 1 else []
        down = Arrow(((0, body.height), (0, plus - 8)))
        ends = [box(["ReLU"], "quiet", WIDTH)] if node.relu else []
        end = stack([*ends, box([result], "bar", max(WIDTH, wide(result) + 8))]).moved(0, plus + 8 + GAP)
        last = Arrow(((0, plus + 8), (0, plus + 8 + GAP)))
        shapes = (*top.shapes, *into, *body.shapes, *side.shapes, down, *scale, Plus(0, plus), last, *end.shapes)
        left = max(side.left, top.left, end.left)
        return Piece(left, max(body.right, top.right, end.right), end.height, shapes, ((0, 0),), end.outs)

    def _shortcut(self, node: Res, path: Path, span: tuple[float, float], left: float) -> Piece:
        start, end = span
        if node.shortcut is None:
            x = -left - LANE
            line = Arrow(((0, start), (x, start), (x, end), (-8, end)))
            return Piece(left + LANE + 2, 0, end, (line,), (), ())
        layer = self.piece(node.shortcut, (*path, "shortcut"))
        x, y = -left - BETWEEN - layer.right, (start + end - layer.height) / 2
        shapes: tuple[Shape, ...] = (
            Arrow(((0, start), (x, start), (x, y))),
            *layer.moved(x, y).shapes,
            Arrow(((x, y + layer.height), (x, end), (-8, end))),
        )
        return Piece(-x + layer.left, 0, end, shapes, (), ())


RISE = LINE + GAP  # between the input of a residual block and its body


def _fork(start: tuple[float, float], end: tuple[float, float]) -> Arrow:
    """Below the line of the shortcut."""
    if end[0] == 0:
        return Arrow((start, end))
    return Arrow((start, (0, end[1] - 12), (end[0], end[1] - 12), end))


def box_lines(node: Node, width: str, usual: words.ConvDefaults) -> tuple[str, ...]:
    """What stands in a layer's box: its kind, then its width, stride and padding."""
    match node:
        case Conv() | Sep():
            size, _, how = words.kernel(node).partition("/")
            size, _, unpadded = size.partition(" ")
            marks = f" /{how}" if how else f" {unpadded}" if unpadded else ""
            first = f"{size} {'sep. conv' if isinstance(node, Sep) else 'conv'}"
            return first, f"{width}{marks}{_act(node, usual)}", *_norm(node, usual), *_steps(node)
        case Pool(global_=True):
            return f"{node.kind} pool", "whole map"
        case Pool(grid=int(grid)):
            return f"{node.kind} pool", f"to {grid}x{grid}"
        case Pool():
            return f"{node.kind} pool", words.kernel(node).replace("/", " /")
        case LRN():
            return ("LRN",)
        case Linear():
            return "linear", f"{width}{', ReLU' if node.relu else ''}"
    return (words.inline(node, usual),)


def _act(node: Conv | Sep, usual: words.ConvDefaults) -> str:
    if node.act == usual[1]:
        return ""
    return f", {words.short_activation(node.act)}"


def _norm(node: Conv | Sep, usual: words.ConvDefaults) -> list[str]:
    return [] if node.norm == usual[0] else ["with BN" if node.norm else "no BN"]


def _steps(node: Conv | Sep) -> list[str]:
    return words.steps(node) if isinstance(node, Sep) else []
