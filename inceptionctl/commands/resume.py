"""`inceptionctl resume RUN_DIR`: goes on where the last whole checkpoint of a run is."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from inceptionctl.commands.plan import plan
from inceptionctl.commands.train import train_one
from inceptionctl.errors import RequestError
from inceptionctl.frozen import thaw
from inceptionctl.rundir import RunDir


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="inceptionctl resume", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    run = RunDir(parser.parse_args(argv).run)
    if not run.path.is_dir():
        raise RequestError(f"{run.path} is not a folder")
    config = thaw(run)
    console = Console()
    if run.finished:
        console.print(f"{run.path} is finished: nothing to resume", soft_wrap=True)
        return 0
    made = plan(replace(config, run_dir=str(run.path), rerun=False))
    if config.data.fingerprint != made.config.data.fingerprint:
        raise RequestError(f"the pictures of {run.path} have changed since it began: {made.data.origin}")
    train_one(f"{config.arch.name} seed {config.seed}", made, console)
    return 0
