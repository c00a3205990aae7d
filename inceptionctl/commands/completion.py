"""`inceptionctl completion`: tab completion for bash, zsh and fish.

The shell's script calls `inceptionctl completion query LINE` with the line typed so far; the answer is one candidate a
line.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
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
LIBRARIES = ("timm", "torchvision")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="inceptionctl completion", description="Tab completion for the shell.")
    actions = parser.add_subparsers(dest="action", required=True)
    for shell in SCRIPTS:
        actions.add_parser(shell, help=f"print the script for {shell}")
    actions.add_parser("install", help="install the script for $SHELL in your home folder")
    actions.add_parser("query", help="print the candidates that complete a line").add_argument("line")
    arguments = parser.parse_args(argv)
    if arguments.action == "query":
        print("\n".join(candidates(arguments.line)))
    elif arguments.action == "install":
        print(install(Path.home(), Path(os.environ.get("SHELL", "bash")).name))
    else:
        print(SCRIPTS[arguments.action], end="")
    return 0


def install(home: Path, shell: str) -> str:
    """Writes the script for `shell` below `home`; returns what to do next."""
    shell = shell if shell in SCRIPTS else "bash"
    place = home / PLACES[shell]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(SCRIPTS[shell])
    line = f"\n  add to ~/.zshrc, before compinit: fpath=({place.parent} $fpath)" if shell == "zsh" else ""
    return f"completion for {shell}: {place}; open a new shell{line}"


def candidates(line: str) -> list[str]:
    """The words that may stand at the end of `line`."""
    words = line.split()[1:]
    word = "" if line.endswith(" ") or not words else words.pop()
    if not words:
        return _starting((module.name for module in iter_modules(commands.__path__)), word)
    if word.startswith("-"):
        return _starting(FLAGS.get(words[0], ["--help"]), word)
    if words[0] in HYDRA_COMMANDS:
        return _overrides(words[0], word)
    return _starting(ARGUMENTS[words[0]](), word) if words[0] in ARGUMENTS else []


def _networks() -> list[str]:
    from inceptionctl.models.zoo.registry import ARCHITECTURES

    return list(ARCHITECTURES)


def _runs() -> list[str]:
    return _folders_with("*/*/config.yaml")


def _tables() -> list[str]:
    return _folders_with("*/table.json")


def _folders_with(pattern: str) -> list[str]:
    return [f"{path.parent}" for path in Path("outputs").glob(pattern)]


def _sources() -> list[str]:
    """Networks that `predict` can use; the shell itself completes names of images."""
    runs = [f"run={folder}" for folder in _folders_with("*/*/result.json")]
    return [*runs, *(f"arch={name}" for name in _networks()), *(f"weights={library}" for library in LIBRARIES)]


ARGUMENTS: dict[str, Callable[[], list[str]]] = {
    "models": _networks,
    "predict": _sources,
    "resume": _runs,
    "report": _tables,
    "status": lambda: [*_tables(), *_runs()],
    "wait": lambda: [*_tables(), *_runs()],
    "cancel": lambda: [*_tables(), *_runs()],
    "completion": lambda: [*SCRIPTS, "install"],
}


def _overrides(command: str, word: str) -> list[str]:
    """Groups with their options, and keys of settings section by section, behind +, ++ and ~ too."""
    from inceptionctl.config.compose import OWN_SETTINGS, groups
    from inceptionctl.config.keys import key_paths

    sign = word[: len(word) - len(word.lstrip("+~"))]
    key, has_value, value = word[len(sign) :].partition("=")
    options = groups(command)
    if has_value:
        found = [f"{key}={option}" for option in _options(options.get(key, []), value)]
    else:
        found = _keys({*key_paths(), *OWN_SETTINGS[command]}, options, key)
    return [f"{sign}{candidate}" for candidate in found]


def _options(options: Iterable[str], value: str) -> list[str]:
    """`[a,b` is completed in its last element."""
    opening, _, last = value.rpartition(",") if "," in value else ("", "", value.removeprefix("["))
    opening = f"{opening}," if opening else "[" if value.startswith("[") else ""
    return [f"{opening}{option}" for option in _starting(options, last)]


def _keys(keys: Iterable[str], groups: Iterable[str], typed: str) -> list[str]:
    """Down to the next dot: `train.` before `train.epochs=`."""
    sections = {key.rpartition(".")[0] for key in keys}
    known = {f"{key}." if key in sections else f"{key}=" for key in keys} | {f"{group}=" for group in groups}
    return [key for key in _starting(known, typed) if key.rstrip(".=").count(".") == typed.count(".")]


def _starting(words: Iterable[str], prefix: str) -> list[str]:
    return sorted(word for word in words if word.startswith(prefix))
