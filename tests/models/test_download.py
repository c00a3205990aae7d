"""Downloads over a bad connection, from a server on this machine."""

from __future__ import annotations

import hashlib
import http.server
import os
import re
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field

import pytest
import torch

from inceptionctl.errors import InceptionctlError
from inceptionctl.models.weights.download import fetch
from inceptionctl.models.weights.releases import checkpoints_folder

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
COMMIT = "c" * 40


@dataclass
class Server:
    """Serves CONTENT. `cut`: bytes after which it hangs up, once; `ranges`: whether it takes them; `sha256`: the digest
    that it names, as the Hugging Face hub does; `asked`: the ranges asked for."""

    url: str = ""
    cut: int | None = None
    ranges: bool = True
    sha256: str = ""
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server():
    about = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200 if about.sha256 else 404)
            self.send_header("X-Error-Code", "" if about.sha256 else "RepoNotFound")
            self.send_header("ETag", f'"{about.sha256}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()

        def do_GET(self):
            if self.path.startswith("/api/"):  # the hub's client looks for news
                self.send_error(404)
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
    assert fetch(server.url, to, SHA256[:8], lambda done, total: seen.append((done, total))) == to
    assert to.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    fetch(server.url, to, SHA256)
    assert server.asked == [None]
    assert [p.name for p in to.parent.iterdir()] == ["weights.pth"]


def test_a_broken_transfer_is_resumed(server, tmp_path):
    server.cut, to = 300_000, tmp_path / "weights.pth"
    with pytest.raises(
        InceptionctlError, match=r"broke off after 300,000 of 1,024,000 bytes; the same command resumes it"
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


def test_without_ranges_a_transfer_starts_again(server, tmp_path):
    server.ranges, to = False, tmp_path / "weights.pth"
    (tmp_path / "weights.pth.part").write_bytes(b"old" * 1000)
    fetch(server.url, to, SHA256)
    assert server.asked == ["bytes=3000-"]
    assert to.read_bytes() == CONTENT


@pytest.mark.parametrize(("before", "requests"), [(CONTENT, 1), (CONTENT + b"x", 2)], ids=["global_", "too long"])
def test_a_complete_part_is_checked(server, tmp_path, before, requests):
    to = tmp_path / "weights.pth"
    (tmp_path / "weights.pth.part").write_bytes(before)
    fetch(server.url, to, SHA256)
    assert to.read_bytes() == CONTENT
    assert len(server.asked) == requests


def test_a_wrong_checksum_removes_the_file(server, tmp_path):
    with pytest.raises(InceptionctlError, match=f"wrong checksum: sha256 {SHA256}, expected 00000000"):
        fetch(server.url, tmp_path / "weights.pth", "00000000")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_part_is_removed(server, tmp_path):
    (tmp_path / "weights.pth.part").write_bytes(b"x" * 1000)
    with pytest.raises(InceptionctlError, match="wrong checksum"):
        fetch(server.url, tmp_path / "weights.pth", SHA256)
    assert list(tmp_path.iterdir()) == []
    assert fetch(server.url, tmp_path / "weights.pth", SHA256).read_bytes() == CONTENT


def test_offline_a_message_says_what_to_put_where(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/weights.pth"
        with pytest.raises(InceptionctlError) as found:
            fetch(url, tmp_path / "weights.pth", SHA256)
    message = str(found.value)
    assert "Connection refused" in message
    assert url in message
    assert str(tmp_path / "weights.pth") in message


# The hub's cache, from a server in the hub's place.

HUB = """
import sys
from inceptionctl.errors import InceptionctlError
from inceptionctl.models.weights import hub
print(hub.cached("timm/net.tag"))
try:
    print(hub.fetch("timm/net.tag"))
    assert "torch" not in sys.modules
except InceptionctlError as error:
    print(error)
print(hub.cached("timm/net.tag"))
"""


@pytest.fixture
def hub(server, tmp_path):
    """What a process that downloads a file from the hub prints: the cached file, the outcome, the cached file."""

    def run(**environment):
        at = {"HF_ENDPOINT": server.url.rpartition("/")[0], "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
        words = [sys.executable, "-c", HUB]
        done = subprocess.run(words, env=os.environ | at | environment, capture_output=True, text=True, check=True)
        return done.stdout.strip().splitlines()

    return run


def test_a_file_of_the_hub_is_in_the_hub_s_cache(hub, server, tmp_path):
    server.sha256 = SHA256
    path = tmp_path / "hub/models--timm--net.tag/snapshots" / COMMIT / "model.safetensors"
    assert hub() == ["None", str(path), str(path)]
    assert path.read_bytes() == CONTENT
    assert hub(HF_HUB_OFFLINE="1") == [str(path)] * 3
    assert len(server.asked) == 1


def test_a_damaged_file_of_the_hub_is_removed(hub, server, tmp_path):
    server.sha256 = "0" * 64
    before, *message, after = hub()
    assert (before, after) == ("None", "None")
    assert f"wrong checksum: sha256 {SHA256}, expected {'0' * 64}" in message[0]
    assert not list(tmp_path.rglob("blobs/*"))


def test_a_tag_that_is_not_on_the_hub_is_refused(hub):
    assert hub()[1].startswith("unknown timm weights of net 'tag'")


def test_without_the_hub_a_message_says_what_to_copy_where(hub, tmp_path):
    _, first, second, third, _ = hub(HF_ENDPOINT="http://127.0.0.1:1")
    assert first.startswith("cannot download http://127.0.0.1:1/timm/net.tag/resolve/main/model.safetensors: ")
    assert "hf download timm/net.tag model.safetensors" in second
    assert third.split() == ["models--timm--net.tag", "from", "its", "cache", "to", str(tmp_path / "hub")]


def test_the_folder_of_torch_hub(monkeypatch):
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert str(checkpoints_folder()) == f"{torch.hub.get_dir()}/checkpoints"
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert str(checkpoints_folder()) == f"{torch.hub.get_dir()}/checkpoints" == "/cache/torch/hub/checkpoints"
    monkeypatch.setenv("TORCH_HOME", "/torch")
    assert str(checkpoints_folder()) == f"{torch.hub.get_dir()}/checkpoints" == "/torch/hub/checkpoints"
