"""Writes all pages that are made from the code, with a list of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from from_code import commands, papers, records, settings
from from_code.text import page

KINDS = {
    "commands": ("Commands", commands),
    "settings": ("Settings", settings),
    "papers": ("Tables of the papers", papers),
}


def write(folder: Path) -> None:
    """Pages that are no longer made are removed, those that have not changed are left as they are."""
    made = dict(all_pages())
    for old in folder.rglob("*.md"):
        if str(old.relative_to(folder)) not in made:
            old.unlink()
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def all_pages() -> Iterator[tuple[str, str]]:
    for kind, (title, module) in KINDS.items():
        found = list(module.pages())
        names = [name.removeprefix(f"{kind}/").removesuffix(".md") for name, _ in found]
        yield from found
        yield f"{kind}/index.md", page(title, _contents(names))
    yield from records.pages()


def _contents(names: list[str]) -> str:
    return "\n".join(["```{toctree}", ":maxdepth: 1", "", *names, "```"])
