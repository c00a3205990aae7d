"""Fetching a file over a bad line, from a server on this machine."""

from __future__ import annotations

import hashlib
import http.server
import re
import socket
import threading
from dataclasses import dataclass, field

import pytest

from inceptionctl.errors import InceptionctlError
from inceptionctl.models.weights.download import cache_folder, fetch

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """Serves CONTENT. `cut`: bytes after which it hangs up, once; `ranges`: whether it can go on in the middle;
    `redirect`: names the digest as Hugging Face does, and sends the reader elsewhere; `asked`: the ranges asked for."""

    url: str = ""
    cut: int | None = None
    ranges: bool = True
    redirect: str | None = None
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server():
    about = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if about.redirect and self.path != "/store":
                self.send_response(302)
                self.send_header("Location", "/store")
                self.send_header("X-Linked-ETag", f'"{about.redirect}"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            asked = self.headers.get("Range")
            about.asked.append(asked)
            first = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and about.ranges else 0
            if first >= len(CONTENT):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if first else 200)
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}")
            self.send_header("Content-Length", str(len(CONTENT) - first))
            self.end_headers()
            body, about.cut = CONTENT[first:][: about.cut], None
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
        thread.start()
        about.url = f"http://127.0.0.1:{httpd.server_port}/weights.pth"
        yield about
        httpd.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def test_a_file_is_fetched_once(server, tmp_path):
    to = tmp_path / "deep" / "weights.pth"
    seen = []
    assert fetch(server.url, to, SHA256[:8], lambda done, whole: seen.append((done, whole))) == to
    assert to.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    fetch(server.url, to, SHA256)
    assert server.asked == [None]
    assert [p.name for p in to.parent.iterdir()] == ["weights.pth"]


def test_a_broken_transfer_goes_on_where_it_was(server, tmp_path):
    server.cut, to = 300_000, tmp_path / "weights.pth"
    with pytest.raises(
        InceptionctlError, match=r"broke off after 300,000 of 1,024,000 bytes; the same command goes on"
    ):
        fetch(server.url, to, SHA256)
    assert not to.exists()
    part = tmp_path / "weights.pth.part"
    assert part.read_bytes() == CONTENT[:300_000]
    kept, inode = part.read_bytes(), part.stat().st_ino
    fetch(server.url, to, SHA256)
    assert server.asked == [None, "bytes=300000-"]
    assert to.stat().st_ino == inode
    assert to.read_bytes() == kept + CONTENT[300_000:]


def test_a_server_without_ranges_starts_again(server, tmp_path):
    server.ranges, to = False, tmp_path / "weights.pth"
    (tmp_path / "weights.pth.part").write_bytes(b"old" * 1000)
    fetch(server.url, to, SHA256)
    assert server.asked == ["bytes=3000-"]
    assert to.read_bytes() == CONTENT


@pytest.mark.parametrize(("before", "requests"), [(CONTENT, 1), (CONTENT + b"x", 2)], ids=["global_", "too long"])
def test_a_part_that_lacks_nothing_is_checked(server, tmp_path, before, requests):
    to = tmp_path / "weights.pth"
    (tmp_path / "weights.pth.part").write_bytes(before)
    fetch(server.url, to, SHA256)
    assert to.read_bytes() == CONTENT
    assert len(server.asked) == requests


@pytest.mark.parametrize("named_by", ["caller", "server"])
def test_a_wrong_checksum_removes_the_file(server, tmp_path, named_by):
    """The server names a whole digest where it redirects, as Hugging Face does."""
    server.redirect = "0" * 64 if named_by == "server" else None
    with pytest.raises(InceptionctlError, match=f"another checksum than it should: sha256 {SHA256}, expected 0000"):
        fetch(server.url, tmp_path / "weights.pth", "00000000" if named_by == "caller" else None)
    assert list(tmp_path.iterdir()) == []


def test_the_digest_of_a_redirect_is_believed(server, tmp_path):
    server.redirect = SHA256
    assert fetch(server.url, tmp_path / "weights.pth").read_bytes() == CONTENT


def test_a_damaged_beginning_is_found_out(server, tmp_path):
    (tmp_path / "weights.pth.part").write_bytes(b"x" * 1000)
    with pytest.raises(InceptionctlError, match="another checksum"):
        fetch(server.url, tmp_path / "weights.pth", SHA256)
    assert list(tmp_path.iterdir()) == []
    assert fetch(server.url, tmp_path / "weights.pth", SHA256).read_bytes() == CONTENT


def test_offline_says_what_to_put_where(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/weights.pth"
        with pytest.raises(InceptionctlError) as found:
            fetch(url, tmp_path / "weights.pth")
    message = str(found.value)
    assert "Connection refused" in message
    assert url in message
    assert str(tmp_path / "weights.pth") in message


def test_the_cache_is_where_it_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("INCEPTIONCTL_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("INCEPTIONCTL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert str(cache_folder()) == "/home/somebody/.cache/inceptionctl/weights"
