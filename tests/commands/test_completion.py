"""Tab completion: what is offered, and what real shells make of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from inceptionctl.cli import main
from inceptionctl.completion import cache
from inceptionctl.completion.install import script_of
from inceptionctl.completion.line import Line

NETWORKS = ["arch=inception_v2", "arch=inception_v2_table1", "arch=inception_v3", "arch=inception_v4"]
FILES = ":files"


def query(line: str, capsys) -> list[str]:
    assert main(["completion", "query", line]) == 0
    return capsys.readouterr().out.split("\n")[:-1]


@pytest.mark.parametrize(
    ("typed", "words", "word"),
    [
        ("inceptionctl ", [], ""),
        ("inceptionctl train a", ["train"], "a"),
        ("inceptionctl train 'ablation=[a,", ["train"], "ablation=[a,"),
        ('inceptionctl train "data.root=/my images/x', ["train"], "data.root=/my images/x"),
        ("inceptionctl train data.root=Mary\\'s\\ x", ["train"], "data.root=Mary's x"),
        ("inceptionctl train 'a b' ", ["train", "a b"], ""),
        ("inceptionctl predict a\\", ["predict"], "a"),
    ],
)
def test_a_line_is_read_as_the_shell_will(typed, words, word):
    assert Line.of(typed) == Line(words, word)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("inceptionctl a", ["ablate"]),
        ("inceptionctl --v", ["--version"]),
        ("inceptionctl train arch=inception_v", NETWORKS),
        ("inceptionctl train +arch=inception_v", [f"+{name}" for name in NETWORKS]),
        ("inceptionctl train --dr", ["--dry-run"]),
        ("inceptionctl data ", ["check", "index", "pack", "stats"]),
        ("inceptionctl data check data=imagef", ["data=imagefolder"]),
        ("inceptionctl data check data.leave_o", ["data.leave_out="]),
        ("inceptionctl data check --fix", ["--fix-list"]),
        ("inceptionctl train --cfg ", ["all", "hydra", "job"]),
        ("inceptionctl train loss.la", ["loss.label_smoothing="]),
        ("inceptionctl train train.ema.u", ["train.ema.unit="]),
        (
            "inceptionctl train train.precision=",
            [f"train.precision={kind}" for kind in ("bfloat16", "float16", "float32")],
        ),
        ("inceptionctl train train.compile=", ["train.compile=false", "train.compile=true"]),
        ("inceptionctl train launch.device=c", ["launch.device=cpu", "launch.device=cuda"]),
        ("inceptionctl train schedule.lr_scaling=", ["schedule.lr_scaling=linear", "schedule.lr_scaling=sqrt"]),
        ("inceptionctl train data.root=/x", [FILES]),
        ("inceptionctl train --config-dir /x", [FILES]),
        ("inceptionctl train weights=", [FILES, "weights=timm", "weights=torchvision"]),
        (
            "inceptionctl train ablation=[rmsprop,lab",
            ["ablation=[rmsprop,label_smoothing]", "ablation=[rmsprop,label_smoothing,"],
        ),
        ("inceptionctl train 'ablation=[label_smoothing,lab", []),
        ("inceptionctl ablate see", ["seed=", "seeds="]),
        ("inceptionctl ablate table=rms", ["table=rmsprop"]),
        ("inceptionctl ablate mode=", ["mode=cumulative", "mode=grid", "mode=leave_one_out", "mode=null"]),
        ("inceptionctl ablate switches=[rms", ["switches=[rmsprop]", "switches=[rmsprop,"]),
        ("inceptionctl train switches=[rms", []),
        ("inceptionctl ablate --s", ["--save"]),
        ("inceptionctl eval protocol=crops1", ["protocol=crops10", "protocol=crops12", "protocol=crops144"]),
        ("inceptionctl eval images.l", ["images.labels=", "images.leave_out="]),
        ("inceptionctl eval images.labels=", ["images.labels=own", "images.labels=real"]),
        ("inceptionctl eval optim", []),
        ("inceptionctl eval tab", ["table=released"]),
        ("inceptionctl eval --l", ["--list-crops"]),
        ("inceptionctl eval --draw-crops ", [FILES]),
        ("inceptionctl models inception_v3", ["inception_v3"]),
        ("inceptionctl models --d", ["--diff", "--draw"]),
        ("inceptionctl models --diff xcep", ["xception", "xception_plain"]),
        ("inceptionctl models --draw ", [FILES]),
        ("inceptionctl report --format m", ["markdown"]),
        ("inceptionctl predict weights=", [FILES, "weights=timm", "weights=torchvision"]),
        ("inceptionctl predict arch=xc", ["arch=xception", "arch=xception_plain"]),
        ("inceptionctl predict --feat", ["--features"]),
        ("inceptionctl predict run=DIR images/", [FILES]),
        ("inceptionctl export fo", ["format="]),
        ("inceptionctl export format=t", ["format=timm", "format=torch", "format=torchvision"]),
        ("inceptionctl export run=DIR weights=b", ["weights=best-ema", "weights=best-raw"]),
        ("inceptionctl export weights=", [FILES, "weights=timm", "weights=torchvision"]),
        ("inceptionctl export to=/x", [FILES]),
        ("inceptionctl resume DIR launch.n", ["launch.nodes=", "launch.nproc="]),
        ("inceptionctl completion install z", ["zsh"]),
        ("inceptionctl completion un", ["uninstall"]),
        ("inceptionctl dat", ["data"]),
        ("inceptionctl doctor data.ca", ["data.cache="]),
        ("inceptionctl doctor --q", ["--quick"]),
        ("inceptionctl train data.cache=", [f"data.cache={kind}" for kind in ("auto", "device", "memory", "none")]),
        ("inceptionctl nosuch x", []),
    ],
)
def test_what_is_offered(line, found, capsys):
    assert query(line, capsys) == found or (found == [] and query(line, capsys) == [""])


def test_runs_and_tables_are_offered(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("outputs/t/abc-0/config.yaml", "outputs/t/abc-0/result.json", "outputs/t/table.json"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    assert query("inceptionctl resume ", capsys) == [FILES, "outputs/t/abc-0"]
    assert query("inceptionctl report o", capsys) == [FILES, "outputs/t", "outputs/t/abc-0"]
    assert query("inceptionctl explain outputs/t", capsys) == [FILES, "outputs/t/abc-0"]
    assert query("inceptionctl explain rethinking", capsys) == [FILES, "rethinking_v2", "rethinking_v3"]
    assert query("inceptionctl status outputs/", capsys) == [FILES, "outputs/t", "outputs/t/abc-0"]
    assert query("inceptionctl predict run=", capsys) == [FILES, "run=outputs/t/abc-0"]
    assert query("inceptionctl export run=", capsys) == [FILES, "run=outputs/t/abc-0"]
    assert query("inceptionctl eval run=", capsys) == [FILES, "run=outputs/t/abc-0"]
    assert query("inceptionctl eval run=[A,out", capsys) == [FILES, "run=[A,outputs/t/abc-0"]


def test_options_of_one_s_own_folder_are_offered(tmp_path, capsys):
    (tmp_path / "my conf" / "optim").mkdir(parents=True)
    (tmp_path / "my conf" / "optim" / "mine.yaml").write_text("name: momentum\nmomentum: 0.5\n")
    assert query(f"inceptionctl train --config-dir '{tmp_path}/my conf' optim=mi", capsys) == ["optim=mine"]
    assert query(f"inceptionctl train --config-dir {tmp_path}/nowhere optim=mo", capsys) == ["optim=momentum"]


# Fast: what answers is not what takes a second to import

HEAVY = ("torch", "hydra", "omegaconf", "numpy", "pydantic", "rich")
IMPORTED = f"""
import sys
from inceptionctl.cli import main
code = main(["completion", "query", sys.argv[1]])
print([name for name in {HEAVY} if name in sys.modules])
"""


@pytest.mark.parametrize(
    "line", ["inceptionctl train arch=xc", "inceptionctl eval --l", "inceptionctl status --s", "inceptionctl tr"]
)
def test_a_second_answer_imports_nothing_heavy(line, capsys):
    answer = query(line, capsys)
    words = [sys.executable, "-c", IMPORTED, line]
    done = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert (done[:-1], done[-1]) == (answer, "[]")


def test_what_is_cached_is_found_out_anew_when_the_program_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "a.yaml").write_text("name: a")
    monkeypatch.setattr(cache, "files", lambda _: tmp_path)
    assert [cache.cached("x", lambda: "first"), cache.cached("x", lambda: "second")] == ["first", "first"]
    (tmp_path / "b.yaml").write_text("name: b")
    assert cache.cached("x", lambda: "third") == "third"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"program": 1}'])
def test_a_damaged_cache_costs_time_alone(text, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = tmp_path / "inceptionctl" / "completion" / "x.json"
    path.parent.mkdir(parents=True), path.write_text(text)
    assert cache.cached("x", lambda: ["found"]) == ["found"]


def test_a_cache_that_cannot_be_written_costs_time_alone(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache.cached("x", lambda: ["found"]) == ["found"]


# Installing


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("shell", "startup"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
def test_installing_twice_changes_nothing_and_uninstalling_restores(shell, startup, home, monkeypatch, capsys):
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    rc = home / "dotfiles" / startup
    rc.parent.mkdir(), rc.write_bytes(b"alias x=y  # caf\xe9"), rc.chmod(0o640)
    (home / startup).symlink_to(rc)
    assert main(["completion", "install"]) == 0
    said, installed = capsys.readouterr().out, files_below(home)
    script = home / ".local/share/inceptionctl" / f"completion.{shell}"
    assert f"completion for {shell}: {script}" in said
    assert rc.read_bytes().startswith(b"alias x=y  # caf\xe9\n[ -r ")
    assert ((home / startup).is_symlink(), rc.stat().st_mode & 0o777) == (True, 0o640)
    assert main(["completion", "install"]) == 0
    assert f"{home / startup} reads it already" in capsys.readouterr().out
    assert files_below(home) == installed
    assert main(["completion", "uninstall"]) == 0
    assert files_below(home) == dict.fromkeys([f"dotfiles/{startup}", startup], b"alias x=y  # caf\xe9\n")
    capsys.readouterr()
    assert main(["completion", "uninstall"]) == 0
    assert "no completion" in capsys.readouterr().out


def test_a_startup_file_that_cannot_be_written_leaves_the_line_to_the_user(home, capsys):
    (home / ".bashrc").mkdir()
    assert main(["completion", "install", "bash"]) == 0
    assert "add this line to it" in capsys.readouterr().out


def test_another_shell_is_refused_with_the_choices(home, monkeypatch, capsys):
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert main(["completion", "install"]) == 2
    said = capsys.readouterr().err
    assert ("unknown shell 'tcsh'" in said, "bash, fish, zsh" in said) == (True, True)
    assert files_below(home) == {}


# In real shells

INIT = {
    "bash": ["--norc", "--noprofile"],
    "zsh": ["-f"],
    "fish": ["--no-config"],
}
PROMPT = "READY> "
SET_UP = {
    "bash": f"PS1='{PROMPT}'; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; source {{script}}",
    "zsh": f"PS1='{PROMPT}'; unsetopt beep prompt_sp; autoload -Uz compinit; compinit -u -D; source {{script}}",
    "fish": f"function fish_prompt; echo -n '{PROMPT}'; end; source {{script}}",
}


CALLS = {
    "inceptionctl tra\tx": "<train><x>",
    "cd . && inceptionctl tra\tx": "<train><x>",
    "~/../bin/inceptionctl tra\tx": "<train><x>",
    "inceptionctl train arch=xception_\tx": "<train><arch=xception_plain><x>",
    "inceptionctl train train.prec\tb\tx": "<train><train.precision=bfloat16><x>",
    "inceptionctl train 'ablation=[rmsprop,label_sm\t]'": "<train><ablation=[rmsprop,label_smoothing]>",
    "inceptionctl train data.root=my\tx": "<train><data.root=my images/x>",
    "inceptionctl train data.root=~/my\tx": "<train><data.root=~/my images/x>",
    "inceptionctl train 'data.root=my\tx'": "<train><data.root=my images/x>",
    "inceptionctl predict weights=tim\tx": "<predict><weights=timm><x>",
    "inceptionctl train weights=ca\tx": "<train><weights=cat.jpg><x>",
    "inceptionctl predict weights=timm ca\tx": "<predict><weights=timm><cat.jpg><x>",
    "inceptionctl models --dra\tnew.svg": "<models><--draw><new.svg>",
}


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request, tmp_path):
    """A shell at its prompt, where `inceptionctl` prints what it is called with, each word in angle brackets."""
    name, home = request.param, tmp_path / "home"
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    program, script = tmp_path / "bin" / "inceptionctl", tmp_path / "script"
    program.parent.mkdir(), (home / "my images").mkdir(parents=True), (home / "cat.jpg").touch()
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = completion ]; then exec {sys.executable} -m inceptionctl "$@"; fi\n'
        "for word; do printf '<%s>' \"$word\"; done; printf '\\nDONE\\n'\n"
    )
    program.chmod(0o755), script.write_text(script_of(name))
    path, threads = f"{program.parent}:{os.environ['PATH']}", {"OMP_NUM_THREADS": "1"}
    environment = {"PATH": path, "HOME": str(home), "TERM": "dumb", "LANG": "C.UTF-8"} | threads
    child = pexpect.spawn(
        name, INIT[name], env=environment, cwd=str(home), encoding="utf-8", timeout=300, dimensions=(50, 200)
    )
    child.sendline(SET_UP[name].format(script=script))
    child.expect_exact(PROMPT), child.sendline("echo SET''UP"), child.expect("SETUP"), child.expect_exact(PROMPT)
    yield child
    child.close(force=True)


@pytest.mark.slow
def test_words_are_completed_in_the_shell(shell):
    called = {}
    for typed in CALLS:
        # Bash ends the quote when there is one match, the others leave it open.
        closed = "data.root" in typed and shell.command.endswith("bash")
        shell.sendline(typed.rstrip("'") if closed else typed)
        shell.expect("DONE")
        called[typed] = shell.before
    assert {typed: words in called[typed] for typed, words in CALLS.items()} == dict.fromkeys(CALLS, True)


INTERACTIVE = {"bash": ["-i"], "zsh": ["-i"], "fish": ["-i"]}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_one_command_installs_it(name, tmp_path):
    """A new shell, which reads the user's own startup files, completes; bash has no package bash-completion there."""
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    program = tmp_path / "bin" / "inceptionctl"
    program.parent.mkdir(), program.write_text(f'#!/bin/sh\nexec {sys.executable} -m inceptionctl "$@"\n')
    program.chmod(0o755)
    home = tmp_path / "the home"
    home.mkdir(), (home / ".zshrc").write_text("unsetopt beep\n")
    own = {"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(home), "SHELL": f"/bin/{name}"}
    environment = own | {"TERM": "dumb", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
    subprocess.run([program, "completion", "install"], env=environment, check=True, capture_output=True)
    child = pexpect.spawn(
        name, INTERACTIVE[name], env=environment, cwd=str(home), encoding="utf-8", timeout=300, dimensions=(50, 200)
    )
    child.sendline("echo READ''Y"), child.expect("READY")
    child.sendline("inceptionctl mode\txcep_nowhere")
    child.expect("unknown arch 'xcep_nowhere'")
    child.close(force=True)
