"""From a command line to a validated tree, by Hydra; its errors become ours.

Everything is checked here, before torch is imported, a folder made, or the work handed to `hydra.main`.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations, product
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import version
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from inceptionctl.config.keys import flatten, foreign_setting, key_paths, matches, unknown_setting
from inceptionctl.errors import InceptionctlError, RequestError, unknown
from inceptionctl.models.settings import NO_REWRITES, with_network_facts

# The switches of the networks, so that a new one is a function and no line of YAML.
ConfigStore.instance().store(name="rewrites", group="arch/base", node=NO_REWRITES)

CONFIG_MODULE = "inceptionctl.conf"
REFUSED_FLAGS = ("experimental_rerun", "config_path", "config_name")  # the first reads a pickle
REPORTED = ("runtime", "overrides", "job.override_dirname", "searchpath")  # what Hydra's settings say of a command line
COMMANDS = ("setup", "extra")  # of `launch`
Tree = dict[str, Any]
Validate = Callable[[Tree, Sequence[str]], object]


def run_hydra(command: str, argv: list[str], validate: Validate, task: Callable[[Tree, Sequence[str]], None]) -> None:
    """Validates every run that `argv` asks for, then lets `hydra.main` run `task` on each (several with -m).

    Hydra's own flags (--cfg, --help, -m, --config-dir) keep their meaning.
    """
    flags = get_args_parser().parse_args(argv)
    check_code(command, flags)
    if not (flags.help or flags.hydra_help):
        with _hydra(flags.config_dir):
            for overrides in sweeps(flags.overrides, flags.multirun):
                tree = compose(command, overrides)
                check_idle_switches(command, overrides)
                validate(tree, overrides)

    def run(cfg: DictConfig) -> None:
        from hydra.core.hydra_config import HydraConfig

        try:
            task(_plain(cfg), list(HydraConfig.get().overrides.task))
        except InceptionctlError as error:  # Hydra would print a traceback and exit with 1
            report(error)
            raise SystemExit(error.exit_code) from None

    import hydra

    sys.argv = [f"inceptionctl {command}", *argv]
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # or it prints, and exits, where a launcher's error is ours to tell
    try:
        hydra.main(version_base="1.3", config_path=f"pkg://{CONFIG_MODULE}", config_name=command)(run)()
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "submitit":
            raise
        raise InceptionctlError(f"a job of the sweep failed: {error}") from error


def check_code(command: str, flags: argparse.Namespace) -> None:
    """Settings are data, those in a stranger's folder too; but Hydra calls what its own settings name (callbacks, log
    handlers), so that only the command line and our own groups may set those."""
    for flag in REFUSED_FLAGS:
        if getattr(flags, flag):
            raise RequestError(
                f"--{flag.replace('_', '-')} is not taken here: groups of your own join with --config-dir"
            )
    parsed = parse(flags.overrides)
    for override in parsed:
        if "_target_" in (override.input_line or ""):
            raise RequestError(f"{override.input_line}: settings are data, and _target_ names code to run")
    if not flags.config_dir and "hydra.searchpath" not in {override.key_or_group for override in parsed}:
        return
    for overrides in sweeps(flags.overrides, multirun=True):
        with _hydra():
            ours = _of_hydra(command, [o.input_line or "" for o in parse(overrides) if _is_for_hydra(o)])
        with _hydra(flags.config_dir):
            theirs = _of_hydra(command, overrides)
        if changed := sorted(key for key in ours | theirs if ours.get(key) != theirs.get(key)):
            raise RequestError(
                f"a folder of settings may not change Hydra's own, which can run code: hydra.{changed[0]}"
            )


def report(error: InceptionctlError) -> None:
    print(f"inceptionctl: {error}", file=sys.stderr)


def compose(command: str, overrides: Sequence[str]) -> Tree:
    """The resolved tree of one run. Raises RequestError for what the overrides ask and there is not."""
    with _hydra():
        _check_unknown(command, overrides)
        tree = _compose(command, overrides)
        _check_commands(tree, overrides)
        return tree


def check_idle_switches(command: str, overrides: Sequence[str]) -> None:
    """Refuses an `ablation` that changes nothing, and two that set one key to different values."""
    others = [_forced(o) for o in parse(overrides) if o.input_line and o.key_or_group != "ablation"]
    changes: dict[str, Tree] = {}
    with _hydra():
        base = flatten(with_network_facts(_compose(command, others)))
        for switch in group_choices(overrides, "ablation"):
            tree = flatten(with_network_facts(_compose(command, [*others, f"ablation=[{switch}]"])))
            changes[switch] = {key: value for key, value in tree.items() if base.get(key, ...) != value}
            if not changes[switch]:
                raise RequestError(
                    f"ablation={switch} changes nothing here: what it sets is set already, or overridden"
                )
    for one, two in combinations(changes, 2):
        for key in changes[one].keys() & changes[two].keys():
            values = changes[one][key], changes[two][key]
            if values[0] != values[1]:
                raise RequestError(
                    f"ablation={one} and ablation={two} disagree about {key}: {values[0]} and {values[1]}"
                )


def _forced(override: Override) -> str:
    """Sets a key that there may be only with a switch: `optim.eps` with one that chooses rmsprop."""
    line = override.input_line or ""
    forced = "." in override.key_or_group and override.type is OverrideType.CHANGE and not _is_for_hydra(override)
    return f"++{line}" if forced and override.key_or_group != "hydra.searchpath" else line


def group_choices(overrides: Sequence[str], group: str) -> list[str]:
    """The options that `overrides` choose of a group that takes several: `ablation=[a,b]` gives a and b."""
    values = [override.value() for override in parse(overrides) if override.key_or_group == group]
    return [str(v) for value in values for v in (value if isinstance(value, list) else [value]) if v]


def parse(overrides: Sequence[str]) -> list[Override]:
    try:
        return OverridesParser.create().parse_overrides(overrides=list(overrides))
    except HydraException as error:
        raise RequestError(f"cannot read {' '.join(overrides)!r}: {str(error).splitlines()[0]}") from error


def sweeps(overrides: Sequence[str], multirun: bool) -> Iterator[list[str]]:
    """The overrides of each run that `-m` makes of `seed=0,1 arch=a,b`."""
    parsed = parse(overrides)
    swept = [o.input_line for o in parsed if o.is_sweep_override()]
    if swept and not multirun:
        raise RequestError(f"{swept[0]} asks for several runs: add -m, or quote a list as 'key=[a,b]'")
    axes = [
        [f"{o.get_key_element()}={v}" for v in o.sweep_string_iterator()] if o.is_sweep_override() else [o.input_line]
        for o in parsed
    ]
    for combination in product(*axes):
        yield [part for part in combination if part]


def groups(command: str) -> dict[str, list[str]]:
    """Options of every group that `command` has."""
    with _hydra():
        loader = GlobalHydra.instance().config_loader()
        names = [
            name
            for name in loader.get_group_options("", ObjectType.GROUP)
            if name != "hydra" and (name != "table" or command == "ablate")
        ]
        return {name: sorted(loader.get_group_options(name, ObjectType.CONFIG)) for name in names}


def _check_unknown(command: str, overrides: Sequence[str]) -> None:
    options = groups(command)
    keys = {*key_paths(), *({"seeds"} if command == "ablate" else ())}
    if {"experiment", "scale"} <= {override.key_or_group for override in parse(overrides)}:
        raise RequestError("experiment= is a whole recipe and excludes scale=: give one of them")
    for override in parse(overrides):
        key, typed = override.key_or_group, override.input_line or ""
        if key in options and not isinstance(override.value(), dict):
            for option in group_choices([typed], key) if not override.is_delete() else ():
                if option not in options[key]:
                    raise unknown(key, option, options[key], typed)
        elif key not in keys and not key.startswith(("hydra.", "hydra/")):
            raise unknown_setting(key, keys | set(options), typed)


def _check_commands(tree: Tree, overrides: Sequence[str]) -> None:
    """What a cluster's nodes are to run comes from the person at the command line, not from a folder of settings."""
    typed: Tree = {override.key_or_group: override.value() for override in parse(overrides)}
    for key in COMMANDS:
        found, asked = (tree.get("launch") or {}).get(key), typed.get(f"launch.{key}")
        if found and (not asked or len(found) > len(asked)):  # Hydra adds what is typed to what is there
            raise _runs_code(f"launch.{key}")


