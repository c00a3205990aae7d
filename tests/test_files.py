"""Files that may be anything are answered with one message, at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inceptionctl.files import FileError, from_here, read_bytes, read_text
from inceptionctl.yaml_files import read_yaml

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.yaml"


def test_a_fifo_is_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(FileError, match="it is a FIFO, not a file"):
        read_bytes(path)


@pytest.mark.parametrize(("target", "kind"), [(".", "a folder"), ("/dev/zero", "a device")])
def test_other_kinds_are_named_through_a_link_too(path, target, kind):
    path.symlink_to(target)
    with pytest.raises(FileError, match=f"x.yaml cannot be read: it is {kind}"):
        read_bytes(path)


def test_a_missing_file_a_dangling_link_and_an_impossible_name(path):
    path.symlink_to("nowhere")
    for name in (path, path.with_name("missing"), Path("a\0b")):
        with pytest.raises(FileError, match="cannot be read"):
            read_bytes(name)


def test_size_is_bounded(path):
    path.write_bytes(b"x" * 11)
    assert read_bytes(path, limit=11) == b"x" * 11
    with pytest.raises(FileError, match="more than 10 bytes"):
        read_bytes(path, limit=10)


def test_a_file_system_may_give_fewer_bytes_at_a_time_than_asked_for(path, monkeypatch):
    path.write_bytes(b"0123456789")
    whole = os.pread
    monkeypatch.setattr(os, "pread", lambda file, size, offset: whole(file, min(size, 3), offset))
    assert read_bytes(path) == b"0123456789"


def test_text_is_utf8(path):
    path.write_bytes("größer".encode("latin-1"))
    with pytest.raises(FileError, match=r"not UTF-8 \(byte 2\)"):
        read_text(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' stands twice"),
        ("launch:\n  time: 12:00:00\n", "line 2: 12:00:00 is a number to YAML, in base 60: put it in quotes"),
        ("a: 1:30.5\n", "1:30.5 is a number to YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "could not determine a constructor for the tag"),
        ("[" * 5000 + "]" * 5000, "64 levels"),
        (BOMB, "more than 100,000 values"),
        ("a: &a [*a]\n", "\\*a contains itself"),
        ("? [1, 2]\n: 3\n", "line 1: a key is a word"),
        ("a: [1,\nb: }\n", "line 2: expected the node content"),
        ("a: \0\n", "cannot be read: unacceptable character"),
    ],
)
def test_yaml_that_is_more_than_plain_values_is_refused_with_its_line(path, text, message):
    path.write_text(text)
    with pytest.raises(FileError, match=message):
        read_yaml(path)


def test_anchors_and_merges_are_plain_yaml(path):
    path.write_text("base: &base {x: 1}\nother: {<<: *base, y: [*base, *base]}\ntime: '12:00:00'\n")
    assert read_yaml(path) == {"base": {"x": 1}, "other": {"x": 1, "y": [{"x": 1}] * 2}, "time": "12:00:00"}


def test_a_path_is_shown_as_it_would_be_typed_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [from_here(path) for path in (tmp_path / "a" / "b", Path("a"), Path("/x"))] == ["a/b", "a", "/x"]
    tmp_path.rmdir()
    assert from_here(Path("/x")) == "/x"
