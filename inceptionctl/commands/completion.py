"""`inceptionctl completion bash|zsh|fish`: prints the shell's side of tab completion; `install` puts it in place.

The shell calls `inceptionctl completion query WORD...` with the words typed so far; the answer is one candidate a line.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from pkgutil import iter_modules

from inceptionctl import commands

SCRIPTS = {
    "bash": """\
_inceptionctl() {
    local IFS=$'\\n'
    COMPREPLY=($(inceptionctl completion query "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
    [[ ${COMPREPLY-} == *[=/.] ]] && compopt -o nospace
    local typed="${COMP_LINE:0:COMP_POINT}"; typed="${typed##* }"
    [[ $typed == *=* ]] && COMPREPLY=("${COMPREPLY[@]#"${typed%"${COMP_WORDS[COMP_CWORD]#=}"}"}")
}
complete -F _inceptionctl inceptionctl
""",
    "zsh": """\
#compdef inceptionctl
_inceptionctl() {
    local -a found
    found=("${(@f)$(inceptionctl completion query "${LBUFFER}" 2>/dev/null)}")
    compadd -Q -S '' -- $found
}
compdef _inceptionctl inceptionctl
""",
    "fish": """\
complete -c inceptionctl -f -a '(inceptionctl completion query (commandline -cp) 2>/dev/null)'
""",
}
PLACES = {
    "bash": ".local/share/bash-completion/completions/inceptionctl",
    "zsh": ".zsh/completions/_inceptionctl",
    "fish": ".config/fish/completions/inceptionctl.fish",
}
HYDRA_COMMANDS = ("train", "ablate")
FLAGS = {
    "train": ["--dry-run", "--cfg", "--help", "-m", "--config-dir"],
    "ablate": ["--dry-run", "--cfg", "--help", "--config-dir"],
    "models": ["--diff", "--draw", "--help", "--json", "--pixels"],
    "status": ["--help", "--json"],
    "wait": ["--every", "--help"],
    "predict": ["--features", "--help", "--json", "--raw"],
}
WATCHING = ("status", "wait", "cancel")
LIBRARIES = ("timm", "torchvision")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="inceptionctl completion", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    for shell in SCRIPTS:
        actions.add_parser(shell, help=f"print the script for {shell}")
    actions.add_parser("install", help="put the script of $SHELL where it is found")
    actions.add_parser("query", help="what could follow a line").add_argument("line")
    arguments = parser.parse_args(argv)
    if arguments.action == "query":
        print("\n".join(candidates(arguments.line)))
    elif arguments.action == "install":
        print(install(Path.home(), Path(os.environ.get("SHELL", "bash")).name))
    else:
        print(SCRIPTS[arguments.action], end="")
    return 0


def install(home: Path, shell: str) -> str:
    """Writes the script of `shell` below `home` and says what to do next."""
    shell = shell if shell in SCRIPTS else "bash"
    place = home / PLACES[shell]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(SCRIPTS[shell])
    line = f"\n  add to ~/.zshrc, before compinit: fpath=({place.parent} $fpath)" if shell == "zsh" else ""
    return f"completion for {shell}: {place}; open a new shell{line}"


def candidates(line: str) -> list[str]:
    """What could stand where `line` ends."""
    words = line.split()[1:]
    word = "" if line.endswith(" ") or not words else words.pop()
    if not words:
        return _starting((module.name for module in iter_modules(commands.__path__)), word)
    if word.startswith("-"):
        return _starting(FLAGS.get(words[0], ["--help"]), word)
    if words[0] in HYDRA_COMMANDS:
        return _settings(words[0], word)
    if words[0] == "models":
        return _starting(_networks(), word)
    if words[0] == "predict":
        return _starting(_sources(), word)
    if words[0] in WATCHING:
        return _starting([*_folders("*/table.json"), *_folders("*/*/config.yaml")], word)
    if words[0] in ("resume", "report"):
        return _starting(_folders("*/*/config.yaml" if words[0] == "resume" else "*/table.json"), word)
    return _starting([*SCRIPTS, "install"], word) if words[0] == "completion" else []


def _networks() -> Iterable[str]:
    from inceptionctl.models.zoo.registry import ARCHITECTURES

    return ARCHITECTURES


def _folders(pattern: str) -> list[str]:
    return [f"{path.parent}" for path in Path("outputs").glob(pattern)]


def _sources() -> list[str]:
    """What `predict` can predict with; shells complete the pictures by themselves."""
    runs = [f"run={folder}" for folder in _folders("*/*/result.json")]
    return [*runs, *(f"arch={name}" for name in _networks()), *(f"weights={library}" for library in LIBRARIES)]


def _settings(command: str, word: str) -> list[str]:
    """Groups, their options, and settings with their dots."""
    from inceptionctl.config.compose import groups
    from inceptionctl.config.keys import key_paths

    options, sign = groups(command), word[: len(word) - len(word.lstrip("+~"))]
    key, has_value, value = word[len(sign) :].partition("=")
    if has_value:
        before, _, last = value.rpartition(",") if value.startswith("[") else ("", "", value)
        opening = f"{before}," if before else "[" if value.startswith("[") else ""
        return [f"{sign}{key}={opening}{option}" for option in _starting(options.get(key, []), last.lstrip("["))]
    paths = [*key_paths(), *(["seeds"] if command == "ablate" else [])]
    parents = {path.rpartition(".")[0] for path in paths}
    known = {f"{path}." if path in parents else f"{path}=" for path in paths} | {f"{group}=" for group in options}
    depth = key.count(".")
    return [sign + name for name in _starting(known, key) if name.rstrip(".=").count(".") == depth]


def _starting(names: Iterable[str], word: str) -> list[str]:
    return sorted(name for name in names if name.startswith(word))
