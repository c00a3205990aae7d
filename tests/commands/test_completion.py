"""Tab completion: what is offered, and what real shells make of it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pexpect
import pytest

from inceptionctl.cli import main
from inceptionctl.commands import completion
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
        ("inceptionctl resume DIR launch.n", ["launch.nodes=", "launch.nproc="]),
        ("inceptionctl completion install z", ["zsh"]),
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
    assert query("inceptionctl eval run=", capsys) == [FILES, "run=outputs/t/abc-0"]
    assert query("inceptionctl eval run=[A,out", capsys) == [FILES, "run=[A,outputs/t/abc-0"]


def test_options_of_one_s_own_folder_are_offered(tmp_path, capsys):
    (tmp_path / "my conf" / "optim").mkdir(parents=True)
    (tmp_path / "my conf" / "optim" / "mine.yaml").write_text("name: momentum\nmomentum: 0.5\n")
    assert query(f"inceptionctl train --config-dir '{tmp_path}/my conf' optim=mi", capsys) == ["optim=mine"]
    assert query(f"inceptionctl train --config-dir {tmp_path}/nowhere optim=mo", capsys) == ["optim=momentum"]


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
    program.chmod(0o755), script.write_text(completion.script(name))
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
