"""`inceptionctl doctor`: checks this machine, and measures what training waits for."""

from __future__ import annotations

import argparse
import json
from contextlib import nullcontext
from typing import TYPE_CHECKING

from inceptionctl.arguments import Parser
from inceptionctl.arguments import folder as folder_argument
from inceptionctl.errors import RequestError

if TYPE_CHECKING:
    from inceptionctl.config.schema import Config
    from inceptionctl.doctor.finding import Finding

DESCRIPTION = (
    "Checks what runs need: versions, GPUs and driver, Slurm, disk, memory, limits, decoders, the data set if one is "
    "named, and whether two ranks reach each other; then measures how fast images are read and copied and how fast the "
    "network trains, and names the slowest. Takes the settings of train. Ends with 1 if there is a problem."
)
QUICK = ("data=", "data.", "launch=", "outputs=")  # what the quick checks look at


def main(argv: list[str]) -> int:
    asked = make_parser().parse_intermixed_args(argv)
    has_data = any(word.lstrip("+~").startswith(("data=", "data.")) for word in asked.settings)
    config = config_of(asked)

    from inceptionctl.doctor.checks import checks, made
    from inceptionctl.doctor.show import as_json, show, summary
    from inceptionctl.terminal import console

    found: list[Finding] = []
    output, progress = console(), console(stderr=True)
    for name, check in checks(config, has_data, measured=not asked.quick).items():
        with progress.status(f"{name} ...") if progress.is_terminal else nullcontext():
            some = made(name, check)
        found += some
        if not asked.json:
            show(some, output)
    if asked.json:
        print(json.dumps(as_json(found), indent=2))
    else:
        print(summary(found))
    return int(any(one.level == "problem" for one in found))


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="inceptionctl doctor", description=DESCRIPTION)
    parser.add_argument(
        "settings", nargs="*", metavar="KEY=VALUE",
        help="settings of train, such as scale=imagefolder data.root=DIR arch=inception_v3",
    )  # fmt: skip
    parser.add_argument(
        "--quick",
        action="store_true",
        help="start no ranks and measure nothing: for health checks",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")
    parser.add_argument(
        "--config-dir", type=folder_argument, metavar="DIR", help="folder of your own data sets, networks and recipes"
    )
    return parser


def config_of(asked: argparse.Namespace) -> Config | None:
    """None where nothing needs settings. Raises RequestError for settings that do not exist or have no effect."""
    others = [word for word in asked.settings if not word.lstrip("+~").startswith(QUICK)]
    if asked.quick and others:
        raise RequestError(f"{others[0]} has no effect with --quick, which measures nothing: leave one of them out")
    if asked.quick and not asked.settings:
        if asked.config_dir:
            raise RequestError(f"--config-dir {asked.config_dir} has no effect with --quick and no data=NAME")
        return None

    from inceptionctl.config.compose import composer_for
    from inceptionctl.config.validate import parse

    composer = composer_for(str(asked.config_dir) if asked.config_dir else None)
    return parse(composer.compose("train", asked.settings))
