"""`inceptionctl models [FILTER]`: the networks beside the papers' figures, one of them as the paper's layer table, two
of them compared, or one drawn."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from inceptionctl.describe import data, difference, family, layers
from inceptionctl.errors import RequestError
from inceptionctl.models.zoo.registry import ARCHITECTURES, architecture


def main(argv: list[str]) -> int:
    asked = _parser().parse_args(argv)
    if asked.pixels is not None and asked.pixels < 1:
        raise RequestError(f"--pixels {asked.pixels} is no size of an input")
    _action(asked)(asked)
    return 0


def list_networks(asked: argparse.Namespace) -> None:
    names = family.chosen(asked.filter)
    if asked.json:
        _dump(data.family(names))
        return
    table = family.table(names)
    _print(table, bold=(0, 1))
    _print(["", *family.notes(names)])


def show_network(asked: argparse.Namespace) -> None:
    name, pixels = asked.filter, asked.pixels or architecture(asked.filter).pixels
    if asked.json:
        _dump(data.layers(name, pixels))
        return
    table = layers.table(name, pixels)
    _print(table, bold=[0, *(i for i, line in enumerate(table) if line.startswith("total"))])
    _print(["", *layers.size_lines(name, pixels, ascii_only=not _draws_blocks()), ""])
    _print(layers.notes(name, pixels))


def compare(asked: argparse.Namespace) -> None:
    a, b = asked.diff
    if asked.json:
        _dump(difference.as_data(a, b, asked.pixels))
        return
    _print(difference.between(a, b, asked.pixels), bold=(0,))


def draw(asked: argparse.Namespace) -> None:
    from inceptionctl.describe.drawing import page

    page.write(asked.filter, asked.pixels or architecture(asked.filter).pixels, asked.draw)
    _print([f"{asked.filter}: drawn in {asked.draw}"])


def _action(asked: argparse.Namespace) -> Callable[[argparse.Namespace], None]:
    """What is asked for. Raises RequestError for flags that do not go together."""
    if asked.diff:
        if asked.filter or asked.draw:
            raise RequestError("--diff A B takes two networks and no other argument but --pixels and --json")
        return compare
    if asked.draw and asked.json:
        raise RequestError("--draw and --json exclude each other")
    if asked.filter in ARCHITECTURES:
        return draw if asked.draw else show_network
    if (asked.draw or asked.pixels) and not asked.filter:
        raise RequestError(f"--{'draw' if asked.draw else 'pixels'} needs the name of one network")
    if asked.draw or asked.pixels:
        architecture(asked.filter)  # says which there are
    return list_networks


def _print(lines: Sequence[str], bold: Sequence[int] = ()) -> None:
    """Lines stay whole, however narrow the terminal. Rich, which takes a while to import, is for terminals only."""
    if not sys.stdout.isatty():
        print("\n".join(lines))
        return
    from rich.console import Console

    to = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for i, line in enumerate(lines):
        to.print(line, style="bold" if i in bold else None)


def _draws_blocks() -> bool:
    return (sys.stdout.encoding or "").lower().startswith("utf")


def _dump(found: object) -> None:
    print(json.dumps(found, indent=1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="inceptionctl models", description=__doc__)
    parser.add_argument("filter", nargs="?", metavar="NAME", help="one network, or a part of names or glob: 'resnet*'")
    parser.add_argument("--pixels", type=int, metavar="N", help="input size (default: the paper's)")
    parser.add_argument("--json", action="store_true", help="the same as data, nothing rounded")
    parser.add_argument("--diff", nargs=2, metavar=("A", "B"), help="what changes from network A to network B")
    parser.add_argument("--draw", type=Path, metavar="FILE.svg", help="draws the network and its modules")
    return parser
