"""Reads files that may be anything: never blocks on a pipe, is bounded in size and depth, says what a bad file is.
Writes files whole or not at all."""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from inceptionctl.errors import InceptionctlError
from inceptionctl.stamps import note

MAX_BYTES = 64 << 20
MAX_YAML_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_NODES = 100_000  # with every alias expanded: a short text of nested aliases can stand for billions
OCTAL = re.compile(r"[-+]?0[0-7_]+")
FLOAT = re.compile(
    r"""[-+]?(?:
    (?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?  # 1.5, .5, 1.5e-3
    |[0-9][0-9_]*[eE][-+]?[0-9]+  # 1e-3
    |[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*  # 12:30:00.5, to be refused
    |\.(?:inf|Inf|INF))$
    |\.(?:nan|NaN|NAN)$""",
    re.VERBOSE,
)
KINDS: dict[str, Callable[[int], bool]] = {
    "a folder": stat.S_ISDIR,
    "a FIFO": stat.S_ISFIFO,
    "a socket": stat.S_ISSOCK,
    "a device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode),
}


def from_here(path: Path) -> str:
    """A path for messages: from the current folder, if it lies below that."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):  # OSError: the current folder has been removed
        return str(path)


def for_shell(path: Path) -> str:
    """The same as a word of a shell command that can be copied from a message."""
    return shlex.quote(from_here(path))


class FileError(InceptionctlError):
    """A file that is missing, cannot be read, or is not what its name promises. The message names it."""


class MissingFileError(FileError):
    """There is no such file."""


def open_file(path: Path) -> BinaryIO:
    """Opens a regular file to read; it is never waited for. Raises FileError for anything else."""
    return os.fdopen(_open(path), "rb")


@contextmanager
def descriptor(path: Path) -> Iterator[int]:
    """The same without a buffer, which takes longer to make than an image to read."""
    file = _open(path)
    try:
        yield file
    finally:
        os.close(file)


def _open(path: Path) -> int:
    note(path)
    try:
        _check_kind(path, os.stat(path).st_mode)
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        if path.is_symlink():
            raise FileError(f"{path} cannot be read: it is a link to {os.readlink(path)}, which is missing") from error
        raise MissingFileError(f"{path} cannot be read: {error.strerror}") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL byte
        raise FileError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        _check_kind(path, os.fstat(file).st_mode)  # it was exchanged just now
    except BaseException:
        os.close(file)
        raise
    return file


def _check_kind(path: Path, mode: int) -> None:
    """Raises FileError for what is not a regular file."""
    if not stat.S_ISREG(mode) and (kind := kind_of(mode)):
        raise FileError(f"{path} cannot be read: it is {kind}, not a file")


def read_at(file: int, size: int, offset: int = 0) -> bytes:
    """Up to `size` bytes of a file: fewer where it ends. A file system may give fewer at a time."""
    data = os.pread(file, size, offset)
    while len(data) < size and (rest := os.pread(file, size - len(data), offset + len(data))):
        data += rest
    return data


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The content of a regular file of at most `limit` bytes. Raises FileError for anything else."""
    with descriptor(path) as file:
        try:
            size = os.fstat(file).st_size  # a reader that is asked for `limit` bytes reserves as many
            data = read_at(file, min(size, limit) + 1)
        except OSError as error:
            raise FileError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise FileError(f"{path} cannot be read: it has more than {limit:,} bytes")
    return data


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """The same of a text in UTF-8."""
    try:
        return read_bytes(path, limit).decode()
    except UnicodeDecodeError as error:
        raise FileError(f"{path} cannot be read: it is not UTF-8 (byte {error.start:,})") from error


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that replaces it, durably, when the block ends without an exception. The folder
    is not made: it may have been removed on purpose.

    Raises InceptionctlError if the file cannot be written; `path` is then as it was before.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InceptionctlError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def read_yaml(path: Path) -> Any:  # noqa: ANN401  whatever a document holds
    """The document of a YAML file. Raises FileError with the line for what is not plain YAML: tags, duplicate keys,
    times that YAML 1.1 takes for numbers, aliases or nesting beyond all use."""
    return _parsed(path, lambda loader: loader.get_single_data())


def line_of(path: Path, keys: Sequence[str | int]) -> int:
    """The line of a value in a YAML file, such as that under ("rows", 2, "set", 0); if there is none, of the deepest
    part of the way that there is. Raises FileError as `read_yaml`."""
    node = _parsed(path, lambda loader: loader.get_single_node())
    mark = node.start_mark if node else None
    for key in keys:
        found = _child(node, key)
        if found is None:
            break
        at, node = found
        mark = at.start_mark
    return mark.line + 1 if mark else 1


def _child(node: yaml.Node | None, key: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """(where it begins, its value): an entry of a mapping begins with its key."""
    if isinstance(node, yaml.MappingNode):
        return next(((name, value) for name, value in node.value if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None


def _parsed(path: Path, parse: Callable[[_StrictLoader], Any]) -> Any:  # noqa: ANN401  a document or its nodes
    try:
        return parse(_StrictLoader(read_text(path, MAX_YAML_BYTES)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise FileError(f"{path}{where}: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise FileError(f"{path} cannot be read: {' '.join(str(error).split())}") from error


def kind_of(mode: int) -> str:
    """What a file of this mode is ("a FIFO"); "" for a regular one."""
    return next((kind for kind, has in KINDS.items() if has(mode)), "")


class _StrictLoader(yaml.SafeLoader):
    """Counts nodes while composing, so that nothing large is ever built."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth, self.nodes = 0, 0
        self.nodes_of: dict[str, int] = {}  # by anchor, expanded

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401  as in PyYAML
        event = self.peek_event()  # type: ignore[no-untyped-call]
        anchor, before = event.anchor, self.nodes
        if isinstance(event, yaml.AliasEvent):
            if anchor in self.anchors and anchor not in self.nodes_of:
                raise _error(event, f"*{anchor} contains itself")
            self._count(self.nodes_of.get(anchor, 1), event)
            return super().compose_node(parent, index)
        self._count(1, event)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        if anchor:
            self.nodes_of[anchor] = self.nodes - before
        return node

    def _count(self, nodes: int, event: yaml.Event) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES or self.depth > MAX_DEPTH:
            raise _error(event, f"there are more than {MAX_NODES:,} values or {MAX_DEPTH} levels of them")

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401
        keys = set[str]()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _error(key, "a key is a word, not a list or a mapping")
            if key.value in keys:
                raise _error(key, f"the key {key.value!r} stands twice")
            keys.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: Any) -> int:  # noqa: ANN401
        return int(super().construct_yaml_int(_not_a_time(node)))

    def construct_yaml_float(self, node: Any) -> float:  # noqa: ANN401
        return float(super().construct_yaml_float(_not_a_time(node)))


# Numbers as OmegaConf and the command line have them, 1e-3 too; a date is a text.
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":float", ":timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, [*"-+0123456789."])
_StrictLoader.add_constructor("tag:yaml.org,2002:int", _StrictLoader.construct_yaml_int)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _StrictLoader.construct_yaml_float)


def _not_a_time(node: yaml.ScalarNode) -> yaml.ScalarNode:
    if ":" in node.value:
        raise _error(node, f"{node.value} is a number to YAML, in base 60: put it in quotes")
    if OCTAL.fullmatch(node.value):
        raise _error(node, f"{node.value} is a number to YAML, in base 8: write it without the 0, or in quotes")
    return node


def _error(at: Any, problem: str) -> yaml.MarkedYAMLError:  # noqa: ANN401  a node or an event
    return yaml.MarkedYAMLError(problem=problem, problem_mark=at.start_mark)
