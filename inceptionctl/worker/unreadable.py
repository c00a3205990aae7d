"""Names the images of a run that could not be read, as its records list them."""

from __future__ import annotations

from collections.abc import Iterable

from inceptionctl.data.index import FileList
from inceptionctl.data.listing import as_text
from inceptionctl.runs.records.evaluation import UnreadableImages

MOST_NAMES = 100


def unreadable_images(files: FileList | None, places: Iterable[int]) -> UnreadableImages:
    """`places`: of the images in `files`, in any order. Images that are drawn have no files, and can all be read."""
    found = sorted(set(places))
    if files is None or not found:
        return UnreadableImages(total=0, root=None, names=[])
    names = [as_text(files.name(place).removeprefix(f"{files.root}/")) for place in found[:MOST_NAMES]]
    return UnreadableImages(total=len(found), root=as_text(files.root), names=names)
