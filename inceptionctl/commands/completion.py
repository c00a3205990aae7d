"""`inceptionctl completion`: tab completion for bash, zsh and fish.

The script of a shell calls `inceptionctl completion query LINE` with the line typed so far.
"""

from __future__ import annotations

import argparse
import os
from importlib import import_module
from pkgutil import iter_modules

from inceptionctl import commands
from inceptionctl.arguments import Parser
from inceptionctl.completion.answer import Answer
from inceptionctl.completion.install import SCRIPTS, install, place_of, script_of, uninstall
from inceptionctl.completion.query import complete


def main(argv: list[str]) -> int:
    asked = make_parser().parse_args(argv)
    if asked.action == "query":
        answer = _answered(asked.line)
        print("\n".join([*([":files"] if answer.files else []), *answer.words]))
    elif asked.action == "install":
        print(install(place_of(os.environ, asked.shell)))
        _answered("inceptionctl train arch=")  # what takes time is found out now, and kept
    elif asked.action == "uninstall":
        print(uninstall(place_of(os.environ, asked.shell)))
    else:
        print(script_of(asked.action), end="")
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="inceptionctl completion", description="Tab completion for the shell.")
    actions = parser.add_subparsers(dest="action", required=True)
    for action, does in (
        ("install", "install it for a shell: a script, and the line of ~/.bashrc or ~/.zshrc that reads it"),
        ("uninstall", "take both away"),
    ):
        one = actions.add_parser(action, help=does)
        one.add_argument("shell", nargs="?", metavar="SHELL", help=f"{', '.join(SCRIPTS)} (default: $SHELL)")
    for shell in SCRIPTS:
        actions.add_parser(shell, help=f"print the script for {shell}")
    actions.add_parser("query", help="print what completes a line").add_argument("line")
    return parser


def _answered(line: str) -> Answer:
    names = [module.name for module in iter_modules(commands.__path__)]
    return complete(line, [name for name in names if "_" not in name], _parser_of)  # data_index is a part of `data`


def _parser_of(command: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = import_module(f"inceptionctl.commands.{command}").make_parser()
    return parser
