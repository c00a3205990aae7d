"""What a file is that holds no weights, by its content: the name says nothing. No torch."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from inceptionctl.files import kind_of
from inceptionctl.models.weights.contents import ForeignFile

HEAD_BYTES = 512
AGAIN = "download it again"
LFS = "a pointer of Git LFS, not the file it stands for\n  fetch it with `git lfs pull`, or download the file itself"
CONVERT = "convert it with the tools of that library to a state dict of torch or to safetensors"

# Beginnings: of bytes as they are, of text in lower case.
MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", f"an HDF5 file (Keras, h5py)\n  {CONVERT}"),
    (b"\x93NUMPY", "an array of NumPy (.npy)"),
    (b"GGUF", f"a GGUF file (llama.cpp)\n  {CONVERT}"),
    (b"\x1f\x8b", "compressed by gzip\n  unpack it first"),
    (b"BZh", "compressed by bzip2\n  unpack it first"),
    (b"\xfd7zXZ\x00", "compressed by xz\n  unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd\n  unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive\n  unpack it first"),
    (b"Rar!", "a RAR archive\n  unpack it first"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"#!", "a script"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
)
TEXT: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs.github.com/", LFS),
    (b"version https://hawser.github.com/", LFS),
    (b"# xet version", "a pointer of Git Xet, not the file it stands for\n  download the file itself"),
    (b"/annex/objects/", "a pointer of git-annex, not the file it stands for\n  fetch it with `git annex get`"),
    (b"<!doctype html", f"a web page, such as a sign-in or error page\n  {AGAIN}, by the address of the file itself"),
    (b"<html", f"a web page, such as a sign-in or error page\n  {AGAIN}, by the address of the file itself"),
    (b"<?xml", f"an XML document, such as the error of a server\n  {AGAIN}"),
    (b"<error", f"an XML document, such as the error of a server\n  {AGAIN}"),
    (b"<", f"a web page or another document with tags\n  {AGAIN}, by the address of the file itself"),
)


def head_of_file(path: Path) -> bytes:
    """The first bytes of a regular file. Raises ForeignFile for anything else, and never blocks on a pipe."""
    try:
        if kind := kind_of(os.stat(path).st_mode):
            raise ForeignFile(f"{path} cannot be read: it is {kind}, not a file{_inside(path)}")
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ForeignFile(f"{path} cannot be read: it was exchanged just now")
            return file.read(HEAD_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL byte
        link = ", through a link that leads nowhere" if os.path.islink(path) else ""
        raise ForeignFile(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}{link}") from error


def foreign(path: Path, head: bytes) -> str:
    """What a file that begins with `head` and is no file of weights is, and what to do with it."""
    if not head:
        return "empty"
    if not head.strip(b"\0"):
        return f"filled with zeros where it begins, as a download that broke off\n  {AGAIN}"
    if found := next((what for magic, what in MAGIC if head.startswith(magic)), None):
        return found
    if head[257:262] == b"ustar":
        return "a tar archive\n  unpack it first"
    if head[4:8] == b"TFL3":
        return f"a model of TensorFlow Lite\n  {CONVERT}"
    return _text(head) or _by_name(path, head)


def _text(head: bytes) -> str | None:
    try:
        text = head.decode("utf-8-sig", errors="strict" if len(head) < HEAD_BYTES else "ignore").lstrip()
    except UnicodeDecodeError:
        return None
    if any(ord(c) < 32 and c not in "\t\r\n\f\x1b" for c in text):
        return None
    lowered = text.lower().encode()
    if found := next((what for start, what in TEXT if lowered.startswith(start)), None):
        return found
    if text.startswith(("{", "[")):
        if "weight_map" in text or "index.json" in text:
            return "an index of several files of weights\n  join them into one file first"
        return f"a JSON text, such as the error of a server\n  {AGAIN}"
    shown = " ".join(text.split())[:60]
    return f"a text that begins with {shown!r}" if shown else "blank"


def _by_name(path: Path, head: bytes) -> str:
    """Formats without a beginning of their own."""
    name = path.name.lower()
    if name.endswith(".onnx") or b"pytorch" in head[:40] or b"onnx" in head[:64]:
        return f"a model of ONNX\n  {CONVERT}"
    if ".data-0" in name or name.endswith((".index", ".pb", ".meta")) or name == "checkpoint":
        return f"a part of a checkpoint of TensorFlow\n  {CONVERT}"
    if name.endswith((".msgpack", ".caffemodel", ".mlmodel", ".params", ".pdparams")):
        return f"a file of another framework ({path.suffix})\n  {CONVERT}"
    if head[:1] == b"\x80" and head[1] <= 5:
        return (
            "a pickle that torch.save has not written; nothing in it was run\n"
            "  where it came from, save the weights with safetensors or torch.save(model.state_dict(), FILE)"
        )
    return "of no kind that is known here (safetensors, or a state dict of torch.save)"


def _inside(path: Path) -> str:
    """What to name instead of a folder."""
    if not path.is_dir():
        return ""
    with_weights = [name for name in ("model.safetensors", "pytorch_model.bin") if (path / name).is_file()]
    if with_weights:
        return f"\n  name {path / with_weights[0]}"
    if (path / "checkpoints").is_dir():
        return f"\n  the weights of a run lie in {path / 'checkpoints'}/step-N/ema.safetensors"
    return "\n  name the file in it"
