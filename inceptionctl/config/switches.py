"""Checks the switches of `ablation=[...]`: each changes something, and no two set one key to different values."""

from __future__ import annotations

from collections.abc import Sequence

from inceptionctl.config.compose import Composer, Tree
from inceptionctl.config.keys import flatten
from inceptionctl.config.overrides import group_choices, parse
from inceptionctl.errors import RequestError
from inceptionctl.models.settings import with_network_facts


def check_switches(composer: Composer, command: str, overrides: Sequence[str], tree: Tree) -> None:
    """`tree` is what `overrides` compose to. Composes once more for each switch: without any, then with one more each
    time. Raises RequestError that names the switch, or both."""
    switches = group_choices(overrides, "ablation")
    others = [o.input_line for o in parse(overrides) if o.input_line and o.key_or_group != "ablation"]
    set_by: dict[str, str] = {}
    before = flatten(with_network_facts(composer.compose(command, others))) if switches else {}
    for count, switch in enumerate(switches, start=1):
        words = [*others, f"ablation=[{','.join(switches[:count])}]"]
        after = flatten(with_network_facts(tree if count == len(switches) else composer.compose(command, words)))
        changed = sorted(key for key in before | after if before.get(key, ...) != after.get(key, ...))
        if not changed:
            raise RequestError(f"ablation={switch} changes nothing here: what it sets is set already, or overridden")
        for key in changed:
            if key in set_by:
                raise RequestError(
                    f"ablation={set_by[key]} and ablation={switch} disagree about {key}: {before[key]} and {after[key]}"
                )
        set_by |= dict.fromkeys(changed, switch)
        before = after
