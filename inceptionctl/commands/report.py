"""`inceptionctl report [DIR]`: a table from its run folders, printed and written beside its ledger."""

from __future__ import annotations

import argparse
from pathlib import Path

from inceptionctl.errors import RequestError

OUTPUTS = Path("outputs")


def main(argv: list[str]) -> int:
    asked = _parser().parse_args(argv)
    folder = asked.dir or newest(OUTPUTS)
    if asked.format == "terminal":
        show(folder)
    else:
        from inceptionctl.report.write import write

        print(write(folder).texts[asked.format].read_text(), end="")
    return 0


def show(folder: Path) -> None:
    """Writes the report of the table in `folder` and prints it, with the places of its files in the last line."""
    from inceptionctl.report.columns import sheet
    from inceptionctl.report.render import terminal
    from inceptionctl.report.write import write

    report = write(folder)
    to = terminal.console()
    terminal.show(sheet(report.findings, Path.cwd()), to)
    pictures = " ".join(path.name for path in report.figures if path.suffix == ".svg")
    again = report.findings.table.command
    to.print(f"report: {report.texts['markdown']}   figures: {pictures}   again, continued: {again}", soft_wrap=True)


def newest(outputs: Path) -> Path:
    """The folder of the ledger changed last. Raises RequestError if there is none."""
    ledgers = sorted(outputs.glob("*/ledger.json"), key=lambda path: path.stat().st_mtime)
    if not ledgers:
        raise RequestError(f"no table in {outputs}/\n  run `inceptionctl ablate` first, or name the folder of a table")
    return ledgers[-1].parent


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="inceptionctl report",
        description="Print a table from its run folders; write report.md, .csv, .json and figures beside its ledger.",
    )
    parser.add_argument("dir", nargs="?", type=Path, help="folder with a ledger.json; default: the latest in outputs/")
    formats = ("terminal", "markdown", "csv", "json")
    parser.add_argument("--format", choices=formats, default="terminal", help="what is printed (default: %(default)s)")
    return parser
