"""Members of tars: as Python's tarfile extracts them, nested ones too, and nothing of a tar that is not whole."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections import Counter

import numpy as np
import pytest
from support.tar_images import write_tar

from inceptionctl.data.tar_files import open_tar
from inceptionctl.errors import RequestError

LONG = "a_folder_of_a_long_name/" * 12 + "image.jpg"
FILES = {"a.jpg": b"one", "./b/c.jpg": b"x" * 1500, LONG: b"long", "empty": b"", "e\u0301\u00e9.png": b"unicode"}
# Names that lead out of any folder are only names here.
HOSTILE = {"../../etc/passwd": b"1", "/etc/passwd": b"2", "a/../../b": b"3", "\x1b[31mred\n": b"4", ".": b"5"}


def listed(path):
    """(content by name, what is left out)."""
    left_out = Counter()
    with open_tar(path) as tar:
        found = {member.name: tar.read(member.offset, member.size) for member in tar.members(left_out)}
    return found, left_out


def extracted(path):
    """The oracle."""
    with tarfile.open(path) as tar:
        return {m.name.encode(): tar.extractfile(m).read() for m in tar if m.isreg()}


def refusal(path):
    with pytest.raises(RequestError) as caught:
        listed(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 500
    return str(caught.value)


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("files", [FILES, HOSTILE], ids=["usual", "hostile"])
def test_members_are_those_of_tarfile(form, files, tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w", format=form) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    found, left_out = listed(tmp_path / "a.tar")
    assert found == extracted(tmp_path / "a.tar") == {name.encode(): content for name, content in files.items()}
    assert not left_out


def test_a_tar_of_the_system_s_own_program_is_read(tmp_path):
    (tmp_path / "images" / "inner").mkdir(parents=True)
    for i in range(40):
        (tmp_path / "images" / "inner" / f"{i}.jpg").write_bytes(bytes([i]) * 700 * i)
    subprocess.run(["tar", "-cf", "a.tar", "images"], cwd=tmp_path, check=True)
    found, _ = listed(tmp_path / "a.tar")
    assert found == {b"images/inner/%d.jpg" % i: bytes([i]) * 700 * i for i in range(40)}


def test_links_devices_and_sparse_files_are_counted(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, kind in (
            ("l", tarfile.SYMTYPE),
            ("h", tarfile.LNKTYPE),
            ("f", tarfile.FIFOTYPE),
            ("d", tarfile.DIRTYPE),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            tar.addfile(entry)
    assert listed(tmp_path / "a.tar") == ({}, Counter({"link in a tar": 2, "device in a tar": 1}))
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(1 << 20)
        file.write(b"end")
    for form in ("gnu", "posix"):
        words = ["tar", "--sparse", f"--format={form}", "-cf", f"{form}.tar", "holes"]
        subprocess.run(words, cwd=tmp_path, check=True)
        assert listed(tmp_path / f"{form}.tar") == ({}, Counter({"file in sparse form": 1}))


def test_a_tar_in_a_tar_is_listed_by_places_in_the_outer_file(tmp_path):
    parts = {f"{k}.tar": write_tar(tmp_path / f"{k}", {f"{k}{i}": b"%d" % i * 900 for i in range(4)}) for k in "abc"}
    outer = write_tar(tmp_path / "outer.tar", {name: path.read_bytes() for name, path in parts.items()})
    whole = outer.read_bytes()
    with open_tar(outer) as tar:
        found = {member.name.decode(): [*tar.within(member).members(Counter())] for member in tar.members(Counter())}
    for name, path in parts.items():
        assert {m.name: whole[m.offset : m.offset + m.size] for m in found[name]} == extracted(path)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_compressed_tar_is_refused_as_such(mode, tmp_path):
    assert "is compressed (" in refusal(write_tar(tmp_path / "a.tar", FILES, mode))


def test_a_tar_that_is_cut_short_anywhere_is_refused(tmp_path):
    whole = write_tar(tmp_path / "a.tar", FILES).read_bytes()
    with tarfile.open(tmp_path / "a.tar") as tar:
        end = max(m.offset_data + -(-m.size // 512) * 512 for m in tar)
    for length in (*range(0, end, 256), end, end + 511):
        (tmp_path / "cut.tar").write_bytes(whole[:length])
        assert any(word in refusal(tmp_path / "cut.tar") for word in ("is cut short", "is no tar", "is empty")), length
    (tmp_path / "cut.tar").write_bytes(whole[: end + 512])
    assert listed(tmp_path / "cut.tar") == listed(tmp_path / "a.tar")


def test_a_tar_in_a_tar_that_is_cut_short_does_not_run_into_what_follows(tmp_path):
    inner = write_tar(tmp_path / "inner.tar", {"a": b"1" * 600, "b": b"2" * 600}).read_bytes()
    last = write_tar(tmp_path / "last.tar", {"c": b"3"}).read_bytes()
    for length in (512 * 3, 512 * 4, 512 * 5, 512 * 6 - 100):
        outer = write_tar(tmp_path / "outer.tar", {"n1.tar": inner[:length], "n2.tar": last})
        with open_tar(outer) as tar, pytest.raises(RequestError, match=r"outer\.tar: n1\.tar is cut short"):
            [*tar.within(next(tar.members(Counter()))).members(Counter())]


def test_tars_that_are_joined_are_not_read_in_part(tmp_path):
    whole = write_tar(tmp_path / "a.tar", FILES).read_bytes()
    (tmp_path / "a.tar").write_bytes(whole + whole)
    assert "goes on after its end marker" in refusal(tmp_path / "a.tar")


def test_a_size_below_zero_does_not_lead_back(tmp_path):
    for size in (-512, -1024, -(10**6), -1):
        with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT) as tar:
            tar.addfile(tarfile.TarInfo("a"))
            entry = tarfile.TarInfo("b")
            entry.size = size
            tar.addfile(entry)
        assert "a.tar is " in refusal(tmp_path / "a.tar")


def test_a_long_header_is_not_read_into_memory(tmp_path):
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
        entry = tarfile.TarInfo("a")
        entry.type, entry.size = kind, 5 << 30
        with (tmp_path / "a.tar").open("wb") as file:
            file.write(entry.tobuf(tarfile.GNU_FORMAT))
            file.truncate(6 << 30)
        assert "a header of 5,368,709,120 bytes" in refusal(tmp_path / "a.tar")


def test_many_headers_of_headers_are_refused(tmp_path):
    entry = tarfile.TarInfo("a")
    entry.type, entry.size = tarfile.XHDTYPE, 11
    header = entry.tobuf(tarfile.GNU_FORMAT) + b"11 path=ab\n".ljust(512, b"\0")
    (tmp_path / "a.tar").write_bytes(header * 3000 + bytes(1024))
    assert "damaged" in refusal(tmp_path / "a.tar")


def test_damage_is_refused_or_lists_only_what_lies_in_the_file(tmp_path):
    whole, rng = bytearray(write_tar(tmp_path / "a.tar", FILES).read_bytes()), np.random.default_rng(0)
    for _ in range(400):
        harmed = bytearray(whole)
        for at in rng.integers(0, len(whole) - 5120, 3):
            harmed[at] = rng.integers(256)
        (tmp_path / "a.tar").write_bytes(harmed)
        try:
            with open_tar(tmp_path / "a.tar") as tar:
                found = [*tar.members(Counter())]
        except RequestError:
            continue
        assert all(m.offset > 0 and m.size >= 0 and m.offset + m.size <= len(whole) for m in found)


def test_what_is_no_tar_is_refused(tmp_path):
    (tmp_path / "page").write_text("<html>" * 500)
    assert "is no tar, or a damaged one" in refusal(tmp_path / "page")
    (tmp_path / "nothing").write_bytes(b"")
    assert "is empty" in refusal(tmp_path / "nothing")
    assert "cannot be read: it is a folder" in refusal(tmp_path)
    assert "No such file" in refusal(tmp_path / "nowhere")
