"""The weights that a run starts from: named in full, found, and fitting the network."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

from inceptionctl.config.schema import Config
from inceptionctl.errors import RequestError
from inceptionctl.models.spec.cost import Cost, cost
from inceptionctl.models.weights.download import digest
from inceptionctl.models.weights.releases import LIBRARIES, SUFFIXES, check_other_settings, release
from inceptionctl.models.zoo.registry import architecture, network

SIZELESS = {"low_resolution", "stem_pools", "count_padding", "residual_scale"}  # rewrites that keep every weight's size


def with_resolved_weights(config: Config) -> Config:
    """`config` with the whole name of its `weights`: a release with its tag, or the path of a file, with its digest.

    Raises RequestError for weights that do not exist, or were made for another input or epsilon.
    """
    weights, arch = config.weights, config.arch
    if not weights:
        return config
    if entry := release(arch.name, weights):
        check_other_settings(entry, arch.input, arch.bn_eps)
        return replace(config, weights=entry.name)
    path = Path(weights).expanduser().resolve()
    sha256 = config.resolved.weights_sha256  # of a run that has begun: its checkpoints outlive the file
    if not sha256:
        sha256 = _digest_of(path, weights)
    return replace(config, weights=str(path), resolved=replace(config.resolved, weights_sha256=sha256))


def _digest_of(path: Path, weights: str) -> str:
    if not path.is_file() or path.suffix not in SUFFIXES:
        raise RequestError(
            f"weights = {weights} is not a file of weights ({', '.join(SUFFIXES)})\n"
            f"  releases: {', '.join(LIBRARIES)}, or one of these with a tag (timm:inception_v3.gluon_in1k)"
        )
    return _digest_once(path, path.stat().st_mtime_ns)


@cache  # the rows of a table may start from one file
def _digest_once(path: Path, _mtime: int) -> str:
    return digest(path)


def check_fits_release(config: Config, total: Cost) -> None:
    """Released weights are for the whole network. Raises RequestError if its layers have other sizes here, `total`."""
    arch = config.arch
    entry = release(arch.name, config.weights) if config.weights else None
    pixels = architecture(arch.name).pixels
    if not entry or _sizes(cost(network(arch.name), (pixels, pixels))) == _sizes(total):
        return
    rewrites = {f"arch.rewrites.{key}": value for key, value in asdict(arch.rewrites).items() if key not in SIZELESS}
    changed = {key: value for key, value in rewrites.items() if value not in (None, False)}
    neutral = {key: "false" if value is True else "null" for key, value in changed.items()}
    if arch.width != 1:
        changed, neutral = {"arch.width": arch.width, **changed}, {"arch.width": "1", **neutral}
    raise RequestError(
        f"weights = {entry.name} are for the whole {arch.name}, not for one with "
        f"{', '.join(f'{key} = {value}' for key, value in changed.items())}\n"
        f"  add {' '.join(f'{key}={value}' for key, value in neutral.items())}"
    )


def _sizes(total: Cost) -> dict[str, int]:
    """Parameters of every layer but the auxiliary heads and the classifier, which may be initialised anew."""
    layers = {layer.path: layer.params for layer in total.layers if layer.params}
    return {path: n for path, n in layers.items() if path != "logits" and not path.startswith("aux")}
