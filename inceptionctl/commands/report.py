"""`inceptionctl report [DIR]`: prints a table from its run folders and writes it beside its manifest."""

from __future__ import annotations

import argparse
from pathlib import Path

from inceptionctl.arguments import Parser
from inceptionctl.arguments import folder as folder_argument
from inceptionctl.errors import RequestError
from inceptionctl.files import from_here
from inceptionctl.runs.paths import MANIFEST

OUTPUTS = Path("outputs")


def main(argv: list[str]) -> int:
    asked = make_parser().parse_args(argv)
    folder = asked.dir or newest(OUTPUTS)
    if asked.against:
        return against_reference(folder, asked.format)
    if asked.format == "terminal":
        show(folder)
    else:
        from inceptionctl.report.write import write

        print(write(folder).texts[asked.format].read_text(), end="")
    return 0


def show(folder: Path) -> None:
    """Writes the report of the table in `folder` and prints it; the last line names its files."""
    from inceptionctl.report.columns import report_text
    from inceptionctl.report.render import terminal
    from inceptionctl.report.write import write

    report = write(folder)
    to = terminal.console()
    terminal.show(report_text(report.findings, Path.cwd()), to)
    figures = " ".join(path.name for path in report.figures if path.suffix == ".svg")
    command = report.findings.table.manifest.command
    to.print(
        f"report: {from_here(report.texts['markdown'])}   figures: {figures}   continue: {command}", soft_wrap=True
    )


def against_reference(folder: Path, form: str) -> int:
    """Prints how the runs compare with the reference; exit code 1 if they learn otherwise, or none could be tested."""
    from inceptionctl.report.reference import check, reference_lines

    if form != "terminal":
        raise RequestError(f"--format {form} has no effect on --against reference, which prints lines of text")
    found = check(folder)
    print("\n".join(reference_lines(found)))
    return 0 if found.passed else 1


def newest(outputs: Path) -> Path:
    """The folder of the table that was written last. Raises RequestError if there is none."""
    manifests = sorted(outputs.glob(f"*/{MANIFEST}"), key=lambda path: path.lstat().st_mtime)
    if not manifests:
        raise RequestError(f"no table in {outputs}/\n  run `inceptionctl ablate` first, or name the folder of a table")
    return manifests[-1].parent


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="inceptionctl report",
        description="Prints a table from its run folders; writes report.md, .csv, .json and figures beside table.json.",
    )
    parser.add_argument(
        "dir", nargs="?", type=folder_argument, help="folder with a table.json; default: the latest in outputs/"
    )
    formats = ("terminal", "markdown", "csv", "json")
    parser.add_argument("--format", choices=formats, default="terminal", help="what is printed (default: %(default)s)")
    parser.add_argument(
        "--against",
        choices=["reference"],
        help="test whether the runs learn as the reference runs that come with the program did; exit code 1 if not",
    )
    return parser
