"""`inceptionctl models [NAME]`: the networks beside the papers' figures, and one of them as the paper's layer table."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from inceptionctl import papers
from inceptionctl.models.cost import Cost, Map, cost, stages
from inceptionctl.models.registry import ARCHITECTURES, architecture, network
from inceptionctl.models.spec import Cat, Conv, Dropout, Linear, Node, Pool, Res, Sep, Seq, Tap


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="inceptionctl models", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="one network, layer by layer")
    name = parser.parse_args(argv).name
    console = Console()
    console.print(layers(name) if name else family())
    console.print(_notes(name), highlight=False, soft_wrap=True, markup=False)
    return 0


def family() -> Table:
    """One row a network: parameters and multiply-adds with and without side head, and what the paper prints."""
    table = Table("network", "input", box=None, pad_edge=False)
    for title in ("parameters", "multiply-adds", "with side head", "paper", "top-1", "top-5"):
        table.add_column(title, justify="right")
    for name, entry in ARCHITECTURES.items():
        hw, row = (entry.pixels, entry.pixels), papers.printed(entry.cell)
        plain, whole = cost(network(name, head=False), hw), cost(network(name), hw)
        table.add_row(
            name,
            f"{entry.pixels} px",
            f"{plain.params:,}",
            giga(plain.macs),
            f"{whole.params:,}",
            f"{row.cost_billion} G" if row.cost_billion else "-",
            _percent(row.top1_error),
            _percent(row.top5_error),
        )
    return table


def layers(name: str) -> Table:
    """One row a stage: what it is, the map it makes, its receptive field, parameters and multiply-adds."""
    pixels = architecture(name).pixels
    spec = network(name)
    table = Table("stage", "layers", "output", box=None, pad_edge=False)
    for title in ("field", "parameters", "multiply-adds"):
        table.add_column(title, justify="right")
    image = Map(pixels, pixels, 3)
    table.add_row("image", "", str(image), "", "", "")
    for stage, node, into, part in _opened(spec, (pixels, pixels)):
        out = part.layers[-1].after if isinstance(node, Tap) and part.layers else part.out
        field = f"{max(out.field)}" if out.field != into.field else ""
        table.add_row(
            stage, describe(node), str(out), field, f"{part.params:,}" if part.params else "", _mega(part.macs)
        )
    total = cost(spec, (pixels, pixels))
    table.add_row("total", "", "", "", f"{total.params:,}", _mega(total.macs), style="bold")
    return table


def describe(node: Node) -> str:
    """A layer or module in the notation of the papers' tables: `3x3/2 96`, one branch a line."""
    match node:
        case Conv():
            return f"{_kernel(node)} {node.filters}{'' if node.norm else ' without BN'}"
        case Sep():
            return f"{_kernel(node)} separable {node.filters}"
        case Pool():
            return f"{node.kind} pool {'over the map' if node.whole else _kernel(node)}"
        case Dropout():
            return f"dropout {node.rate:g}"
        case Linear():
            return f"linear {node.features}"
        case Tap():
            return "side head: " + describe(node.head) if node.head else "tap"
        case Cat():
            return "\n".join(describe(child) for _, child in node)
        case Res():
            return "x + " + describe(Seq(node.children))
        case Seq():
            return ", ".join(_forked(child) if isinstance(child, Cat) else describe(child) for _, child in node)
    return type(node).__name__


def _forked(node: Cat) -> str:
    return "{" + " | ".join(describe(child) for _, child in node) + "}"


def giga(macs: int) -> str:
    return f"{macs / 1e9:.3f} G"


def _opened(spec: Seq, hw: tuple[int, int]) -> list[tuple[str, Node, Map, Cost]]:
    """The stages with the stem's layers in its place, as the papers print them."""
    stem = spec["stem"]
    assert isinstance(stem, Seq)
    rest = Seq(tuple((name, node) for name, node in spec if name != "stem"))
    opened = Seq((*((f"stem.{name}", node) for name, node in stem), *rest))
    return list(stages(opened, hw))


def _notes(name: str | None) -> str:
    chosen = [name] if name else list(ARCHITECTURES)
    about = [f"{n}: {architecture(n).about} [{architecture(n).cell}]" for n in chosen]
    return "\n".join([
        *about,
        "Counted without the side head where not said otherwise: one multiply-add a weight and position, 1000 classes.",
        "The papers' costs are as printed. Rethinking does not state the filters inside its modules; the released ones",
        "do not come to its 3.8 and 4.8 G.",
    ])  # fmt: skip


def _kernel(node: Conv | Sep | Pool) -> str:
    stride = f"/{node.stride}" if node.stride > 1 else ""
    return (
        f"{node.kernel[0]}x{node.kernel[1]}{stride}{' V' if node.padding == 'valid' and node.kernel != (1, 1) else ''}"
    )


def _mega(macs: int) -> str:
    return f"{macs / 1e6:,.1f} M" if macs else ""


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} %"
