"""CIFAR-10, CIFAR-100 and Fashion-MNIST: their files as torchvision reads them, downloads, and files that are wrong."""

from __future__ import annotations

import http.server
import io
import os
import pickle
import socket
import tarfile
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torchvision
from support.data_sets import data_set
from support.downloaded_sets import (
    MODULES,
    NAMES,
    cifar_batch,
    expect,
    fill_cifar,
    fill_fashion_mnist,
    md5,
    pack_cifar,
    python2_pickle,
    write_cifar,
    write_idx,
)

from inceptionctl.config.compose import compose
from inceptionctl.config.identity import identity
from inceptionctl.config.validate import parse
from inceptionctl.data.cifar import find_cifar
from inceptionctl.data.decode import read_pixels
from inceptionctl.data.downloads import default_root, obtain
from inceptionctl.data.idx import idx_header
from inceptionctl.data.restricted_pickle import PickledArray, offset_of, read_pickle
from inceptionctl.data.sources import fashion_mnist
from inceptionctl.errors import RequestError

NAMES_OF_SETS = ["cifar10", "cifar100", "fashion_mnist"]
TORCHVISION = {
    "cifar10": torchvision.datasets.CIFAR10,
    "cifar100": torchvision.datasets.CIFAR100,
    "fashion_mnist": torchvision.datasets.FashionMNIST,
}
HERE = Path("x")


def settings(name, *words):
    return parse(compose("train", [f"data={name}", "data.workers=0", *words])).data


def refused(name, *words):
    with pytest.raises(RequestError) as e:
        settings(name, *words).find()
    return str(e.value)


def files_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# The facts are torchvision's


@pytest.mark.parametrize("name", sorted(MODULES))
def test_facts_of_cifar_are_those_of_torchvision(name):
    ours, theirs = MODULES[name].FACTS, TORCHVISION[name]
    assert (ours.folder, ours.title.replace("-", "")) == (theirs.base_folder, theirs.__name__)
    archive = ours.archive
    assert (archive.urls, archive.name, archive.md5) == ((theirs.url,), theirs.filename, theirs.tgz_md5)
    assert [*map(list, ours.train)] == theirs.train_list
    assert [*map(list, ours.test)] == theirs.test_list
    meta = {"filename": ours.meta[0], "key": ours.names_key.decode(), "md5": ours.meta[1]}
    assert meta == theirs.meta
    assert {*archive.files} == {f"{ours.folder}/{file}" for file, _ in (*ours.train, *ours.test, ours.meta)}


def test_facts_of_fashion_mnist_are_those_of_torchvision():
    theirs = torchvision.datasets.FashionMNIST
    archives = [archive for split in fashion_mnist.SPLITS for archive in split]
    assert [(Path(archive.name).name, archive.md5) for archive in archives] == theirs.resources
    assert [*fashion_mnist.CLASSES] == theirs.classes
    assert [archive.urls for archive in archives] == [
        tuple(f"{mirror}{file}" for mirror in theirs.mirrors) for file, _ in theirs.resources
    ]


# What torchvision reads


def torchvision_reads(name, root, train, monkeypatch):
    """The small copy: its checksums are not those that torchvision expects."""
    cls = TORCHVISION[name]
    if name in MODULES:
        monkeypatch.setattr(cls, "_check_integrity", lambda self: True)
        monkeypatch.setattr(cls, "meta", cls.meta | {"md5": MODULES[name].FACTS.meta[1]})
    return cls(str(root), train=train)


@pytest.mark.parametrize("name", NAMES_OF_SETS)
def test_images_and_labels_are_those_of_torchvision_to_the_pixel(name, tmp_path, monkeypatch):
    found = data_set(name, tmp_path).find()
    for train, files in ((True, found.train), (False, found.eval)):
        theirs = torchvision_reads(name, tmp_path, train, monkeypatch)
        assert len(files) == len(theirs)
        assert [*found.classes] == theirs.classes
        assert files.labels_N.tolist() == [label for _, label in theirs]
        for i, (image, _) in enumerate(theirs):
            assert np.array_equal(np.asarray(read_pixels(files, i)), np.asarray(image.convert("RGB"))), i


