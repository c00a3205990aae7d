"""Pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def code(text: object) -> str:
    """Inline code, also of a text with backquotes in it."""
    return f"`` {text} ``" if "`" in str(text) else f"`{text}`"


def plain(text: str) -> str:
    """A sentence of a docstring as Markdown: what looks like HTML or emphasis is not."""
    return text.replace("<", "&lt;").replace("*", r"\*").replace("_", r"\_") if "`" not in text else text


def fenced(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"


def page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", *(part for part in parts if part)]) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
