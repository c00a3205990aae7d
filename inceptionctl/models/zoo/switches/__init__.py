"""The papers' structural claims as switches, the settings `arch.rewrites.NAME`.

A switch is one function under the decorator `switch`; they are applied in the order in which their files are imported
here. Its name is that of the setting, the type of its second parameter that of the value (never None or False), its
docstring the setting's help. One that leaves a network as it is, is refused, but for those that come with a scale for
every network: SIZES.
"""

# ruff: noqa: F401, I001  the order counts
from inceptionctl.models.zoo.switches import stem, modules, layers, residual, separable, pools, size
from inceptionctl.models.zoo.switches.apply import apply
from inceptionctl.models.zoo.switches.size import SIZES, double_width
from inceptionctl.models.zoo.switches.switch import SWITCHES, Switch

__all__ = ["SIZES", "SWITCHES", "Switch", "apply", "double_width"]
