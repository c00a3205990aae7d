"""The settings that a command takes, with what completes them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from inceptionctl.completion.cache import cached
from inceptionctl.completion.line import Line
from inceptionctl.errors import InceptionctlError

CROSSED = "switches"  # a setting of `ablate` that takes options of the group ablation
SETTINGS_OF = ("train", "ablate", "eval")  # any other command takes those of `train`


@dataclass(frozen=True)
class Known:
    """`groups`: their options; `values`: those of a setting that has a few; `paths`: settings that are files or
    folders; `lists`: groups that take several options."""

    groups: dict[str, list[str]]
    keys: list[str]
    values: dict[str, list[str]]
    paths: list[str]
    lists: list[str]


def known(line: Line) -> Known:
    """With the options of the folder that --config-dir names on the line, if it can be read."""
    command = line.command if line.command in SETTINGS_OF else "train"
    if folder := line.value_of("--config-dir"):
        with suppress(InceptionctlError):
            return _find(command, str(Path(folder).expanduser()))
    return Known(**cached(f"settings-{command}", lambda: asdict(_find(command, None))))


def _find(command: str, config_dir: str | None) -> Known:
    """Imports Hydra and every section of settings."""
    from inceptionctl.config.compose import OWN_SETTINGS, Composer
    from inceptionctl.config.keys import SCHEMAS, all_settings, key_paths, settings_of
    from inceptionctl.config.overrides import LISTS
    from inceptionctl.config.table_settings import TableSettings
    from inceptionctl.config.values import choices_of
    from inceptionctl.models.weights.releases import LIBRARIES

    groups = Composer(config_dir).groups(command)
    if command == "ablate":
        groups[CROSSED] = groups["ablation"]
    paths = {"weights", *(setting.key for setting in all_settings() if setting.is_path)}
    values: dict[str, set[str]] = {}
    for setting in all_settings():
        if not setting.is_section and setting.key not in paths:
            values.setdefault(setting.key, set()).update(choices_of(setting.kind))
    if command == "ablate":
        values |= {own.key: {*choices_of(own.kind)} for own in settings_of(TableSettings)}
    values["weights"] = {*LIBRARIES}
    return Known(
        groups=groups,
        keys=sorted({*key_paths(SCHEMAS[command]), *OWN_SETTINGS[command]}),
        values={key: sorted(found) for key, found in values.items() if found},
        paths=sorted(paths),
        lists=[*LISTS, CROSSED],
    )
