"""The weights that a run starts from, or predicts by: named in full, found, and fitting the network. No torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inceptionctl.config.schema import Config
from inceptionctl.errors import RequestError, count
from inceptionctl.files import from_here
from inceptionctl.models.spec.cost import Cost, cost
from inceptionctl.models.spec.tensors import Shape, tensors
from inceptionctl.models.weights.download import digest
from inceptionctl.models.weights.releases import LIBRARIES, Release, check_other_settings, release
from inceptionctl.models.zoo.registry import architecture, network

if TYPE_CHECKING:
    from inceptionctl.models.weights.contents import ForeignFile
    from inceptionctl.models.weights.open import OpenWeights

IMAGENET_CLASSES = 1000
SIZELESS = {"low_resolution", "stem_pools", "count_padding", "residual_scale"}  # rewrites that keep every weight's size


def with_resolved_weights(config: Config) -> Config:
    """`config` with the whole name of its `weights`: a release with its tag, or the path of a file.

    Raises RequestError for weights that do not exist, or were made for another input or epsilon.
    """
    weights, arch = config.weights, config.arch
    entry = release(arch.name, weights) if weights else None
    if config.weights_key is not None and (not weights or entry):
        raise RequestError(
            f"weights_key = {config.weights_key} has no effect: it chooses among the state dicts of a file, and "
            f"{f'weights = {weights} is a release' if entry else 'no weights are given'}\n"
            "  leave it out, or give weights=FILE"
        )
    if not weights:
        return config
    if entry:
        check_other_settings(entry, arch.input, arch.bn_eps)
        return replace(config, weights=entry.name)
    path = Path(os.path.abspath(Path(weights).expanduser()))
    has_begun = config.resolved.weights_sha256  # such a run's checkpoints outlive the file
    if not has_begun and not os.path.lexists(path):
        raise RequestError(
            f"weights = {from_here(path)}: there is no file of that name\n"
            f"  releases: {', '.join(LIBRARIES)}, or one of these with a tag (timm:inception_v3.gluon_in1k)"
        )
    return replace(config, weights=str(path))


def initial_weights(config: Config, shapes: Mapping[str, Shape]) -> tuple[Config, tuple[str, ...]]:
    """`config` with the digest of its file of weights and the key that was taken in it, and what to say about them; for
    a release that is not on this machine yet, nothing.

    Raises RequestError or ForeignFile (exit code 2) for a file that is none of weights, or does not fit `shapes`.
    """
    if not config.weights:
        return config, ()
    entry = release(config.arch.name, config.weights)
    if (path := entry.cached if entry else Path(config.weights)) is None:
        return config, ()
    from inceptionctl.models.weights.contents import ForeignFile  # most runs have no weights to read
    from inceptionctl.models.weights.open import open_weights

    try:
        weights = open_weights(path, config.arch.name, shapes, config.weights_key)
    except RequestError as error:
        raise _of_whole_network(config, path) or error from None
    except ForeignFile as error:
        raise (_damaged_in_cache(entry, path, error) if entry else error) from None
    weights.check_values()
    sha256 = None if entry else _digest_once(path, path.stat().st_mtime_ns)
    resolved = replace(config.resolved, weights_sha256=sha256, weights_key=weights.chosen.key)
    return replace(config, resolved=resolved), (*notes_on(config, weights), *weights.fit.head_notes)


def notes_on(config: Config, weights: OpenWeights) -> list[str]:
    """What is taken, and where it differs from what the weights were made for. Auxiliary heads are not among them."""
    from inceptionctl.models.weights.fit import epsilon_note, input_note

    arch, publisher = config.arch, weights.chosen.found.publisher
    entry = release(arch.name, config.weights or "")
    return [
        f"{count(len(weights.fit.sources), 'tensor')} from {weights.path}, by {publisher} names",
        *weights.notes,
        *epsilon_note(arch.name, publisher, arch.bn_eps),
        *input_note(arch.name, publisher, arch.input),
        *([entry.note] if entry and entry.note else []),
    ]


def classifier_weights(config: Config, path: Path) -> tuple[OpenWeights, int]:
    """The weights in `path` for the network of `config` with as many classes as they have, and this number. Raises
    RequestError or ForeignFile."""
    from inceptionctl.models.weights.contents import ForeignFile
    from inceptionctl.models.weights.fit import classes_in
    from inceptionctl.models.weights.open import choose_weights, fit_weights

    arch = config.arch
    names = tensors(arch.spec(IMAGENET_CLASSES), (arch.pixels, arch.pixels))
    try:
        chosen = choose_weights(path, arch.name, names, config.weights_key)
    except ForeignFile as error:
        entry = release(arch.name, config.weights or "")
        raise (_damaged_in_cache(entry, path, error) if entry else error) from None
    n_classes = classes_in(arch.name, chosen)
    weights = fit_weights(path, arch.name, tensors(arch.spec(n_classes), (arch.pixels, arch.pixels)), chosen)
    weights.check_values()
    return weights, n_classes


@cache  # the rows of a table may start from one file
def _digest_once(path: Path, _mtime: int) -> str:
    return digest(path)


def check_fits_release(config: Config, total: Cost) -> None:
    """Released weights are for the whole network. Raises RequestError if its layers have other sizes here, `total`."""
    arch = config.arch
    entry = release(arch.name, config.weights) if config.weights else None
    pixels = architecture(arch.name).pixels
    if entry and _sizes(cost(network(arch.name), (pixels, pixels))) != _sizes(total):
        raise _for_whole_network(config, f"weights = {entry.name}")


def _of_whole_network(config: Config, path: Path) -> RequestError | None:
    """The error that a file has the whole network's weights and the network here is another; None if it has not."""
    from inceptionctl.models.weights.maps import full_shapes
    from inceptionctl.models.weights.open import open_weights

    name = config.arch.name
    try:
        open_weights(path, name, full_shapes(name), config.weights_key)
    except RequestError:
        return None
    if not _changed(config):
        return None
    return _for_whole_network(config, f"weights = {path}")


def _for_whole_network(config: Config, weights: str) -> RequestError:
    changed = _changed(config)
    neutral = {key: "1" if key == "arch.width" else "false" if v is True else "null" for key, v in changed.items()}
    return RequestError(
        f"{weights} are for the whole {config.arch.name}, not for one with "
        f"{', '.join(f'{key} = {value}' for key, value in changed.items())}\n"
        f"  add {' '.join(f'{key}={value}' for key, value in neutral.items())}"
    )


def _changed(config: Config) -> dict[str, Any]:
    """The settings by which the network is not the whole one."""
    width = {"arch.width": config.arch.width} if config.arch.width != 1 else {}
    rewrites = {k: value for k, value in asdict(config.arch.rewrites).items() if k not in SIZELESS}
    return width | {f"arch.rewrites.{k}": value for k, value in rewrites.items() if value not in (None, False)}


def _damaged_in_cache(entry: Release, path: Path, error: ForeignFile) -> ForeignFile:
    """`error` with what to do about the cache of a library."""
    reason = str(error).splitlines()[0]
    return type(error)(
        f"weights = {entry.name}: {reason}\n"
        f"  it lies in the library's cache: remove {path.resolve()} and the same command downloads it again"
    )


def _sizes(total: Cost) -> dict[str, int]:
    """Parameters of every layer but the auxiliary heads and the classifier, which may be initialised anew."""
    layers = {layer.path: layer.params for layer in total.layers if layer.params}
    return {path: n for path, n in layers.items() if path != "logits" and not path.startswith("aux")}
