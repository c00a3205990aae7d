"""A command line that is being typed, as a shell hands it over: whole words, then the word at the cursor."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

CURSOR = "\0"


@dataclass(frozen=True)
class Line:
    """`words` behind the program's name, without the quotes of the shell; `word` is still being typed."""

    words: list[str]
    word: str

    @classmethod
    def of(cls, typed: str) -> Line:
        """A quote may be open at the end of `typed`; a backslash there quotes nothing yet."""
        if len(typed) - len(typed.rstrip("\\")) & 1:
            typed = typed[:-1]
        for closing in ("", "'", '"'):
            try:
                words = shlex.split(f"{typed}{CURSOR}{closing}")
            except ValueError:  # a quote is open
                continue
            return cls(words[1:-1], words[-1].partition(CURSOR)[0])
        return cls([], "")

    @property
    def command(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def before(self) -> str:
        """The word before the one at the cursor."""
        return self.words[-1] if self.words else ""

    def value_of(self, flag: str) -> str | None:
        """What stands behind a flag, as `--flag VALUE` or `--flag=VALUE`."""
        for word, following in zip(self.words, [*self.words[1:], ""], strict=True):
            if word == flag:
                return following
            if word.startswith(f"{flag}="):
                return word.removeprefix(f"{flag}=")
        return None