def check_commands(overrides: Sequence[str]) -> None:
    """The same of what a table sets."""
    for override in parse(overrides):
        if override.key_or_group in {f"launch.{key}" for key in COMMANDS}:
            raise _runs_code(override.key_or_group)


def _runs_code(key: str) -> RequestError:
    return RequestError(f"{key} can run code: give it on the command line, not in a file of settings")


def _is_for_hydra(override: Override) -> bool:
    return override.key_or_group.startswith(("hydra.", "hydra/")) and override.key_or_group != "hydra.searchpath"


def _of_hydra(command: str, overrides: Sequence[str]) -> Tree:
    """What Hydra's own settings come to, by key, but for those that only report."""
    with _errors_of_requests():
        tree = OmegaConf.to_container(hydra_compose(command, list(overrides), return_hydra_config=True).hydra)
    assert isinstance(tree, dict)
    flat = flatten({str(key): value for key, value in tree.items()})
    return {key: value for key, value in flat.items() if not matches(key, REPORTED)}


def _compose(command: str, overrides: Sequence[str]) -> Tree:
    with _errors_of_requests():
        return _plain(hydra_compose(command, list(overrides)))


@contextmanager
def _errors_of_requests() -> Iterator[None]:
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        key = re.match(r"Could not override '(.*?)'", str(error))
        if key and (elsewhere := foreign_setting(key[1])):
            raise elsewhere from error
        raise RequestError(" ".join(str(error).split("\nfull_key")[0].split())) from error


def _plain(cfg: DictConfig) -> Tree:
    tree = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(tree, dict)
    return {str(key): value for key, value in tree.items() if key != "hydra"}


@contextmanager
def _hydra(config_dir: str | None = None) -> Iterator[None]:
    """Hydra with our groups and the user's. Does nothing where one is at work already, as inside `hydra.main`."""
    if GlobalHydra.instance().is_initialized():
        yield
        return
    search_path = create_config_search_path(f"pkg://{CONFIG_MODULE}")
    if config_dir:
        search_path.prepend("command-line", f"file://{Path(config_dir).resolve()}", anchor="schema")
    version.setbase("1.3")
    Hydra.create_main_hydra2("inceptionctl", search_path)
    try:
        yield
    finally:
        GlobalHydra.instance().clear()
