"""Checks the switches of `ablation=[...]`: each has an effect, and no two set one key to different values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from inceptionctl.config.compose import Composer, Tree
from inceptionctl.config.idle import idle_settings
from inceptionctl.config.keys import flatten, matches
from inceptionctl.config.overrides import group_choices, parse
from inceptionctl.config.schema import Config
from inceptionctl.config.validate import parse as parse_config
from inceptionctl.config.values import written
from inceptionctl.errors import RequestError
from inceptionctl.models.settings import with_network_facts


def check_switches(composer: Composer, overrides: Sequence[str], tree: Tree) -> None:
    """`tree` is what `overrides` compose to. Composes once more for each switch: without any, then with one more each
    time. Raises RequestError that names the switch, or both."""
    switches = group_choices(overrides, "ablation")
    if not switches:
        return
    others = [o.input_line for o in parse(overrides) if o.input_line and o.key_or_group != "ablation"]
    set_by: dict[str, str] = {}
    before = flatten(with_network_facts(composer.compose("train", others)))
    for count, switch in enumerate(switches, start=1):
        words = [*others, f"ablation=[{','.join(switches[:count])}]"]
        after = flatten(with_network_facts(tree if count == len(switches) else composer.compose("train", words)))
        changed = sorted(key for key in before | after if before.get(key, ...) != after.get(key, ...))
        if not changed:
            raise _unchanged(switch, composer.settings_in("ablation", switch), after)
        for key in changed:
            if key in set_by:
                raise RequestError(
                    f"ablation={set_by[key]} and ablation={switch} disagree about {key}: {before[key]} and {after[key]}"
                )
        set_by |= dict.fromkeys(changed, switch)
        before = after
    config = parse_config(tree)
    for switch in switches:
        check_effect(switch, [key for key, by in set_by.items() if by == switch], config)


def check_effect(switch: str, keys: Collection[str], config: Config) -> None:
    """Raises RequestError for a switch that sets nothing but idle settings, or does not fit the network. `keys`: what
    it sets."""
    try:
        idle = idle_settings(config)
    except RequestError as error:
        its_own = any(key in str(error) for key in keys)
        raise RequestError(f"ablation={switch}: {error}" if its_own else str(error)) from error
    reasons = [next((why for pattern, why in idle.items() if matches(key, [pattern])), None) for key in keys]
    if reasons and all(reasons):
        raise RequestError(f"ablation={switch} has no effect: {reasons[0]}\n  leave it out")


def _unchanged(switch: str, sets: Mapping[str, Any], after: Mapping[str, Any]) -> RequestError:
    """Of a switch whose settings are as without it: because they are so anyway, or because something typed wins."""
    other = {key: after.get(key) for key, value in sets.items() if after.get(key) != value}
    what = ", ".join(f"{key} = {written(value)}" for key, value in (other or sets).items()) or "what it sets"
    why = f"{what} was set beside it" if other else f"{what} is so without it"
    return RequestError(f"ablation={switch} changes nothing here: {why}\n  leave it out")
