"""Standard streams that are closed, full, not read or of another encoding, and names that are no plain text."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from inceptionctl.streams import ESCAPES, escaped

COMMAND = str(Path(sys.executable).with_name("inceptionctl"))
NO_SPACE = "inceptionctl: what this command prints could not be written: No space left on device\n"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
HARMFUL = "\x1b]0;owned\x07\x1b[2J\x9b31m"  # sets a terminal's title, clears it, writes in red


def in_shell(line, cwd, **environment):
    """The exit code of the command itself is that of the line, as in `set -o pipefail`."""
    words = ["bash", "-c", f"set -o pipefail; {line.replace('CLI', COMMAND)}"]
    return subprocess.run(words, cwd=cwd, env=os.environ | environment, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("line", "code", "errors"),
    [
        ("CLI models | head -1", 0, ""),
        ("CLI models googlenet | true", 0, ""),
        ("CLI models >/dev/full", 1, NO_SPACE),
        ("CLI train --help >/dev/full", 1, NO_SPACE),
        ("CLI status --help >/dev/full", 1, NO_SPACE),
        ("CLI models >&-", 0, ""),
        ("CLI models <&- >&- 2>&-", 0, ""),
        ("CLI modles 2>/dev/full", 2, ""),
        ("CLI modles 2>&-", 2, ""),
    ],
)
def test_a_stream_that_cannot_be_written_to(line, code, errors, tmp_path):
    done = in_shell(line, tmp_path)
    assert (done.returncode, done.stderr.decode()) == (code, errors)


def test_a_current_folder_that_was_removed(tmp_path):
    done = in_shell(f"mkdir gone; cd gone; rmdir {tmp_path}/gone; CLI train --dry-run", tmp_path)
    assert done.returncode == 2
    assert done.stderr.decode().startswith("inceptionctl: there is no current folder any more: No such file")


@pytest.fixture
def images(tmp_path):
    """A data set with a class whose name a terminal would obey, and one in Cyrillic."""
    for split in ("train", "val"):
        for name in (HARMFUL.replace("/", ""), "кошка"):
            (tmp_path / "images" / split / name).mkdir(parents=True)
            (tmp_path / "images" / split / name / "0.png").write_bytes(b"no image")
            Image.new("RGB", (30, 30)).save(tmp_path / "images" / split / name / "1.png")
    return tmp_path / "images"


@pytest.mark.parametrize("encoding", ["", "ascii", "latin-1", "ascii:strict"])
def test_another_locale_gets_what_it_can_show(encoding, images, tmp_path):
    done = in_shell(f"CLI data check {images} --workers 1", tmp_path, **ASCII, PYTHONIOENCODING=encoding)
    assert done.returncode == 1, done.stderr
    assert b"Traceback" not in done.stderr
    assert rb"\u043a" in done.stdout, "the name, in what the stream has"


@pytest.mark.parametrize("words", [["status"], ["train", "--dry-run"], ["data", "check", "images"]])
def test_no_control_character_of_a_name_reaches_the_terminal(words, images, tmp_path, inceptionctl_here):
    (tmp_path / "outputs" / HARMFUL).mkdir(parents=True)
    (tmp_path / "outputs" / HARMFUL / "config.yaml").write_text("damaged: [")
    data = {"train": ["data=imagefolder", f"data.root={images}", f"name={HARMFUL}"], "data": ["--workers", "1"]}
    done = inceptionctl_here(*words, *data.get(words[0], []), cwd=tmp_path)
    said = done.stdout + done.stderr
    assert "owned" in said
    assert [character for character in said if ord(character) in ESCAPES] == []


def test_json_is_json_whatever_a_name_is(images, tmp_path, inceptionctl_here):
    import json

    done = inceptionctl_here("data", "check", str(images), "--workers", "1", "--json", cwd=tmp_path)
    assert "owned" in str(json.loads(done.stdout))


def test_text_is_left_alone():
    text = "a line\n\tof кошка 猫 [bold] \u200d é"
    assert escaped(text) == text
    assert escaped("\x1b[0m\r\x9b\u202e") == r"\x1b[0m\r\x9b\u202e"
