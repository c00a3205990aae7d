"""Lists a data set, unless it is kept in the user's cache and no folder has changed since.

An image that is written over in its place changes no folder: it is noticed by its size when it is read, and not at all
if that is the same.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from inceptionctl.data.cached_listing import Key, Listed, read, write
from inceptionctl.data.found import Found
from inceptionctl.errors import InceptionctlError, count, warn
from inceptionctl.files import MissingFileError
from inceptionctl.stamps import note, noting

LEAST = 10_000  # images: fewer are listed in a second, and kept where `data index` asks for it
_used: dict[Key, Found] = {}  # of this process: the rows of a table share their images


def found_of(key: Key, find: Callable[[], Found]) -> Found:
    """What is kept of `key`, if nothing has changed; otherwise what `find` lists, kept if it is large or was kept
    before. What is done is said."""
    if key in _used:
        return _used[key]
    listed, current = look_up(key, find)
    if current:
        warn(_used_text(listed))
    elif listed.stamps and (num_images(listed) >= LEAST or os.path.lexists(key.path)):
        _keep(key, listed)
    else:
        return listed.found
    _used[key] = listed.found
    return listed.found


def look_up(key: Key, find: Callable[[], Found]) -> tuple[Listed, bool]:
    """(what is kept of `key`, True), or (what `find` lists, False). Why a listing that is kept is not used is said."""
    try:
        return read(key), True
    except MissingFileError:
        pass
    except InceptionctlError as error:
        warn(f"{error}: the images are listed anew")
    return list_anew(key, find), False


def list_anew(key: Key, find: Callable[[], Found]) -> Listed:
    """What `find` lists; without times, and not to be kept, where it gives what this process has listed before."""
    begun_ns, clock = time.time_ns(), time.monotonic()
    with noting() as stamps:
        for _, value in key.settings:
            if isinstance(value, str) and os.path.isabs(value):
                note(value)
        named = len(stamps)
        found = find()
    return Listed(found, begun_ns, time.monotonic() - clock, stamps if len(stamps) > named else {})


def num_images(listed: Listed) -> int:
    return sum(map(len, listed.found.splits.values()))


def _keep(key: Key, listed: Listed) -> None:
    try:
        write(key, listed)
    except InceptionctlError as error:
        warn(f"{error}: the next command lists the images again")
        return
    warn(f"{_counted(listed)} listed in {listed.seconds:.1f} s; the listing is kept in {key.path}")


def _used_text(listed: Listed) -> str:
    return (
        f"{_counted(listed)} as listed on {listed.date}: no folder has changed since "
        "(inceptionctl data index --rebuild lists them anew)"
    )


def _counted(listed: Listed) -> str:
    return f"{listed.found.where}: {count(num_images(listed), 'image')}"
