"""The names of a network's tensors at timm and torchvision, and ours for each. No torch.

They are stored by modules, ours and theirs, in `names/`; `libraries.py` finds them anew from the libraries' models, and
the oracle tests prove them by equal outputs.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from inceptionctl.models.spec.tensors import Shape, tensors
from inceptionctl.models.zoo.registry import architecture, network

NAMES = Path(__file__).parent / "names"


@cache
def name_map(arch: str, library: str) -> dict[str, str]:
    """{theirs: ours} for every tensor of `arch`, auxiliary heads included."""
    modules = dict(line.split() for line in names_file(arch, library).read_text().splitlines())
    names = dict[str, str]()
    for key in full_shapes(arch):
        module, _, kind = key.rpartition(".")
        if module in modules:
            names[f"{modules[module]}.{kind}"] = key
    return names


@cache
def full_shapes(arch: str) -> dict[str, Shape]:
    """Our names and shapes of the whole network: its paper's input, 1000 classes, auxiliary heads included."""
    pixels = architecture(arch).pixels
    return tensors(network(arch), (pixels, pixels))


def names_file(arch: str, library: str) -> Path:
    """The file with both names of each module: one for both libraries where their names are equal."""
    own = NAMES / f"{arch}.{library}.txt"
    return own if own.is_file() else NAMES / f"{arch}.txt"


def head_of(key: str) -> str:
    """The auxiliary head that one of our names belongs to, or ""."""
    stage = key.split(".")[0]
    return stage if stage == "aux" or stage.startswith("aux_") else ""


def kind_of(key: str) -> str:
    """`weight`, `bias`, `running_mean`, ..."""
    return key.rpartition(".")[2]