@pytest.mark.parametrize(
    ("name", "images", "where"),
    [
        ("cifar10", (b"data_batch_1/00000", b"data_batch_2/00001", b"test_batch/00000"), "cifar-10-batches-py"),
        ("cifar100", (b"train/00000", b"train/00021", b"test/00000"), "cifar-100-python"),
        (
            "fashion_mnist",
            (b"train-images-idx3-ubyte/00000", b"train-images-idx3-ubyte/00021", b"t10k-images-idx3-ubyte/00000"),
            "FashionMNIST/raw",
        ),
    ],
)
def test_names_of_images_and_where_they_come_from(name, images, where, tmp_path):
    source = data_set(name, tmp_path)
    found = source.find()
    assert (found.train.paths_N[0], found.train.paths_N[21], found.eval.paths_N[0]) == images
    assert len({*found.train.paths_N.tolist()}) == len(found.train)
    assert found.where == f"{source.title}, as torchvision downloads it, in {tmp_path / where} (md5 checked)"
    assert found is source.find()


# Data that is missing


@pytest.mark.parametrize(
    ("name", "file", "archive", "size"),
    [
        ("cifar10", "cifar-10-batches-py/data_batch_1", "cifar-10-python.tar.gz", "170 MB"),
        ("cifar100", "cifar-100-python/train", "cifar-100-python.tar.gz", "169 MB"),
        ("fashion_mnist", "FashionMNIST/raw/train-images-idx3-ubyte.gz", "train-images-idx3-ubyte.gz", "26.4 MB"),
    ],
)
def test_missing_data_is_told_with_what_to_do(name, file, archive, size, inceptionctl_here, tmp_path):
    done = inceptionctl_here("train", f"data={name}", "--dry-run", XDG_CACHE_HOME=str(tmp_path / "cache"))
    root = tmp_path / "cache" / "inceptionctl" / "data"
    place = root / file if name == "fashion_mnist" else root / archive
    assert (done.returncode, done.stdout) == (2, "")
    assert f" is not in {root} (data.root): there is no {file}\n" in done.stderr
    assert f"data.download=true downloads {archive} ({size}) from http" in done.stderr
    assert f"put that file at {place}; data.download=true then unpacks it" in done.stderr
    assert not (tmp_path / "cache").exists()


def test_the_cache_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for value, cache in ((str(tmp_path / "c"), "c"), ("relative", ".cache"), ("", ".cache")):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert default_root() == tmp_path / cache / "inceptionctl" / "data"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert settings("cifar10").folder == str(tmp_path / ".cache" / "inceptionctl" / "data")


def test_a_run_is_the_same_wherever_the_data_is_and_comes_from():
    found = {
        identity(parse(compose("train", ["data=cifar10", *words])))
        for words in ([], ["data.root=/elsewhere"], ["data.download=true"])
    }
    assert len(found) == 1


def test_a_small_copy_is_planned(inceptionctl_here, tmp_path):
    words = fill_cifar("cifar10", tmp_path)
    done = inceptionctl_here("train", "scale=cifar10", "data=cifar10", *words, "train.batch_size=20", "--dry-run")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "100 images of 10 classes to train on (10 each) and 20 to evaluate on (2 each)" in said


# Downloads


