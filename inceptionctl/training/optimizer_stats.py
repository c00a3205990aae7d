"""How RMSProp scales the gradient. At epsilon 1, once its initial ones have decayed, hardly at all: it is then SGD with
momentum at the same learning rate (training.md 10)."""

from __future__ import annotations

import numpy as np
import torch


def inverse_rms(optimizer: torch.optim.Optimizer) -> dict[str, float] | None:
    """Mean, 1st and 99th percentile of 1 / sqrt(v + eps), by which RMSpropTF multiplies each element of the gradient,
    over the elements of all parameters. None for an optimizer without v, or before its first step."""
    parts = [
        (slots["square_avg"] + group["eps"]).flatten()
        for group in optimizer.param_groups
        for parameter in group["params"]
        if "square_avg" in (slots := optimizer.state.get(parameter, {}))
    ]
    if not parts:
        return None
    # float64: float32 cannot count the 24 million elements of Inception-v3.
    inverse = 1.0 / np.sqrt(torch.cat(parts).double().cpu().numpy())
    p1, p99 = np.percentile(inverse, [1, 99])
    return {"inv_rms_mean": float(inverse.mean()), "inv_rms_p1": float(p1), "inv_rms_p99": float(p99)}
