"""`inceptionctl COMMAND ...`: runs a command; prints its error as one message and returns its exit code.

Only the standard library is imported here, so that --help and completion are fast. A new command is a file in
`commands/` with a function `main(argv)`, and a line of COMMANDS.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from inceptionctl.errors import InceptionctlError, RequestError, unknown, warn
from inceptionctl.processes import never_from_current_folder
from inceptionctl.runs import permissions
from inceptionctl.streams import OutputLost, Raw, open_closed, plain

COMMANDS = {
    "train": "train one network and evaluate it",
    "resume": "continue an interrupted run from its last checkpoint",
    "eval": "evaluate runs, ensembles, released weights or files on labelled images",
    "ablate": "run a paper's table: every row with several seeds, then the report",
    "report": "print a table from its run folders; write it as files and plots",
    "status": "show the state of every run, on this machine and on Slurm",
    "wait": "wait until no run is queued or running any more",
    "cancel": "stop queued and running runs; running ones save a checkpoint first",
    "explain": "list what differs between two runs, or between a run and a paper's row",
    "sync": "send to trackers what they have not got of runs and tables",
    "clean": "list the checkpoints that nothing reads any more; remove them with --yes",
    "predict": "classify images with a trained run or with released weights",
    "export": "write a trained network as ONNX, for timm, torchvision or torch, and check it",
    "models": "list the networks with their sizes, layer by layer; draw them",
    "data": "check the images of a data set for faults; describe them; pack them for fast reading",
    "doctor": "check this machine and name the bottleneck of training; every finding with its remedy",
    "completion": "set up tab completion for bash, zsh and fish",
}
WORKING = (
    "train",
    "resume",
    "eval",
    "ablate",
    "sync",
    "wait",
    "cancel",
    "data",
    "predict",
    "clean",
    "export",
)  # whoever reads them
CONTINUED = ("train", "resume", "eval", "ablate")  # by the same command, after an interrupt

EXAMPLES = """\
  inceptionctl ablate      # Table 3 of the Inception-v3 paper, on embedded data
  inceptionctl train arch=inception_v2 'ablation=[label_smoothing,bn_auxiliary]'
  inceptionctl models inception_v3"""


def main(argv: list[str] | None = None) -> int:
    never_from_current_folder()
    open_closed()
    permissions.restrict()
    words = sys.argv[1:] if argv is None else argv
    with plain(goes_on=words[:1] in [[command] for command in WORKING]) as output:
        code = _ended(words, output)
        if not output.failure or isinstance(output.failure, BrokenPipeError):  # `head` has seen enough
            return code
        warn(f"what this command prints could not be written: {output.failure.strerror}")
        return code or 1


def _ended(words: list[str], output: Raw) -> int:
    """The exit code, once all that is printed is written or lost."""
    try:
        try:
            code = _outcome(words)
        except SystemExit as end:  # of argparse
            code = _code_of(end)
        output.flush()
        return code
    except OutputLost:
        return 0


def _code_of(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    warn(str(end.code))
    return 1


def _outcome(words: list[str]) -> int:
    """The exit code; what went wrong is printed."""
    try:
        return _dispatch(words)
    except InceptionctlError as error:
        warn(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        kept = (
            ": checkpoints are kept; the same command continues"
            if words[0] in CONTINUED and "rerun=true" not in words
            else ""
        )
        warn(f"interrupted{kept}")
        return 130


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if words[0] == "--version":
        from importlib.metadata import version

        print(version("inceptionctl"))
        return 0
    command, *rest = words
    if command not in COMMANDS:
        raise unknown("command", command, COMMANDS, f"inceptionctl {' '.join(words)}")
    _check_current_folder()
    return int(import_module(f"inceptionctl.commands.{command}").main(rest))


def _check_current_folder() -> None:
    try:
        os.getcwd()
    except OSError as error:
        raise RequestError(f"there is no current folder any more: {error.strerror}\n  cd to another one") from error


def usage() -> str:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {does}" for name, does in COMMANDS.items())
    return (
        "inceptionctl COMMAND [flags] [key=value ...]\n\n"
        f"{listed}\n\nExamples\n{EXAMPLES}\n\n"
        "inceptionctl COMMAND --help explains a command.\n"
        "Exit codes: 0 done, 1 the work failed, 2 the request was wrong, 130 interrupted."
    )
