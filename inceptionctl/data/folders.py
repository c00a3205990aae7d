"""The folders that settings name."""

from __future__ import annotations

import os
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from inceptionctl.errors import RequestError


def check_folder(setting: str, folder: Path) -> None:
    """Raises RequestError for what is not a folder, with the first part of the path that is missing and the nearest
    name in its place."""
    if not os.path.isdir(folder):  # False, too, for one behind a folder that this user may not enter
        raise RequestError(f"data.{setting} = {folder} is not a folder that can be reached{_remedy(folder)}")


def _remedy(folder: Path) -> str:
    above = next((one for one in folder.parents if os.path.isdir(one)), None)
    if above is None or os.path.lexists(folder):
        return ""
    missing, near = folder.relative_to(above).parts[0], list[str]()
    with suppress(OSError), os.scandir(above) as entries:
        near = get_close_matches(missing, [entry.name for entry in entries if entry.is_dir()], n=1)
    return f"\n  {above} has no {missing}/" + (f": did you mean {near[0]}/?" if near else "")
