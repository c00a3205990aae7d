"""Nothing of the current folder runs: it may be a folder that somebody sent."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import TINY

import inceptionctl
from inceptionctl import processes
from inceptionctl.processes import by_code, python_module
from inceptionctl.runs import environment

PACKAGE = Path(inceptionctl.__file__).parent
COMMAND = Path(sys.executable).with_name("inceptionctl")
# What children import first: of Python's start, of multiprocessing, of torch's launcher, and our own.
IMPORTED = ("argparse", "inceptionctl", "numpy", "resource", "runpy", "signal", "sitecustomize", "socket", "torch")


@pytest.fixture
def ran(tmp_path):
    """The folder that shows that something ran."""
    return tmp_path / "ran"


@pytest.fixture
def foreign(tmp_path, ran, monkeypatch):
    """The current folder, with modules of a stranger; Python has its usual environment."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    for name in IMPORTED:
        (folder / f"{name}.py").write_text(f"import posix\nposix.mkdir({str(ran)!r})\nraise SystemExit('ran')\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return folder


def test_these_modules_run_where_python_looks_for_them_here(foreign, ran):
    assert subprocess.run([sys.executable, "-c", "import argparse"], check=False).returncode
    assert ran.is_dir()


@pytest.mark.parametrize("command", [python_module, by_code])
def test_a_module_is_not_one_of_the_current_folder(command, foreign, ran):
    done = processes.run(command("inceptionctl.worker", "--help"))
    assert done.text.startswith("usage: python -m inceptionctl.worker"), done.message
    assert not ran.exists()


@pytest.mark.parametrize("command", [python_module, by_code])
def test_what_the_user_names_in_pythonpath_is_found(command, foreign, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "own_module.py").write_text("import sys\nprint(sys.argv[1:])\n")
    done = processes.run(command("own_module", "a b", "c"), PYTHONPATH=str(folder))
    assert done.text == "['a b', 'c']\n"


STARTS_A_PROCESS = """
import multiprocessing
import sys
from inceptionctl.processes import clean_multiprocessing

def say():
    print("said")

if __name__ == "__main__":
    if sys.argv[2] == "clean":
        clean_multiprocessing()
    process = multiprocessing.get_context(sys.argv[1]).Process(target=say)
    process.start()
    process.join()
"""


@pytest.mark.parametrize(("how", "runs"), [("clean", False), ("as it is", True)])
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_of_multiprocessing_where_python_has_no_safe_path(method, how, runs, foreign, ran, tmp_path):
    """Python 3.10's way."""
    script = tmp_path / "starts.py"
    script.write_text(STARTS_A_PROCESS)
    done = subprocess.run([sys.executable, script, method, how], capture_output=True, text=True, check=False)
    assert ran.is_dir() == runs
    assert (done.stdout == "said\n") == (not runs), done.stderr


def test_python_m_leaves_the_current_folder_out(foreign, ran):
    """After its own start, for which Python alone is responsible: it has looked for `inceptionctl` here."""
    for path in foreign.glob("*.py"):
        if path.stem not in ("numpy", "torch"):
            path.unlink()
    code = "from inceptionctl import cli; cli.main(['status'])"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert ran.is_dir(), "this command imports numpy"
    ran.rmdir()
    done = subprocess.run([sys.executable, "-m", "inceptionctl", "status"], capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    assert not ran.exists()


@pytest.mark.parametrize("nproc", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_resumed_in_a_folder_that_somebody_sent(nproc, foreign, ran, inceptionctl_here):
    """`cd RUN; inceptionctl resume .`"""
    assert inceptionctl_here("train", "run_dir=.", *TINY, cwd=foreign).returncode == 2, "the folder is not empty"
    run = foreign / "run"
    done = inceptionctl_here("train", f"run_dir={run}", *TINY, cwd=foreign)
    assert done.returncode == 0, done.stdout + done.stderr
    (run / "result.json").unlink()
    for path in foreign.glob("*.py"):
        path.rename(run / path.name)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    words = [COMMAND, "resume", ".", f"launch.nproc={nproc}"]
    done = subprocess.run(words, cwd=run, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (run / "result.json").is_file()
    assert not ran.exists()


def test_git_runs_no_program_that_a_repository_names(foreign, ran, monkeypatch):
    """A folder that somebody sent may be a repository, with this package in it."""
    for words in (["init", "--quiet"], ["config", "user.name", "x"], ["config", "user.email", "x@x"], ["add", "."]):
        subprocess.run(["git", *words], check=True)
    subprocess.run(["git", "commit", "--quiet", "-m", "x"], check=True)
    hook = foreign / ".git" / "hook"
    hook.write_text(f"#!/bin/sh\nmkdir {ran}\n")
    hook.chmod(0o755)
    subprocess.run(["git", "config", "core.fsmonitor", str(hook)], check=True)
    monkeypatch.setattr(environment, "__file__", str(foreign / "torch.py"))
    assert environment.git_commit()
    (foreign / "torch.py").write_text("")
    assert environment.git_commit().endswith("+")
    assert not ran.exists()
    subprocess.run(["git", "status"], check=True, capture_output=True)
    assert ran.is_dir(), "by itself git runs it"


@pytest.mark.parametrize(
    ("library", "file"), [("subprocess", "processes.py"), ("matplotlib", "report/plots/library.py")]
)
def test_one_file_imports_it(library, file):
    """So that nothing can be started, or drawn, without its precautions."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found |= {str(path.relative_to(PACKAGE)) for name in names if name.split(".")[0] == library}
    assert found == {file}
