"""env.json: the machine, the library versions and the git commit of a run."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from inceptionctl import processes
from inceptionctl.data.crop_decoder import PACKAGE as CROP_DECODER
from inceptionctl.runs.records.process import Environment

# A repository can name programs that git runs as it looks at files: none of them is needed here.
GIT = ("git", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "--no-optional-locks")
PACKAGES = (
    "inceptionctl",
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "pillow",
    "simplejpeg",
    CROP_DECODER,
    "safetensors",
)


def describe(device: str, threads: int, world_size: int) -> Environment:
    return Environment(
        versions={"python": platform.python_version(), **{name: installed(name) for name in PACKAGES}},
        git_commit=git_commit(),
        platform=platform.platform(),
        processor=processor(),
        cores=os.cpu_count(),
        device=device,
        threads=threads,
        world_size=world_size,
    )


def installed(name: str) -> str | None:
    """The version of a package; None where it runs from a checkout on the import path, or is missing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def git_commit() -> str | None:
    """The commit of the checkout that this package runs from, with "+" if it has changes. Outside a checkout what
    INCEPTIONCTL_GIT_COMMIT says, which an image is built with; else None."""
    built_from = os.environ.get("INCEPTIONCTL_GIT_COMMIT") or None
    here = Path(__file__).resolve().parent

    def git(*words: str) -> str | None:
        done = processes.run([*GIT, "-C", str(here), *words])
        return done.text.strip() if done.code == 0 else None

    try:
        if git("ls-files", "--error-unmatch", __file__) is None:
            return built_from
        commit = git("rev-parse", "--short=12", "HEAD")
        return f"{commit}+" if commit and git("status", "--porcelain", "--untracked-files=no") else commit
    except FileNotFoundError:  # no git on this machine
        return built_from


def processor() -> str:
    """The processor's name as Linux gives it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
