"""The flags of `ablate` and `train` that show or write a plan, taken out of their words before Hydra reads them."""

from __future__ import annotations

from collections.abc import Sequence

from inceptionctl.errors import RequestError

SAVE, JSON, LIST, DRY_RUN = "--save", "--json", "--list", "--dry-run"
OWN = {"ablate": (SAVE, JSON, LIST), "train": (JSON,)}  # by command
DRY_RUN_ONLY = {
    "ablate": {
        SAVE: "it writes plan.json, what a dry run expects, before the runs",
        JSON: f"it prints the plan, and with {LIST} the tables; `inceptionctl report --format json` prints results",
    },
    "train": {JSON: "it prints the plan; `inceptionctl status RUN --json` and result.json have what a run came to"},
}
GOES_WITH = {SAVE: (DRY_RUN,), JSON: (DRY_RUN, LIST), LIST: (LIST,)}


def take(command: str, argv: Sequence[str]) -> tuple[frozenset[str], list[str]]:
    """(the flags, the other words). Raises RequestError for a flag that is given twice, with a value, or without a dry
    run."""
    own, end = OWN[command], [*argv, "--"].index("--")
    words, rest = argv[:end], argv[end:]
    for flag in own:
        if words.count(flag) > 1:
            raise RequestError(f"{flag} is given twice")
        if valued := [word for word in words if word.startswith(f"{flag}=")]:
            raise RequestError(f"{valued[0]}: {flag} takes no value")
        if flag in words and not {*GOES_WITH[flag], "--help", "-h"} & {*words}:
            raise RequestError(f"{flag} goes with {DRY_RUN}: {DRY_RUN_ONLY[command][flag]}")
    return frozenset(words) & {*own}, [word for word in [*words, *rest] if word not in own]
