"""AGENTS.md and llms.txt, for language models: the commands, the rules for programs, and where each page is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from from_code.commands import Help, helps
from from_code.text import code, fenced, page, table

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"
ABOUT = (
    "Command-line experiment runner for the Inception family: trains the networks, reproduces the papers' tables with "
    "several seeds and confidence intervals, evaluates runs and released weights."
)
RULES = """\
- No command asks a question or reads stdin. Exit codes: 0 done, 1 the work failed, 2 the request was wrong (one
  message: what, the value, the choices, the remedy; nothing was written), 130 interrupted.
- `--dry-run` (train, ablate, eval) prints the plan and writes nothing: use it before anything long.
- Commands that show something have `--json`, one object with a schema version. Parse that, not the tables.
- Commands are idempotent: the same command finds what is finished, and continues what was interrupted.
- Settings are `key=value`, groups `group=option`; quote lists: `'run=[A,B]'`. `inceptionctl train --help` lists
  all, for the options typed beside it; an unknown key is refused with the nearest one.
- Results are files: `outputs/<name>/<identity>-<attempt>/result.json`, `metrics.jsonl`, `evaluations/` ([fields
  and damage](docs/files.md)). Do not write into a run folder.
- A verdict is "same direction" or the like only where the interval excludes 0. "cannot tell" is a result: do
  not turn it into one."""
CODE = """\
`make install`, `make lint`, `make test` (under ten minutes on two cores), `make docs`.
[CONTRIBUTING.md](CONTRIBUTING.md) says where a line belongs and in which style; `tests/test_design.py` enforces
the direction of imports. After a change of a command, a package or a page: `make generated`."""
FENCED, HEADINGS = re.compile(r"^```.*?^```", re.M | re.S), re.compile(r"^##? (.+)$", re.M)


def agents() -> str:
    made = "<!-- made by `make generated` from the help of the commands -->"
    found = helps()
    listed = table(["command", "does"], [(code(one.name), one.does) for one in found])
    parts = [part for one in found for part in _command(one)]
    return page(
        "inceptionctl for programs", made, ABOUT, "## Rules", RULES, "## Commands", listed, *parts, "## The code", CODE
    )


def llms() -> str:
    lines = ["# inceptionctl", f"> {ABOUT}", RULES, "## Commands"]
    commands = [f"- `inceptionctl {one.name}`: {one.does}" for one in helps()]
    return "\n\n".join([*lines, "\n".join(commands), *_sections()]) + "\n"


def _command(one: Help) -> Iterator[str]:
    yield f"### {one.name}"
    yield fenced(one.usage)


def _sections() -> Iterator[str]:
    kinds = {"Tutorials": "tutorials", "How to": "how-to", "Guides": ".", "Explanation": "explanation"}
    for title, folder in kinds.items():
        found = sorted(path for path in (DOCS / folder).glob("*.md") if path.name != "index.md")
        yield f"## {title}"
        yield "\n".join(map(_page, found))


def _page(path: Path) -> str:
    """A link, with the headings of the page."""
    title, *headings = HEADINGS.findall(FENCED.sub("", path.read_text()))
    return f"- [{title}]({path.relative_to(TOP)})" + (f": {'; '.join(headings)}" if headings else "")
