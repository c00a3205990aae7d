"""The documented lines that read what runs left, on a table and a run that were really trained, in the pages' order."""

from __future__ import annotations

import os
import shutil

import pytest
from PIL import Image
from support.command_line import TINY, call_here
from support.documentation import lines, write_own_files

pytestmark = pytest.mark.slow
READING = ("report", "status", "wait", "explain", "sync", "resume", "completion", "data", "predict")
# Slurm, a network, weights or images that are not here; a display that goes on; options of data sets that are parsed.
ELSEWHERE = (
    "launch=slurm",
    "wandb",
    "weights=",
    "IMAGENET",
    "--watch",
    "completion install",
    "RUN rethinking",
    "CIFAR10",
)


def documented():
    wanted = [words for words in lines() if words[0] in READING and "--help" not in words]
    kept = [words for words in wanted if not any(part in " ".join(words) for part in ELSEWHERE)]
    return [list(words) for words in dict.fromkeys(map(tuple, kept))]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a table of three rows, outputs/inception_v3, two runs in outputs/train, and images."""
    folder = tmp_path_factory.mktemp("trained")
    write_own_files(folder)
    for split in ("train", "val"):
        for name, colour in (("cat", "red"), ("dog", "blue")):
            (folder / "IMAGES" / split / name).mkdir(parents=True)
            for i in range(3):
                size = 40 + i + (10 if split == "val" else 0)
                Image.new("RGB", (size, size), colour).save(folder / "IMAGES" / split / name / f"{i}.png")
    for words in (["ablate", "table=auxiliary", "name=inception_v3", "seeds=1"], ["train"], ["train", "seed=1"]):
        done = call_here(*words, *TINY, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("words", documented(), ids=" ".join)
def test_a_documented_line_runs(words, trained, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(trained, folder, symlinks=True)
    runs = sorted(path.name for path in (folder / "outputs" / "train").iterdir() if path.is_dir())
    names = {
        "outputs/train/RUN": f"outputs/train/{runs[0]}",
        "outputs/train/A": f"outputs/train/{runs[0]}",
        "outputs/train/B": f"outputs/train/{runs[1]}",
    }
    names["outputs/first"] = "outputs/inception_v3"  # the tutorial's
    if words[0] == "predict":  # images, or a folder of them: not of folders
        words = ["IMAGES/val/cat" if word == "IMAGES" else word for word in words]
    for placeholder, name in names.items():
        words = [word.replace(placeholder, name) for word in words]
    done = call_here(*words, cwd=folder, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache"), **environment())
    assert done.returncode == 0, done.stderr


def environment():
    return {name: os.environ[name] for name in ("MPLCONFIGDIR", "HF_HOME", "TORCH_HOME") if name in os.environ}
