"""The folder that images are packed into: what is there already, and which process writes there."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inceptionctl.data.index import Index
from inceptionctl.data.listing import as_text, some
from inceptionctl.data.packed.records import PLAN, SUMMARY, Packing, Plan, read_json, to_json
from inceptionctl.errors import InceptionctlError, RequestError
from inceptionctl.files import FileError, MissingFileError
from inceptionctl.runs.io import write_text

LOCK = ".lock"
OWN = re.compile(rf"(train|eval)-\d+\.(bin|npz)|{re.escape(PLAN)}|{re.escape(SUMMARY)}|{re.escape(LOCK)}")
UNFINISHED = re.compile(rf"\.({OWN.pattern})\.\d+")  # of a process that was killed


@contextmanager
def open_folder(folder: Path, plan: Plan) -> Iterator[Plan]:
    """Makes the folder and its plan, or continues with those that are there, for this process alone.

    Raises RequestError for a folder with other things, of another plan, or that another process packs into.
    """
    _check_content(folder)
    _plan_there(folder, plan)
    try:
        folder.mkdir(exist_ok=True)
        lock = (folder / LOCK).open("ab")
    except OSError as error:
        raise InceptionctlError(f"cannot write {folder}: {error.strerror}") from error
    with lock:
        try:
            # Forked processes do not inherit such a lock: those of a command that was killed do not hold it.
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise RequestError(f"another process packs images into {folder}: wait until it has ended") from error
        except OSError as error:
            raise InceptionctlError(f"cannot lock {folder / LOCK}: {error.strerror}") from error
        _remove_unfinished(folder)
        # Once more: another process may have begun between the first look and the lock.
        if (found := _plan_there(folder, plan)) is None:
            write_text(folder / PLAN, to_json(plan))
        yield found or plan
        (folder / LOCK).unlink(missing_ok=True)


def check_apart(folder: Path, index: Index) -> None:
    """Raises RequestError for a folder among the images: it would be taken for a class of them."""
    for files in index.files.values():
        if folder.resolve().is_relative_to(Path(files.root).resolve()):
            raise RequestError(f"--out {folder} lies in the folder of the images, {files.root}: name one outside it")


def _check_content(folder: Path) -> None:
    if not os.path.lexists(folder):
        if not folder.absolute().parent.is_dir():
            raise RequestError(f"--out {folder}: there is no folder {folder.parent}")
        return
    if not folder.is_dir():
        raise RequestError(f"--out {folder} is not a folder")
    names = sorted(os.listdir(folder))
    if others := [name for name in names if not (OWN.fullmatch(name) or UNFINISHED.fullmatch(name))]:
        raise RequestError(
            f"--out {folder} holds other things: {some([as_text(name) for name in others])}\n"
            "  name a folder that is new or empty, or one that images were packed into"
        )
    if names and PLAN not in names and any(OWN.fullmatch(name) and name != LOCK for name in names):
        raise RequestError(f"--out {folder} has shards without {PLAN}: name another folder, or remove this one")


def _plan_there(folder: Path, asked: Plan) -> Plan | None:
    """Raises RequestError for a plan that is damaged, or another than `asked`."""
    try:
        found = read_json(folder / PLAN, Plan)
    except MissingFileError:
        return None
    except FileError as error:
        raise RequestError(f"{error}\n  name another folder, or remove this one") from error
    _check_plan(folder, found, asked)
    return found


def _check_plan(folder: Path, found: Plan, asked: Plan) -> None:
    if found.digest == asked.digest:
        return
    lines = [f"  {what}: {old} there, {new} asked for" for what, old, new in _differences(found, asked) if old != new]
    raise RequestError(
        "\n".join([f"--out {folder} was begun with another plan", *lines, "  name another folder, or remove this one"])
    )


def _differences(found: Plan, asked: Plan) -> Iterator[tuple[str, object, object]]:
    yield "training images", found.source.fingerprint, asked.source.fingerprint
    yield "evaluation images", found.source.eval_fingerprint, asked.source.eval_fingerprint
    for name in Packing.__dataclass_fields__:
        yield name, getattr(found.packing, name), getattr(asked.packing, name)


def _remove_unfinished(folder: Path) -> None:
    for name in os.listdir(folder):
        if UNFINISHED.fullmatch(name):
            (folder / name).unlink(missing_ok=True)