@dataclass
class Server:
    """Serves `files` by name; of one in `cut`, the first half, and then it hangs up."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch):
    about = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.removeprefix("/")
            about.asked.append(name)
            if name not in about.files:
                self.send_error(404)
                return
            data = about.files[name]
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if name in about.cut else data)

        def log_message(self, *_):
            pass

    monkeypatch.setenv("no_proxy", "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.handle_error = lambda *_: None  # of a client that hangs up on the first of torchvision's two requests
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
        thread.start()
        about.url = f"http://127.0.0.1:{httpd.server_port}/"
        yield about
        httpd.shutdown()
        thread.join()


@pytest.fixture
def served(server, tmp_path):
    """(data set, server, files as they must be afterwards): a small CIFAR-10 on the server alone."""
    fill_cifar("cifar10", tmp_path / "there")
    archive = pack_cifar("cifar10", tmp_path / "there", tmp_path / "packed.tar.gz", f"{server.url}c10.tar.gz")
    server.files["c10.tar.gz"] = (tmp_path / "packed.tar.gz").read_bytes()
    expected = files_below(tmp_path / "there") | {archive.name: server.files["c10.tar.gz"]}
    return server, expected, f"data.root={tmp_path / 'here'}"


def test_a_download_is_unpacked_and_not_repeated(served, tmp_path, capsys):
    server, expected, root = served
    found = settings("cifar10", root, "data.download=true").find()
    assert files_below(tmp_path / "here") == expected
    said = capsys.readouterr().err
    assert "inceptionctl: downloading cifar-10-python.tar.gz of CIFAR-10 (" in said
    assert f"from {server.url}c10.tar.gz\n" in said
    server.asked.clear()
    find_cifar.cache_clear()
    assert settings("cifar10", root, "data.download=true").find() is not found
    assert settings("cifar10", root).find().train.labels_N.tolist() == found.train.labels_N.tolist()
    assert server.asked == []


def test_a_file_that_is_missing_is_unpacked_from_the_archive_that_is_there(served, tmp_path):
    server, expected, root = served
    settings("cifar10", root, "data.download=true").find()
    server.asked.clear()
    folder = tmp_path / "here" / "cifar-10-batches-py"
    (folder / "data_batch_2").unlink()
    before = (folder / "data_batch_1").stat().st_mtime_ns
    find_cifar.cache_clear()
    assert f"{tmp_path / 'here' / 'cifar-10-python.tar.gz'} is there: data.download=true unpacks it" in refused(
        "cifar10", root
    )
    settings("cifar10", root, "data.download=true").find()
    assert files_below(tmp_path / "here") == expected
    assert ((folder / "data_batch_1").stat().st_mtime_ns, server.asked) == (before, [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda server: server.files.clear(), "HTTP Error 404: Not Found"),
        (lambda server: server.cut.add("c10.tar.gz"), " bytes arrived"),
        (lambda server: server.files.update({"c10.tar.gz": b"x" * 100_000_00}), "expected "),
    ],
    ids=["404", "cut", "md5"],
)
def test_a_download_that_fails_leaves_nothing(served, change, reason, tmp_path):
    server, _, root = served
    change(server)
    message = refused("cifar10", root, "data.download=true")
    assert message.startswith(f"cannot download cifar-10-python.tar.gz of CIFAR-10 from {server.url}c10.tar.gz: ")
    assert reason in message
    assert message.endswith(f"put it at {tmp_path / 'here' / 'cifar-10-python.tar.gz'}")
    assert [*(tmp_path / "here").iterdir()] == []
    assert socket.getdefaulttimeout() is None


def test_without_a_network_the_reason_is_said_without_a_traceback(tmp_path, inceptionctl_here, monkeypatch):
    fill_cifar("cifar10", tmp_path / "there")
    with socket.socket() as free:  # a port on which nothing listens
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pack_cifar("cifar10", tmp_path / "there", tmp_path / "x.tar.gz", f"http://127.0.0.1:{port}/c.tar.gz")
    here = tmp_path / "here"
    done = inceptionctl_here(
        "train", "data=cifar10", f"data.root={here}", "data.download=true", "--dry-run", no_proxy="*"
    )
    assert done.returncode == 2
    assert "c.tar.gz: [Errno 111] Connection refused\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_mirror_is_tried(server, tmp_path):
    fill_fashion_mnist(tmp_path / "there", tuple(f"{server.url}{mirror}/" for mirror in ("gone", "cut", "good")))
    expected = files_below(tmp_path / "there")
    for path in (tmp_path / "there").rglob("*.gz"):
        server.files |= {f"{mirror}/{path.name}": path.read_bytes() for mirror in ("good", "cut")}
        server.cut.add(f"cut/{path.name}")
    settings("fashion_mnist", f"data.root={tmp_path / 'here'}", "data.download=true").find()
    assert files_below(tmp_path / "here") == expected
    assert {name.partition("/")[0] for name in server.asked} == {"gone", "cut", "good"}


def test_a_packed_file_alone_is_unpacked_on_request(server, tmp_path):
    words = fill_fashion_mnist(tmp_path)
    expected = files_below(tmp_path)
    packed = tmp_path / "FashionMNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    packed.with_suffix("").unlink()
    assert f"{packed} is there: data.download=true unpacks it" in refused("fashion_mnist", *words)
    settings("fashion_mnist", *words, "data.download=true").find()
    assert (files_below(tmp_path), server.asked) == (expected, [])


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    message = refused("cifar10", f"data.root={tmp_path / 'file'}", "data.download=true")
    assert (
        message == f"CIFAR-10 cannot be stored in {tmp_path / 'file'}: File exists\n  name a folder with data.root=DIR"
    )


def test_a_name_in_an_archive_says_nowhere_where_a_file_goes(served, tmp_path):
    """It is unpacked under the names that are expected alone, and a link is no file."""
    _, _, root = served
    facts, packed = MODULES["cifar10"].FACTS, tmp_path / "here" / "cifar-10-python.tar.gz"
    packed.parent.mkdir()
    with tarfile.open(packed, "w:gz") as tar:
        for name in ("../escaped", str(tmp_path / "escaped"), "cifar-10-batches-py/other"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
        link = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    expect("cifar10", replace(facts, archive=replace(facts.archive, md5=md5(packed.read_bytes()))))
    before = files_below(tmp_path)
    message = refused("cifar10", root, "data.download=true")
    assert message == f"{packed} does not hold cifar-10-batches-py/data_batch_1"
    assert files_below(tmp_path) == before


# Files that are wrong


@pytest.mark.parametrize("name", NAMES_OF_SETS)
def test_every_file_is_checked(name, tmp_path):
    """Also with data.download=true: a file of the user is never written over."""
    words = [f"data.root={tmp_path}"]
    data_set(name, tmp_path)
    for path in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
        good = path.read_bytes()
        for bad in (good[:-1] + bytes([good[-1] ^ 1]), good[:-10], b""):
            path.write_bytes(bad)
            for more in ([], ["data.download=true"]):
                message = refused(name, *words, *more)
                assert message.startswith(f"{path} is not "), message
                assert f"md5 {md5(bad)}, expected {md5(good)}\n  remove it; data.download=true then " in message
        path.write_bytes(good)
    assert len(settings(name, *words).find().train) > 0


def test_an_archive_that_is_wrong_is_named_and_kept(served, tmp_path):
    server, _, root = served
    packed = tmp_path / "here" / "cifar-10-python.tar.gz"
    packed.parent.mkdir()
    packed.write_bytes(b"mine")
    assert refused("cifar10", root, "data.download=true").startswith(f"{packed} is not the published file")
    assert (packed.read_bytes(), server.asked) == (b"mine", [])


def with_batch(tmp_path, data):
    fill_cifar("cifar10", tmp_path)
    write_cifar("cifar10", tmp_path, {"test_batch": data})
    return refused("cifar10", f"data.root={tmp_path}"), tmp_path / "cifar-10-batches-py" / "test_batch"


PIXELS = np.zeros((3, 3072), dtype=np.uint8)
FACTS = MODULES["cifar10"].FACTS


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (cifar_batch(FACTS, [0, 1, 2], PIXELS)[:-5000], "pickle data was truncated"),
        (b"", "Ran out of input"),
        (b"GIF89a", "pickle data was truncated"),
        (python2_pickle([1]), "it holds no dictionary but list"),
        (python2_pickle({b"labels": [0]}), "it has no array 'data'"),
        (python2_pickle({b"data": PIXELS}), "it has no list 'labels' of numbers from 0 to 9"),
        (cifar_batch(FACTS, [0, 1, 10], PIXELS), "it has no list 'labels' of numbers from 0 to 9"),
        (cifar_batch(FACTS, [0, 1], PIXELS), "its array 'data' is not 2 x 3,072 bytes, one row for each label"),
        (cifar_batch(FACTS, [0, 1, 2], PIXELS[:, :-1]), "its array 'data' is not 3 x 3,072 bytes"),
        (cifar_batch(FACTS, [0, 1, 2], PIXELS).replace(b"U\x02u1", b"U\x02u2"), "its array 'data' is not 3 x 3,072"),
        (cifar_batch(FACTS, [0, 1, 2], PIXELS).replace(b"K\x00tb\x89", b"K\x00tb\x88"), "its array 'data' is not 3 x"),
    ],
    ids=["cut", "empty", "other", "list", "pixels", "labels", "label", "count", "shape", "dtype", "order"],
)
def test_a_batch_of_another_content_is_refused(data, reason, tmp_path):
    message, path = with_batch(tmp_path, data)
    assert message.startswith(f"{path} cannot be read: ")
    assert reason in message


class Harmful:
    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


@pytest.mark.parametrize(
    ("call", "arguments", "name"),
    [
        (os.mkdir, ("ran",), "mkdir"),
        (eval, ("__import__('os').mkdir('ran')",), "eval"),
        (np.array, ([1],), "array"),
        (getattr, ("ran", "title"), "getattr"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_harmful_pickle_is_refused_and_nothing_in_it_runs(call, arguments, name, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message, path = with_batch(tmp_path, pickle.dumps({"data": Harmful(call, *arguments)}, protocol))
    assert message.startswith(f"{path} cannot be read: it names ")
    assert message.endswith(f".{name}', which is not loaded from data")
    assert not Path("ran").exists()


def test_names_of_classes_in_a_pickle_of_text(tmp_path):
    """Protocol 0, the default of Python 2."""
    words = fill_cifar("cifar10", tmp_path)
    names = "".join(f"S'{name}'\np{i + 3}\na" for i, name in enumerate(NAMES["cifar10"]))
    write_cifar("cifar10", tmp_path, {"batches.meta": f"(dp1\nS'label_names'\np2\n(lp99\n{names}s.".encode()})
    assert [*settings("cifar10", *words).find().classes] == NAMES["cifar10"]


def test_an_array_is_found_where_it_begins():
    """Behind a text that looks like its beginning."""
    rows = np.arange(2 * 3072, dtype=np.uint16).astype(np.uint8).reshape(2, 3072)
    decoy = (2 * 3072).to_bytes(4, "little") + rows.tobytes()[:100]
    data = python2_pickle({b"batch_label": decoy, b"data": rows})
    array = read_pickle(data, HERE)[b"data"]
    begin = offset_of(array, data)
    assert data[begin : begin + rows.size] == rows.tobytes()
    assert begin > data.index(decoy) + len(decoy)
    other = PickledArray()
    other.data = b"\x01\x02"
    with pytest.raises(ValueError, match="not stored byte by byte"):
        offset_of(other, data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it begins with nothing, an idx file of bytes in 1 dimensions with 00 00 08 01"),
        (bytes([0, 0, 13, 1, 0, 0, 0, 1, 7]), "it begins with 00 00 0d 01"),
        (bytes([0, 0, 8, 3, 0, 0, 0, 1, 7]), "it begins with 00 00 08 03"),
        (bytes([0, 0, 8, 1, 0, 0]), "it has 6 bytes, and its header promises 8"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 2, 7]), "it has 9 bytes, and its header promises 10"),
        (bytes([0, 0, 8, 1, 0xFF, 0xFF, 0xFF, 0xFF, 7]), "its header promises 4,294,967,303"),
    ],
)
def test_an_idx_file_of_another_form_is_refused(data, reason):
    with pytest.raises(ValueError, match=reason):
        idx_header(data, 1)


@pytest.mark.parametrize(
    ("images", "labels"),
    [((3, 28, 28), [0, 1]), ((2, 28, 27), [0, 1]), ((2, 28, 28), [0, 10])],
    ids=["count", "shape", "label"],
)
def test_images_and_labels_that_do_not_go_together_are_refused(images, labels, tmp_path):
    words = fill_fashion_mnist(tmp_path)
    train, (one, other) = fashion_mnist.SPLITS
    one = write_idx(tmp_path, one, np.zeros(images, dtype=np.uint8))
    other = write_idx(tmp_path, other, np.array(labels, dtype=np.uint8))
    expect("fashion_mnist", (train, (one, other)))
    path = tmp_path / "FashionMNIST" / "raw" / "t10k-images-idx3-ubyte"
    assert refused("fashion_mnist", *words) == (
        f"{path} cannot be read: it is not 2 images of 28 x 28 pixels, each with a label from 0 to 9"
    )


def test_obtaining_what_is_there_writes_nothing(tmp_path):
    fill_cifar("cifar10", tmp_path)
    before = sorted(tmp_path.iterdir())
    obtain("CIFAR-10", (MODULES["cifar10"].FACTS.archive,), tmp_path, download=True)
    assert sorted(tmp_path.iterdir()) == before
