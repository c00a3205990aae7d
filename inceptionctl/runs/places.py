"""Where runs are to be kept: checked before anything is made there."""

from __future__ import annotations

import os
from pathlib import Path

from inceptionctl.errors import RequestError
from inceptionctl.files import kind_of
from inceptionctl.settings import MAX_NAME_BYTES

MAX_PATH_BYTES = 3800  # Linux allows 4096, with the files of a run behind it


def check_place(path: Path, typed: str) -> None:
    """Raises RequestError unless `path` is a folder that can be written to, or can be made. `typed`: the settings that
    name it."""
    nearest, whole = Path("/"), Path(os.path.abspath(path))
    if len(os.fsencode(whole)) > MAX_PATH_BYTES:
        raise _refused(typed, f"the path has more than {MAX_PATH_BYTES:,} bytes")
    for folder in (*reversed(whole.parents), whole):
        if len(os.fsencode(folder.name)) > MAX_NAME_BYTES:
            raise _refused(typed, f"the name of a folder has at most {MAX_NAME_BYTES} bytes")
        if os.path.isdir(folder):
            nearest = folder
        elif os.path.islink(folder):
            raise _refused(typed, f"{folder} is a link to {os.readlink(folder)}, which is no folder")
        elif os.path.lexists(folder):
            raise _refused(typed, f"{folder} is {kind_of(os.lstat(folder).st_mode) or 'a file'}, not a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise _refused(typed, f"{nearest} cannot be written to")


def _refused(typed: str, reason: str) -> RequestError:
    remedy = "choose another place: outputs=DIR (run_dir=DIR for one run)"
    return RequestError(f"{typed} is not allowed: {reason}\n  {remedy}")
