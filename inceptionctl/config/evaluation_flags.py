"""The flags that `eval` alone has, taken out of its words before Hydra's are read."""

from __future__ import annotations

from collections.abc import Sequence

from inceptionctl.errors import RequestError

JSON, LIST, DRAW = "--json", "--list-crops", "--draw-crops"
WITH_IMAGES = {LIST: "IMAGE", DRAW: "FILE.png"}


def take(argv: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """(flags with their values, or "", the other words). Raises RequestError for a flag that stands twice, lacks its
    value, or goes with no other that is given."""
    flags, others, words = dict[str, str](), list[str](), list(argv)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if word == "--" or name not in (JSON, *WITH_IMAGES):
            others += [word, *words] if word == "--" else [word]
            words = [] if word == "--" else words
            continue
        if name in flags:
            raise RequestError(f"{name} is given twice")
        if name == JSON and equals:
            raise RequestError(f"{word}: {name} takes no value")
        flags[name] = value if equals or name == JSON else words.pop(0) if words else ""
        if name in WITH_IMAGES and not flags[name]:
            raise RequestError(f"{name} needs a value: {name} {WITH_IMAGES[name]}")
    if DRAW in flags and LIST not in flags:
        raise RequestError(f"{DRAW} needs the image whose crops it draws: {LIST} IMAGE {DRAW} {flags[DRAW]}")
    if DRAW in flags and not flags[DRAW].endswith(".png"):
        raise RequestError(f"{DRAW} {flags[DRAW]}: the name should end in .png")
    return flags, others
