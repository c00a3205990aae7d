"""The pages of the documentation: their commands, files and pieces of Python."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"
MADE = DOCS / "reference" / "generated"  # when the site is built
RESULTS = DOCS / "results"  # reports of runs, as they were made
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
FILE = re.compile(r"# ([\w/.]+\.\w+)\n")


def pages() -> list[Path]:
    found = [
        *TOP.glob("README*.md"),
        *(p for p in DOCS.rglob("*.md") if MADE not in p.parents and RESULTS not in p.parents),
    ]
    return sorted(found)


def all_pages() -> list[Path]:
    return [*pages(), *sorted(RESULTS.rglob("*.md")), TOP / "AGENTS.md", TOP / "CONTRIBUTING.md"]


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in FENCED.findall(page.read_text()) if found == language]


def lines(*of: Path) -> list[list[str]]:
    """The words behind `inceptionctl` of every line that begins so, in all blocks of these pages, by default all."""
    texts = [text for page in of or pages() for _, text in FENCED.findall(page.read_text())]
    found = [line.partition("  #")[0].strip() for text in texts for line in text.splitlines()]
    return [shlex.split(line.partition(" # ")[0])[1:] for line in found if line.startswith("inceptionctl ")]


def own_files() -> dict[str, str]:
    """Files that a page tells to save, by their path, which stands in the first line of a block."""
    yaml = [text for page in pages() for text in blocks(page, "yaml")]
    return {found[1]: text[found.end() :] for text in yaml if (found := FILE.match(text))}


def write_own_files(folder: Path) -> None:
    for name, text in own_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
