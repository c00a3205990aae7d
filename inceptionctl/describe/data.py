"""The same as data, for `--json`: whole numbers as counted, nothing rounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inceptionctl.describe import sizes
from inceptionctl.describe.family import claim, counted, errors
from inceptionctl.describe.stages import expand
from inceptionctl.models.spec.cost import Cost, Layer, cost
from inceptionctl.models.zoo.registry import architecture, network


def family(names: Sequence[str]) -> dict[str, Any]:
    return {"networks": [summary(name, architecture(name).pixels) for name in names]}


def summary(name: str, pixels: int) -> dict[str, Any]:
    """One network: what it counts at this input, and what its paper says."""
    entry, (plain, whole) = architecture(name), counted(name, pixels)
    return {
        "network": name,
        "pixels": pixels,
        "without_heads": _total(plain),
        "with_heads": _total(whole) if whole else None,
        "paper": _paper(name),
        "about": entry.about,
        "differs": entry.differs or None,
    }


def layers(name: str, pixels: int) -> dict[str, Any]:
    """One network, layer by layer, auxiliary heads included where they attach."""
    rows = expand(network(name), pixels)
    whole = cost(network(name), (pixels, pixels))
    return summary(name, pixels) | {
        "layers": [_layer(layer) for layer in whole.layers],
        "totals": _total(whole),
        "bottlenecks": [size.stage.names[0] for size in sizes.sizes(rows) if size.bottleneck],
        "kernels_larger_than_their_map": sizes.oversized(rows),
        "kernels_fitted_to_their_map": whole.kernel_changes,
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


def _total(whole: Cost) -> dict[str, int]:
    return {"params": whole.params, "macs": whole.macs, "activations": whole.activations}


def _paper(name: str) -> dict[str, Any]:
    entry, said, (top1, top5) = architecture(name), claim(name), errors(name)
    return {
        "cell": entry.cell,
        "top1_error": top1,
        "top5_error": top5,
        "size": entry.size,
        "params": said.params if said else None,
        "macs": said.macs if said else None,
    }
