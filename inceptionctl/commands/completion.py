"""`inceptionctl completion`: tab completion for bash, zsh and fish.

The script of a shell calls `inceptionctl completion query LINE` with the line typed so far.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from pkgutil import iter_modules

from inceptionctl import commands
from inceptionctl.arguments import Parser
from inceptionctl.completion.query import complete
from inceptionctl.errors import InceptionctlError, unknown

SCRIPTS = {"bash": "inceptionctl.bash", "zsh": "_inceptionctl.zsh", "fish": "inceptionctl.fish"}


def main(argv: list[str]) -> int:
    arguments = make_parser().parse_args(argv)
    if arguments.action == "query":
        answer = complete(arguments.line, [module.name for module in iter_modules(commands.__path__)], _parser_of)
        print("\n".join([*([":files"] if answer.files else []), *answer.words]))
    elif arguments.action == "install":
        print(install(os.environ, arguments.shell))
    else:
        print(script(arguments.action), end="")
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="inceptionctl completion", description="Tab completion for the shell.")
    actions = parser.add_subparsers(dest="action", required=True)
    for shell in SCRIPTS:
        actions.add_parser(shell, help=f"print the script for {shell}")
    install = actions.add_parser("install", help="install the script for a shell in your home folder")
    install.add_argument("shell", nargs="?", metavar="SHELL", help=f"{', '.join(SCRIPTS)}; default: $SHELL")
    actions.add_parser("query", help="print what completes a line").add_argument("line")
    return parser


def script(shell: str) -> str:
    return files("inceptionctl.completion").joinpath("scripts", SCRIPTS[shell]).read_text(encoding="utf-8")


def install(environment: Mapping[str, str], shell: str | None) -> str:
    """Writes the script for `shell` (by default $SHELL) where that shell looks for it; returns what to do next.

    Raises RequestError for another shell, InceptionctlError if the script cannot be written.
    """
    shell = shell or Path(environment.get("SHELL") or "bash").name
    if shell not in SCRIPTS:
        raise unknown("shell", shell, SCRIPTS, hint="inceptionctl completion install SHELL names one.")
    place = _place(environment, shell)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(script(shell), encoding="utf-8")
    except OSError as error:
        raise InceptionctlError(
            f"cannot write {place}: {error.strerror}\n  `inceptionctl completion {shell}` prints the script"
        ) from error
    return f"completion for {shell}: {place}; open a new shell\n  {_advice(shell, place)}"


def _place(environment: Mapping[str, str], shell: str) -> Path:
    home = Path(environment.get("HOME") or Path.home())
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return {
        "bash": data / "bash-completion" / "completions" / "inceptionctl",
        "zsh": Path(environment.get("ZDOTDIR") or home) / ".zsh" / "completions" / "_inceptionctl",
        "fish": config / "fish" / "completions" / "inceptionctl.fish",
    }[shell]


def _advice(shell: str, place: Path) -> str:
    return {
        "bash": f"the package bash-completion loads it; without that, add to ~/.bashrc: source {place}",
        "zsh": f"add to ~/.zshrc, before compinit: fpath=({place.parent} $fpath)",
        "fish": "fish loads it by itself",
    }[shell]


def _parser_of(command: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = import_module(f"inceptionctl.commands.{command}").make_parser()
    return parser
