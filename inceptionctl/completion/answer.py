"""What may stand at the cursor: words, and whether names of files may."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """`files`: the shell shall complete names of files itself, which it does better."""

    words: list[str]
    files: bool = False

    @classmethod
    def starting(cls, prefix: str, words: Iterable[str], files: bool = False) -> Answer:
        return cls(starting(prefix, words), files)


def starting(prefix: str, words: Iterable[str]) -> list[str]:
    return sorted({word for word in words if word.startswith(prefix)})
