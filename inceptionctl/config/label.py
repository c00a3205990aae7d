"""The label of a run: the settings that were typed for it, but for those that say where or how it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from hydra.core.override_parser.types import Override

from inceptionctl.config.keys import PLACES, flatten, matches, path_keys
from inceptionctl.config.overrides import is_for_hydra, parse
from inceptionctl.errors import shortened

LONGEST = 200  # characters


def typed_label(words: Sequence[str]) -> str:
    """`optim=rmsprop schedule.lr=0.03` as it was typed, in one line; of a path, its last part. Empty if nothing was
    typed that says what the run is."""
    label = " ".join(part for override in parse(words) for part in _parts(override))
    return shortened("".join(letter if letter.isprintable() else "?" for letter in label), LONGEST)


def _parts(override: Override) -> Iterator[str]:
    """`train={epochs:3,log_every:1}` is train.epochs=3."""
    if is_for_hydra(override):
        return
    key, value = override.key_or_group, override.value()
    for path, inner in flatten({key: value}).items():
        if matches(path, PLACES):
            continue
        if path in path_keys() and isinstance(inner, str):
            yield f"{path}={os.path.basename(inner.rstrip('/'))}"
        else:
            yield f"{path}={inner}" if isinstance(value, dict) else override.input_line or ""
