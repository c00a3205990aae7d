"""The flags of `train` and `ablate`: ours and Hydra's, before, between and behind the settings."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from inceptionctl.errors import RequestError, unknown

SWITCHES = {
    "--dry-run": "--dry-run",
    "--multirun": "-m",
    "--help": "-h",
    "--hydra-help": "--hydra-help",
    "--resolve": "--resolve",
}
WITH_VALUE = {"--cfg": "-c", "--package": "-p", "--config-dir": "-cd", "--info": "-i"}
CHOICES = {
    "--cfg": ("job", "hydra", "all"),
    "--info": ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
}
REFUSED = {
    "--config-path -cp": "groups of your own join with --config-dir",
    "--config-name -cn": "groups of your own join with --config-dir",
    "--experimental-rerun": "it would read a pickle",
    "--shell-completion -sc": "use `inceptionctl completion install`",
    "--run -r": "without -m there is one run",
    "--version": "`inceptionctl --version` prints it",
}
ALONE = ("--cfg", "--info", "--hydra-help")  # print something else instead of running


@dataclass(frozen=True)
class Flags:
    """`given`: flags by their long name, with their value or ""; `words`: everything else, in order."""

    given: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def __contains__(self, flag: str) -> bool:
        return flag in self.given

    @property
    def config_dir(self) -> str | None:
        return self.given.get("--config-dir")


def read_flags(argv: Sequence[str]) -> Flags:
    """Raises RequestError for a flag that does not exist, stands twice, or goes with no other that is given."""
    flags, words = Flags(), deque(argv)
    while words:
        word = words.popleft()
        if word == "--":
            flags.words.extend(words)
            words.clear()
        elif word.startswith("-") and word != "-":
            _add(flags, word, words)
        else:
            flags.words.append(word)
    _check_together(flags)
    return flags


def _add(flags: Flags, word: str, words: deque[str]) -> None:
    name, equals, value = word.partition("=")
    flag = next((long for long, short in (SWITCHES | WITH_VALUE).items() if name in (long, short)), None)
    if flag is None:
        raise _unknown(name, word)
    if flag in flags:
        raise RequestError(f"{name} is given twice")
    if flag in SWITCHES and equals:
        raise RequestError(f"{word}: {name} takes no value")
    if flag in WITH_VALUE:
        value = value if equals else _value(flag, words)
        _check_value(flag, value)
    flags.given[flag] = value


def _value(flag: str, words: deque[str]) -> str:
    if flag == "--info" and (not words or words[0] not in CHOICES[flag]):
        return "all"
    return words.popleft() if words else ""


def _check_value(flag: str, value: str) -> None:
    choices = CHOICES.get(flag)
    if choices and value not in choices:
        raise RequestError(f"{flag} {value}".rstrip() + f" is not one of {', '.join(f'{flag} {c}' for c in choices)}")
    if not value:
        raise RequestError(f"{flag} needs a value: {flag} {'DIR' if flag == '--config-dir' else 'SECTION'}")


def _unknown(name: str, word: str) -> RequestError:
    from inceptionctl.config.hints import nearest  # imports every section of settings: completion does without
    from inceptionctl.config.keys import key_paths

    for names, reason in REFUSED.items():
        if name in names.split():
            return RequestError(f"{names.split()[0]} is not supported: {reason}")
    key, known = name.lstrip("-").replace("-", "_"), key_paths()
    found = [key] if key in known else nearest(key, known)
    hint = f"Settings have no hyphens: {found[0]}={word.partition('=')[2] or 'VALUE'}" if found else None
    return unknown("flag", name, [*SWITCHES, *WITH_VALUE], word, hint)


def _check_together(flags: Flags) -> None:
    alone = [flag for flag in ALONE if flag in flags]
    others = [flag for flag in ("--multirun", "--dry-run") if flag in flags]
    if len(alone) > 1 or (alone and others):
        raise RequestError(f"{' and '.join([*alone, *others][:2])} do not go together: give one of them")
    for flag in ("--resolve", "--package"):
        if flag in flags and "--cfg" not in flags:
            raise RequestError(f"{flag} has no effect without --cfg")
