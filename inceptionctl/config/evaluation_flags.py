"""The flags that `eval` alone has, and table=released, taken out of its words before Hydra reads them: for Hydra,
`table` is a group, of which `eval` has no options."""

from __future__ import annotations

from collections.abc import Sequence

from inceptionctl.errors import RequestError, unknown

JSON, LIST, DRAW = "--json", "--list-crops", "--draw-crops"
TABLE, RELEASED = "table", "released"
WITH_IMAGES = {LIST: "IMAGE", DRAW: "FILE.png"}


def take(argv: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """(flags with their values, or "", the other words). Raises RequestError for a flag that stands twice, lacks its
    value, or goes with no other that is given."""
    flags, others, words = dict[str, str](), list[str](), list(argv)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if word == "--" or name not in (JSON, TABLE, *WITH_IMAGES):
            others += [word, *words] if word == "--" else [word]
            words = [] if word == "--" else words
            continue
        if name in flags:
            raise RequestError(f"{name} is given twice")
        if name == JSON and equals:
            raise RequestError(f"{word}: {name} takes no value")
        flags[name] = value if equals or name in (JSON, TABLE) else words.pop(0) if words else ""
        if name in WITH_IMAGES and not flags[name]:
            raise RequestError(f"{name} needs a value: {name} {WITH_IMAGES[name]}")
    _check(flags)
    return flags, others


def _check(flags: dict[str, str]) -> None:
    if flags.get(TABLE, RELEASED) != RELEASED:
        raise unknown("table", flags[TABLE], [RELEASED], f"{TABLE}={flags[TABLE]}")
    if TABLE in flags and LIST in flags:
        raise RequestError(f"{TABLE}={RELEASED} and {LIST} do not go together: give one of them")
    if DRAW in flags and LIST not in flags:
        raise RequestError(f"{DRAW} needs the image whose crops it draws: {LIST} IMAGE {DRAW} {flags[DRAW]}")
    if DRAW in flags and not flags[DRAW].endswith(".png"):
        raise RequestError(f"{DRAW} {flags[DRAW]}: the name should end in .png")
