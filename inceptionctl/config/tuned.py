"""Values that a network needs to learn at a scale: conf/tuned gives them to that network alone, and says why."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from inceptionctl.config.keys import flatten
from inceptionctl.errors import RequestError
from inceptionctl.models.settings import with_network_facts

NOT_TUNED = "tuned=none"


def tuned_values(config: DictConfig, plain: DictConfig) -> dict[str, Any] | None:
    """What `config` has from an option of `tuned` and `plain`, composed without, has not; None if nothing differs.

    A value that was typed is in both, and so does not count; nor does one that only interpolates another. Raises
    RequestError for an option of another network.
    """
    choices = config.hydra.runtime.choices
    if choices.tuned != f"{choices.scale}_{choices.arch}":
        raise RequestError(
            f"tuned={choices.tuned} is not for arch={choices.arch} at scale={choices.scale}: the values for a network "
            f"are found by these names; {NOT_TUNED} leaves them out"
        )
    after, before = _settings(config), _settings(plain)
    changes = {key: [before.get(key), value] for key, value in after.items() if before.get(key) != value}
    return {"reason": config.tuned.reason, "changes": changes} if changes else None


def _settings(config: DictConfig) -> dict[str, Any]:
    tree = OmegaConf.to_container(config)
    assert isinstance(tree, dict)
    return flatten(
        with_network_facts({str(key): value for key, value in tree.items() if key not in ("hydra", "tuned")})
    )
