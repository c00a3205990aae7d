"""Writes a trained network in a format, opens it again as a user will, and compares the two on real images."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from inceptionctl.export.card import card, header
from inceptionctl.export.compare import Comparison, compare
from inceptionctl.export.folder import new_folder
from inceptionctl.export.registry import format_of
from inceptionctl.export.trained import Trained
from inceptionctl.runs.io import write_text


@dataclass(frozen=True)
class Exported:
    folder: Path
    comparison: Comparison
    sizes: dict[str, int]
    """Bytes of each file."""


def export(
    trained: Trained, name: str, to: Path, images_NCHW: Tensor, described: str, license: str | None = None
) -> Exported:
    """`name`: of the format; `images_NCHW`: uint8, of the input's size, which `described` names.

    Raises RequestError for a network that the format cannot hold, and InceptionctlError where the two networks differ:
    then nothing is left.
    """
    form = format_of(name)
    form.check(trained)
    with new_folder(to) as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # exporters warn about their own insides; what they wrote is run
            form.write(trained, folder)
            comparison = compare(trained, form.open(trained, folder), images_NCHW)
        comparison.check()
        top = header(trained, name, form.library, license)
        write_text(folder / "README.md", card(trained, top, form.usage(trained), comparison, described))
    return Exported(to, comparison, {file.name: file.stat().st_size for file in sorted(to.iterdir())})
