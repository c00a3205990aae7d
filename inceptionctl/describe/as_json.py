"""The networks as data, for `--json`: exact counts, nothing rounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inceptionctl.describe.family import counted, errors, paper_size
from inceptionctl.describe.sizes import oversized, sizes
from inceptionctl.describe.stages import expand
from inceptionctl.models.spec.cost import Cost, Layer, cost
from inceptionctl.models.zoo.registry import architecture, network


def family(names: Sequence[str]) -> dict[str, Any]:
    return {"networks": [summary(name, architecture(name).pixels) for name in names]}


def summary(name: str, pixels: int) -> dict[str, Any]:
    """One network: its counts at this input, and its paper's figures."""
    entry, (plain, with_heads) = architecture(name), counted(name, pixels)
    return {
        "network": name,
        "pixels": pixels,
        "without_heads": _total(plain),
        "with_heads": _total(with_heads) if with_heads else None,
        "paper": _paper(name),
        "about": entry.about,
        "differs": entry.differs or None,
    }


def layers(name: str, pixels: int) -> dict[str, Any]:
    """One network layer by layer, auxiliary heads where they attach."""
    spec = network(name)
    rows, total = expand(spec, pixels), cost(spec, (pixels, pixels))
    return summary(name, pixels) | {
        "layers": [_layer(layer) for layer in total.layers],
        "totals": _total(total),
        "bottlenecks": [size.stage.names[0] for size in sizes(rows) if size.bottleneck],
        "kernels_larger_than_their_map": oversized(rows),
        "kernels_fitted_to_their_map": total.kernel_changes,
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "path": layer.path,
        "kind": type(layer.node).__name__.lower(),
        "kernel": list(layer.kernel),
        "stride": getattr(layer.node, "stride", 1),
        "output": {"h": layer.after.h, "w": layer.after.w, "c": layer.after.c},
        "field": list(layer.after.field),
        "params": layer.params,
        "macs": layer.macs,
    }


def _total(total: Cost) -> dict[str, int]:
    return {"params": total.params, "macs": total.macs, "activations": total.activations}


def _paper(name: str) -> dict[str, Any]:
    entry, printed, (top1, top5) = architecture(name), paper_size(name), errors(name)
    return {
        "cell": entry.cell,
        "top1_error": top1,
        "top5_error": top5,
        "size": entry.size,
        "params": printed.params if printed else None,
        "macs": printed.macs if printed else None,
    }
