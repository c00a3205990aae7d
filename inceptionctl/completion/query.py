"""Answers a shell: what may stand at the cursor of a command line. Each command is imported only if it is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from inceptionctl.completion.answer import Answer, starting
from inceptionctl.completion.line import Line
from inceptionctl.completion.parsed import Flag, Parsers, flags_of, networks

HYDRA_COMMANDS = ("train", "ablate", "eval")


def complete(typed: str, commands: Iterable[str], parser_of: Parsers) -> Answer:
    """`typed`: the line up to the cursor; `parser_of`: the parser of a command."""
    line = Line.of(typed)
    if not line.words:
        return Answer.starting(line.word, [*commands, "--help", "--version"] if line.word else commands)
    if line.command in HYDRA_COMMANDS:
        return _composed(line)
    return _parsed(line, flags_of(line.command, parser_of)) if line.command in commands else Answer([])


def _composed(line: Line) -> Answer:
    """Of a command whose settings Hydra composes."""
    from inceptionctl.config.flags import CHOICES, SWITCHES, WITH_VALUE

    flags, more = _of_eval(line) if line.command == "eval" else (_of_plans(line), None)
    if more:
        return more
    if takes := next((long for long, short in WITH_VALUE.items() if line.before in (long, short)), None):
        return Answer.starting(line.word, CHOICES.get(takes, ()), files=takes == "--config-dir")
    if line.word.startswith("-"):
        return Answer.starting(line.word, [*SWITCHES, *WITH_VALUE, *flags])

    from inceptionctl.completion import settings

    return settings.complete(line)


def _of_plans(line: Line) -> list[str]:
    from inceptionctl.config.plan_flags import OWN

    return [*OWN.get(line.command, ())]


def _of_eval(line: Line) -> tuple[list[str], Answer | None]:
    """The flags that `eval` alone has, and the answer where no other command's would do."""
    from inceptionctl.config.evaluation_flags import JSON, RELEASED, TABLE, WITH_IMAGES

    if line.before in WITH_IMAGES:
        return [], Answer([], files=True)
    if line.word.startswith("run="):
        return [], _runs_to_evaluate(line.word)
    if line.word and f"{TABLE}={RELEASED}".startswith(line.word):
        return [], Answer([f"{TABLE}={RELEASED}"])
    return [JSON, *WITH_IMAGES], None


def _parsed(line: Line, flags: list[Flag]) -> Answer:
    """Of a command with an argument parser."""
    before = next((flag for flag in flags if line.before in flag.names), None)
    if before and before.takes:
        return before.value(line.word)
    if line.word.startswith("-") and line.command != "completion":  # whose flags are those of its actions
        return Answer.starting(line.word, [name for flag in flags for name in flag.names])
    return ARGUMENTS[line.command](line) if line.command in ARGUMENTS else Answer([])


def _folders_with(*patterns: str) -> list[str]:
    return [f"{path.parent}" for pattern in patterns for path in Path("outputs").glob(pattern)]


def _runs(line: Line) -> Answer:
    return Answer.starting(line.word, _folders_with("*/table.json", "*/*/config.yaml"), files=True)


def _runs_to_evaluate(word: str) -> Answer:
    """Finished runs; of a list, its last element."""
    before, comma, _ = word.rpartition(",")
    start = f"{before}," if comma else "run=[" if word.startswith("run=[") else "run="
    return Answer.starting(word, [f"{start}{found}" for found in _folders_with("*/*/result.json")], files=True)


def _resumed(line: Line) -> Answer:
    """The run, then the settings that may change."""
    if len(line.words) == 1:
        return Answer.starting(line.word, _folders_with("*/*/config.yaml"), files=True)

    from inceptionctl.completion import settings

    return settings.complete(line)


def _synced(line: Line) -> Answer:
    """A folder, or settings of the tracker that --tracker names."""
    if not line.word.startswith("tracker."):
        return _runs(line)

    from inceptionctl.completion import settings

    return settings.complete(line)


def _data(line: Line) -> Answer:
    """What to do, then a folder or the settings of a data set."""
    if len(line.words) == 1:
        return Answer.starting(line.word, ["check", "index", "pack", "stats"])
    if not line.word.startswith("data"):
        return Answer(starting(line.word, ["data=", "data."]), files=True)

    from inceptionctl.completion import settings

    return settings.complete(line)


def _predicted(line: Line) -> Answer:
    """A network, then images: the shell completes their names."""
    key, equals, _ = line.word.partition("=")
    if key == "run" and equals:
        runs = (f"run={folder}" for folder in _folders_with("*/*/result.json"))
        return Answer.starting(line.word, runs, files=True)
    if key == "weights" or key.startswith("arch."):
        from inceptionctl.completion import settings

        return settings.complete(line)
    choices = [f"arch={name}" for name in networks()] if equals else ["arch="]
    return Answer.starting(line.word, [*choices, "run=", "weights=", "pixels="], files=not equals)


def _doctored(line: Line) -> Answer:
    from inceptionctl.completion import settings

    return settings.complete(line)


def _exported(line: Line) -> Answer:
    """Settings that name a run or a network, a format and folders."""
    from inceptionctl.config.evaluation import OF_A_RUN
    from inceptionctl.export.registry import FORMATS
    from inceptionctl.export.request import PATHS, SETTINGS

    key, equals, _ = line.word.partition("=")
    if not equals and not key.startswith("arch."):
        return Answer.starting(line.word, [*(f"{name}=" for name in SETTINGS), "arch."])
    if key == "weights" and any(word.startswith("run=") for word in line.words):
        return Answer.starting(line.word, [f"weights={name}" for name in OF_A_RUN])
    if key in ("run", "arch", "weights") or key.startswith("arch."):
        return _predicted(line)
    values = FORMATS if key == "format" else ()
    return Answer.starting(line.word, [f"{key}={value}" for value in values], files=key in PATHS)


def _shells(line: Line) -> Answer:
    shells = ["bash", "fish", "zsh"]
    if len(line.words) == 1:
        return Answer.starting(line.word, [*shells, "install", "uninstall"])
    return Answer.starting(line.word, shells if line.before in ("install", "uninstall") else [])


def _sides(line: Line) -> Answer:
    """Runs and recipes: a row of a table has a colon, which shells split words at."""
    from importlib.resources import files

    recipes = Path(str(files("inceptionctl.conf"))) / "experiment"
    runs = _folders_with("*/*/config.yaml")
    return Answer.starting(line.word, [*runs, *sorted(path.stem for path in recipes.glob("*.yaml"))], files=True)


ARGUMENTS: dict[str, Callable[[Line], Answer]] = {
    "models": lambda line: Answer.starting(line.word, networks()),
    "predict": _predicted,
    "export": _exported,
    "resume": _resumed,
    "explain": _sides,
    "report": lambda line: Answer.starting(line.word, _folders_with("*/table.json", "*/*/result.json"), files=True),
    "status": _runs,
    "wait": _runs,
    "cancel": _runs,
    "sync": _synced,
    "clean": _runs,
    "data": _data,
    "doctor": _doctored,
    "completion": _shells,
}
