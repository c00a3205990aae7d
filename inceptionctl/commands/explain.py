"""`inceptionctl explain A B`: what differs between two runs, or between a run and a paper's row."""

from __future__ import annotations

import argparse
import json

from inceptionctl.arguments import Parser
from inceptionctl.arguments import folder as folder_argument

SIDES = ("A", "B")
HELP_OF_SIDE = (
    "a run folder; a paper's row by its id (rethinking.t3.07) or as TABLE:ROW (inception_v3:BN-auxiliary); a recipe "
    "(experiment)"
)


def main(argv: list[str]) -> int:
    asked = make_parser().parse_args(argv)

    from inceptionctl.config.compose import composer_for
    from inceptionctl.describe.explain.difference import explain
    from inceptionctl.describe.explain.show import as_json, show
    from inceptionctl.describe.explain.sides import side_of

    composer = composer_for(str(asked.config_dir) if asked.config_dir else None)
    found = explain(side_of(asked.a, composer), side_of(asked.b, composer))
    if asked.json:
        print(json.dumps(as_json(found), indent=2))
    else:
        show(found)
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="inceptionctl explain",
        description="Lists every setting that differs between A and B, whether the paper states it, and what it is "
        "published to be worth; the largest known effect comes first.",
    )
    for side in SIDES:
        parser.add_argument(side.lower(), metavar=side, help=HELP_OF_SIDE)
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")
    parser.add_argument(
        "--config-dir", type=folder_argument, metavar="DIR", help="folder of your own tables and recipes"
    )
    return parser
