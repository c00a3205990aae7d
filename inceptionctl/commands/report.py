"""`inceptionctl report [DIR ...]`: prints a table from its run folders and writes it beside its manifest."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from inceptionctl.arguments import Parser, seconds
from inceptionctl.arguments import folder as folder_argument
from inceptionctl.errors import Interrupted, RequestError, unknown
from inceptionctl.files import from_here
from inceptionctl.runs.paths import MANIFEST, SPEED

if TYPE_CHECKING:
    from inceptionctl.report.write import Report

OUTPUTS = Path("outputs")
FORMATS = ("terminal", "markdown", "csv", "json", "latex", "html")
KINDS = ("svg", "png", "pdf")
WATCH_SECONDS = 5.0


def main(argv: list[str]) -> int:
    asked = make_parser().parse_args(argv)
    check_effect(asked)
    folders = tables_of(asked.dir)
    if os.path.lexists(folders[0] / SPEED):
        return show_speed(folders[0], asked)
    if (alone := _alone(asked)) and folders != (asked.dir or folders):
        raise RequestError(f"{alone} is for one table, and these runs are compared: name the folder of a table")
    if asked.against:
        return against_reference(folders[0])
    if asked.watch is not None:
        return watch(folders[0], asked.watch)
    for report in (_write(folder, asked) for folder in folders):
        if asked.format == "terminal":
            _print(report)
        else:
            print(report.texts[asked.format].read_text(encoding="utf-8"), end="")
    return 0


def tables_of(paths: list[Path]) -> list[Path]:
    """The folder of a table, or those of the tables that compare the runs that were named. Raises RequestError if there
    are no runs."""
    from inceptionctl.runs.find import is_run_folder, runs_below

    if not paths:
        return [newest(OUTPUTS)]
    is_table = _is_table(paths[0]) or not (is_run_folder(paths[0]) or runs_below(paths[0]))
    if len(paths) == 1 and is_table:
        return paths
    from inceptionctl.report.comparison.tables import compare

    return [found.folder for found in compare(paths, OUTPUTS)]


def _is_table(folder: Path) -> bool:
    return os.path.lexists(folder / MANIFEST) or os.path.lexists(folder / SPEED)


def show(folder: Path) -> None:
    """Writes the report of the table in `folder` and prints it; the last line names its files."""
    from inceptionctl.report.write import write

    _print(write(folder))


def show_speed(folder: Path, asked: argparse.Namespace) -> int:
    """Prints a table of training speed: it has no cells. Raises RequestError for what only tables of cells have."""
    from inceptionctl.report.speed import lines
    from inceptionctl.runs.io import read_record
    from inceptionctl.runs.records.speed import SpeedRecord

    if _alone(asked) or asked.format not in ("terminal", "json") or len(asked.dir) > 1:
        raise RequestError(f"{folder} holds training speeds: by themselves, and on the terminal or with --json")
    record = read_record(folder / SPEED, SpeedRecord)
    print((folder / SPEED).read_text(encoding="utf-8") if asked.format == "json" else "\n".join(lines(record)))
    return 0


def watch(folder: Path, every_s: float) -> int:
    """Shows the table until all its cells are done. Raises Interrupted on Ctrl-C."""
    from inceptionctl.report.render import terminal
    from inceptionctl.report.watch import watch as watch_table

    to = terminal.console()
    try:
        report = watch_table(folder, every_s, to)
    except KeyboardInterrupt:
        raise Interrupted("stopped looking: cells that run go on") from None
    to.print(_files(report), soft_wrap=True)
    return 0


def against_reference(folder: Path) -> int:
    """Prints how the runs compare with the reference; exit code 1 if they learn otherwise, or none could be tested."""
    from inceptionctl.report.reference import check, reference_lines

    found = check(folder)
    print("\n".join(reference_lines(found)))
    return 0 if found.passed else 1


def newest(outputs: Path) -> Path:
    """The folder of the table that was written last. Raises RequestError if there is none."""
    found = (path for name in (MANIFEST, SPEED) for path in outputs.glob(f"*/{name}"))
    manifests = sorted(found, key=lambda path: path.lstat().st_mtime)
    if not manifests:
        raise RequestError(f"no table in {outputs}/\n  run `inceptionctl ablate` first, or name the folder of a table")
    return manifests[-1].parent


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="inceptionctl report",
        description="Prints a table from its run folders, or compares any runs; writes report.html, .md, .csv, .json "
        "and .tex, seeds.csv and figures beside table.json.",
    )
    parser.add_argument(
        "dir", nargs="*", type=folder_argument, metavar="DIR",
        help="folder of a table (default: the latest in outputs/); or runs, or folders of runs, to compare",
    )  # fmt: skip
    parser.add_argument("--format", choices=FORMATS, default="terminal", help="what is printed (default: %(default)s)")
    parser.add_argument(
        "--json", action="store_const", const="json", dest="format", help="print JSON, as --format json does"
    )
    parser.add_argument(
        "--watch", nargs="?", type=seconds, const=WATCH_SECONDS, metavar="SECONDS",
        help="show the table while its cells run, looking every so many seconds (default: %(const)g)",
    )  # fmt: skip
    parser.add_argument(
        "--figures", type=_kinds, default=("svg", "png"), metavar="KINDS",
        help=f"files of the figures: {', '.join(KINDS)}, with commas between (default: svg,png)",
    )  # fmt: skip
    parser.add_argument("--no-title", action="store_true", help="figures without the table's title in them")
    parser.add_argument(
        "--width", choices=("page", "column"), default="page", help="of the figures, as papers have them: 6.9 or 3.3 in"
    )
    parser.add_argument(
        "--against",
        choices=["reference"],
        help="test whether the runs learn as the reference runs that come with the program did; exit code 1 if not",
    )
    return parser


def check_effect(asked: argparse.Namespace) -> None:
    """Raises RequestError for words that would have no effect."""
    if (alone := _alone(asked)) is None:
        return
    for flag, typed in {
        f"--format {asked.format}": asked.format != "terminal",
        "--figures": asked.figures != ("svg", "png"),
        "--no-title": asked.no_title,
        "--width": asked.width != "page",
        "--against": bool(asked.against) and asked.watch is not None,
    }.items():
        if typed:
            raise RequestError(f"{flag} has no effect with {alone}: give one of the two")


def _alone(asked: argparse.Namespace) -> str | None:
    """The flag that makes a table's figures and texts no matter."""
    return "--watch" if asked.watch is not None else "--against reference" if asked.against else None


def _kinds(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(text.split(",")))
    for kind in found:
        if kind not in KINDS:
            raise argparse.ArgumentTypeError(str(unknown("kind of file", kind, KINDS)))
    return found


def _write(folder: Path, asked: argparse.Namespace) -> Report:
    from inceptionctl.report.plots.style import WIDTHS, Look
    from inceptionctl.report.write import write

    return write(folder, asked.figures, Look(WIDTHS[asked.width], title=not asked.no_title))


def _print(report: Report) -> None:
    from inceptionctl.report.columns import report_text
    from inceptionctl.report.render import terminal

    to = terminal.console()
    terminal.show(report_text(report.findings, Path.cwd()), to)
    to.print(_files(report), soft_wrap=True)


def _files(report: Report) -> str:
    """Below a table with cells to run, the notes have the command that continues."""
    figures = " ".join(dict.fromkeys(path.stem for path in report.figures))
    return f"report: {from_here(report.texts['html'])} and .md   figures: {figures}"
