"""What may happen to a file: each damage replaces the file at a path by something else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
TYPES = ("null", "[]", "1", '"text"', "{}", '{"schema": 1}', '{"schema": 2}', "true", '[{"schema": 1}]')


def _text(text: str):
    return lambda path: path.write_text(text)


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _changed_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    if data:
        data[len(data) // 3] ^= 0x55
    path.write_bytes(data)


def _nan(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b": 0", b": NaN").replace(b": 1", b": Infinity"))


def _huge(path: Path) -> None:
    os.truncate(path, 5 << 30)


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path) -> None:
    """To a file of the user, outside the run, with what the file had."""
    shutil.move(path, precious(path))
    path.symlink_to(precious(path))


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _hard_link(path: Path) -> None:
    shutil.move(path, precious(path))
    os.link(precious(path), path)


def _of_another_run(path: Path) -> None:
    """The file of the same name of another run."""
    others = [other for other in path.parents[1].rglob(path.name) if other != path and other.is_file()]
    if others:
        shutil.copyfile(max(others), path)


def precious(path: Path) -> Path:
    folder = next(parent for parent in path.parents if parent.name == "outputs").parent
    return folder / f"precious-{path.name}"


DAMAGES = {
    "missing": Path.unlink,
    "empty": _text(""),
    "half": _half,
    "a changed byte": _changed_byte,
    "NUL bytes": lambda path: path.write_bytes(b"\0" * 100),
    "not UTF-8": lambda path: path.write_bytes("name: größer\n".encode("latin-1") * 30),
    "deep JSON": _text("[" * 5000 + "]" * 5000),
    "deep mapping": _text('{"a":' * 5000 + "1" + "}" * 5000),
    "a YAML bomb": _text(BOMB),
    "a tag": _text("a: !!python/object/apply:os.mkdir [ran]\n"),
    "a large number": _text(json.dumps({"schema": 1, "code": 10**400}) + "\n"),
    "a line without end": _text("x" * (3 << 20)),
    "NaN": _nan,
    "huge": _huge,
    "a FIFO": _fifo,
    "a folder": _folder,
    "a link": _link,
    "a dangling link": _dangling,
    "a hard link": _hard_link,
    "of another run": _of_another_run,
    **{f"JSON {text}": _text(text + "\n") for text in TYPES},
}
