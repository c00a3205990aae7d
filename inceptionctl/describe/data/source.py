"""The data set that the words of a command name, as they are typed behind `train`."""

from __future__ import annotations

import os
from collections.abc import Sequence

from inceptionctl.data.images import DataSource
from inceptionctl.errors import RequestError


def source_of(words: Sequence[str]) -> DataSource:
    """A folder stands for data=imagefolder. Raises RequestError for settings of other groups."""
    from inceptionctl.config.compose import compose
    from inceptionctl.config.validate import parse
    from inceptionctl.config.words import quoted

    folders = [word for word in words if "=" not in word or os.path.isdir(word)]
    settings = [word for word in words if word not in folders]
    if others := [word for word in settings if not word.lstrip("+~").startswith(("data=", "data."))]:
        raise RequestError(f"{others[0]}: data takes settings of data sets, such as data=imagefolder data.root=DIR")
    if len(folders) > 1 or (folders and any(word.startswith(("data=", "data.root=")) for word in settings)):
        raise RequestError(f"{folders[-1]} is one data set too many: name a folder, or data=NAME with its settings")
    if not words:
        raise RequestError(
            "data needs a folder, or data=NAME with its settings, such as data=imagefolder data.root=DIR"
        )
    if folders:
        settings = ["data=imagefolder", f"data.root={quoted(folders[0])}", *settings]
    return parse(compose("train", settings)).data
