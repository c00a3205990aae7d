"""What torch.save has written, as a tree of dictionaries with `Stored` tensors: the zip format, and the one before
torch 1.6. Nothing in it is run. No torch."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from inceptionctl.models.weights.contents import ForeignFile, Storage, itemsize
from inceptionctl.models.weights.unpickle import (
    Damaged,
    FindStorage,
    Refused,
    StoredStorage,
    StructureUnpickler,
)

MAX_PICKLE = 64 << 20  # names, shapes and settings; the values lie outside it
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_START = b"\x8a\n" + LEGACY_MAGIC.to_bytes(10, "little")
COUNT_BYTES = 8
LOCAL_HEADER, NAME_LENGTHS = 30, 26  # of a member of a zip file, before its name
SAVE_AGAIN = (
    "  where it came from, save the weights alone:\n"
    "  safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')"
)
AGAIN = "\n  download or copy it again"


def is_legacy(head: bytes) -> bool:
    return head[2:14] == LEGACY_START


def read_zip(path: Path) -> Any:  # noqa: ANN401  whatever a file holds
    """The tree of a zip file of torch.save. Raises ForeignFile for anything else, FileError if it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _tree(path, archive)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError) as error:
        raise ForeignFile(
            f"{path} is cut short or damaged: it begins as a file of torch.save, a zip file, and has no readable "
            f"directory at its end ({error}){AGAIN}"
        ) from error


def _tree(path: Path, archive: zipfile.ZipFile) -> Any:  # noqa: ANN401
    members = {member.filename: member for member in archive.infolist()}
    roots = [name.removesuffix("data.pkl") for name in members if name.endswith("/data.pkl") or name == "data.pkl"]
    if not roots:
        raise ForeignFile(f"{path} is {_kind_of_zip(list(members))}, not a file of weights")
    root = min(roots, key=len)
    if f"{root}constants.pkl" in members or any(name.startswith(f"{root}code/") for name in members):
        raise ForeignFile(f"{path} is a TorchScript program, not weights; nothing in it was run\n{SAVE_AGAIN}")
    if _content(archive, members, f"{root}byteorder", b"little") == b"big":
        raise ForeignFile(f"{path} was written on a big-endian machine\n{SAVE_AGAIN}")

    def find_storage(dtype: str, key: str, numel: int, rest: tuple[Any, ...]) -> StoredStorage:
        member = members.get(f"{root}data/{key}")
        if member is None:
            raise Damaged(f"the values of storage {key} are missing")
        if member.compress_type != zipfile.ZIP_STORED:
            raise Damaged("its tensors are compressed, which torch.save never does")
        if numel * (itemsize(dtype) or 1) > member.file_size:
            raise Damaged(f"the storage {key} has {member.file_size:,} bytes, too few for {numel:,} of {dtype}")
        return StoredStorage(dtype, Storage(path, _start(archive, member), member.file_size))

    return _unpickled(path, io.BytesIO(_content(archive, members, f"{root}data.pkl", b"")), find_storage)


def _content(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str, default: bytes) -> bytes:
    if name not in members:
        return default
    with archive.open(members[name]) as file:
        file._expected_crc = None  # type: ignore[attr-defined]  # torch need not write checksums, and does not check any
        found = file.read(MAX_PICKLE + 1)
    if len(found) > MAX_PICKLE:
        raise zipfile.BadZipFile(f"{name} has more than {MAX_PICKLE:,} bytes")
    return found


def _start(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Where the bytes of a member begin: its name and padding stand before them."""
    file: Any = archive.fp
    file.seek(member.header_offset)
    header = file.read(LOCAL_HEADER)
    if header[:4] != b"PK\3\4":
        raise zipfile.BadZipFile(f"{member.filename} is not where the directory says")
    lengths = (int.from_bytes(header[i : i + 2], "little") for i in (NAME_LENGTHS, NAME_LENGTHS + 2))
    return int(member.header_offset + LOCAL_HEADER + sum(lengths))


def _kind_of_zip(names: list[str]) -> str:
    if names and all(name.endswith(".npy") for name in names):
        return "an archive of NumPy (.npz)"
    if "model.weights.h5" in names or "config.json" in names:
        return "a model of Keras"
    shown = f", with {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}" if names else " without files"
    return f"a zip archive{shown}"


def read_legacy(path: Path) -> Any:  # noqa: ANN401
    """The tree of a file of torch.save from before 1.6: three pickles of what it is, the tree, the list of its
    storages, then these. The tree is read twice: only then is known where they lie."""
    elements: dict[str, int] = {}  # bytes of an element of each storage

    def note(dtype: str, key: str, numel: int, rest: tuple[Any, ...]) -> StoredStorage:
        elements[key] = itemsize(dtype) or 1
        return StoredStorage(dtype, None)

    with path.open("rb") as file:
        _, _, system = (_unpickled(path, file, note) for _ in range(3))
        start = file.tell()
        _unpickled(path, file, note)
        keys = _unpickled(path, file, note)
        places = _places(path, file, [str(key) for key in keys] if isinstance(keys, list) else [], elements)
        if not isinstance(system, dict) or not system.get("little_endian", True):
            raise ForeignFile(f"{path} was written on a big-endian machine\n{SAVE_AGAIN}")

        def find(dtype: str, key: str, numel: int, rest: tuple[Any, ...]) -> StoredStorage:
            if key not in places:
                raise Damaged(f"the values of storage {key} are missing")
            view = rest[0] if rest else None
            return StoredStorage(dtype, places[key], view[1] if isinstance(view, tuple) else 0)

        file.seek(start)
        return _unpickled(path, file, find)


def _places(path: Path, file: IO[bytes], keys: list[str], elements: dict[str, int]) -> dict[str, Storage]:
    """Of the storages that begin here, one after the other, each behind the number of its elements."""
    places, end = dict[str, Storage](), file.seek(0, io.SEEK_CUR)
    total = path.stat().st_size
    for key in keys:
        file.seek(end)
        size = int.from_bytes(file.read(COUNT_BYTES), "little") * elements.get(key, 1)
        places[key] = Storage(path, end + COUNT_BYTES, size)
        end += COUNT_BYTES + size
        if end > total:
            raise ForeignFile(f"{path} is cut short: it has {total:,} bytes, and needs more{AGAIN}")
    return places


def _unpickled(path: Path, file: IO[bytes], find_storage: FindStorage) -> Any:  # noqa: ANN401
    try:
        return StructureUnpickler(_Bounded(file), find_storage).load()
    except Refused as error:
        raise ForeignFile(
            f"{path} contains more than tensors: it would call {error.name}; nothing in it was run\n"
            f"  do not trust it; {SAVE_AGAIN.strip()}"
        ) from error
    except Damaged as error:
        raise ForeignFile(f"{path} is damaged: {error}{AGAIN}") from error
    except Exception as error:  # a damaged pickle makes the unpickler raise anything
        raise ForeignFile(f"{path} is cut short or damaged: its pickle cannot be read{AGAIN}") from error


class _Bounded:
    """As much of a file as a pickle without values can need."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._end = file, file.tell() + MAX_PICKLE

    def read(self, size: int, /) -> bytes:
        self._check()
        return self._file.read(min(size, MAX_PICKLE))

    def readline(self) -> bytes:
        self._check()
        return self._file.readline(MAX_PICKLE)

    def _check(self) -> None:
        if self._file.tell() > self._end:
            raise Damaged(f"what describes its tensors has more than {MAX_PICKLE:,} bytes")
