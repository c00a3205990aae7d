"""`inceptionctl models`: networks beside their papers' figures, one as a layer table or a drawing, two compared."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from inceptionctl.arguments import Parser
from inceptionctl.describe import as_json, difference, family, layers, tensors
from inceptionctl.errors import RequestError
from inceptionctl.models.zoo.registry import ARCHITECTURES, architecture

SCHEMA = 1  # of what --json prints


def main(argv: list[str]) -> int:
    args = make_parser().parse_args(argv)
    if args.pixels is not None and args.pixels < 1:
        raise RequestError(f"--pixels {args.pixels} is not allowed: an input has at least 1 pixel")
    _action(args)(args)
    return 0


def list_networks(args: argparse.Namespace) -> None:
    names = family.matching(args.pattern)
    if args.json:
        _print_json(as_json.family(names))
        return
    _print(family.table(names), bold=(0, 1))
    _print(["", *family.notes(names)])


def show_network(args: argparse.Namespace) -> None:
    name, pixels = args.pattern, args.pixels or architecture(args.pattern).pixels
    if args.json:
        _print_json(as_json.layers(name, pixels))
        return
    table = layers.table(name, pixels)
    _print(table, bold=[0, *(i for i, line in enumerate(table) if line.startswith("total"))])
    _print(["", *layers.size_lines(name, pixels, ascii_only=not _is_unicode()), ""])
    _print(layers.notes(name, pixels))


def show_tensors(args: argparse.Namespace) -> None:
    name, pixels = args.pattern, args.pixels or architecture(args.pattern).pixels
    if args.json:
        _print_json(tensors.as_json(name, pixels))
        return
    _print(tensors.table(name, pixels), bold=(0,))


def compare(args: argparse.Namespace) -> None:
    a, b = args.diff
    if args.json:
        _print_json(difference.as_json(a, b, args.pixels))
        return
    _print(difference.as_text(a, b, args.pixels), bold=(0,))


def draw(args: argparse.Namespace) -> None:
    from inceptionctl.describe.drawing import page

    page.write(args.pattern, args.pixels or architecture(args.pattern).pixels, args.draw)
    _print([f"{args.pattern}: drawn in {args.draw}"])


def _action(args: argparse.Namespace) -> Callable[[argparse.Namespace], None]:
    """Raises RequestError for options that do not go together."""
    if args.diff:
        if args.pattern or args.draw or args.tensors:
            raise RequestError("--diff A B takes two networks and no other argument but --pixels and --json")
        return compare
    if args.draw and args.json:
        raise RequestError("--draw and --json exclude each other")
    if args.draw and args.tensors:
        raise RequestError("--draw and --tensors exclude each other")
    if args.pattern in ARCHITECTURES:
        return draw if args.draw else show_tensors if args.tensors else show_network
    of_one = [f"--{name}" for name in ("draw", "tensors", "pixels") if getattr(args, name)]
    if of_one and not args.pattern:
        raise RequestError(f"{of_one[0]} needs the name of one network")
    if of_one:
        architecture(args.pattern)  # raises, and lists the names
    return list_networks


def _print(lines: Sequence[str], bold: Sequence[int] = ()) -> None:
    """Lines never wrap. Only a terminal pays for the import of rich."""
    if not sys.stdout.isatty():
        print("\n".join(lines))
        return
    from inceptionctl.terminal import console

    screen = console()
    for i, line in enumerate(lines):
        screen.print(line, style="bold" if i in bold else None)


def _is_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().startswith("utf")


def _print_json(tree: dict[str, Any]) -> None:
    print(json.dumps({"schema": SCHEMA} | tree, indent=1))


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="inceptionctl models", description=__doc__)
    help_of_name = "one network by its name, or those that contain this text or match a glob such as 'resnet*'"
    parser.add_argument("pattern", nargs="?", metavar="NAME", help=help_of_name)
    parser.add_argument("--pixels", type=int, metavar="N", help="side of the input (default: the paper's)")
    parser.add_argument("--json", action="store_true", help="print JSON with exact counts")
    parser.add_argument("--tensors", action="store_true", help="print the tensors, with their names at the libraries")
    parser.add_argument("--diff", nargs=2, metavar=("A", "B"), help="what changes from network A to network B")
    parser.add_argument("--draw", type=Path, metavar="FILE.svg", help="draw the network and its modules")
    return parser
