"""The names of a network's tensors at timm, torchvision and Caffe, and ours for each. No torch.

They are stored by modules, ours and theirs, in `names/`; `libraries.py` finds those of timm and torchvision anew from
their models, and the oracle tests prove them by equal outputs. Caffe's are those of BVLC's prototxt files.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from inceptionctl.models.spec.tensors import Shape, tensors
from inceptionctl.models.weights.releases import RELEASES
from inceptionctl.models.zoo.registry import architecture, network

NAMES = Path(__file__).parent / "names"
CAFFE = "caffe"  # publishes no release that can be downloaded by its name; `arch.input` is called the same


@cache
def name_map(arch: str, library: str) -> dict[str, str]:
    """{theirs: ours} for every tensor of `arch`, auxiliary heads included."""
    modules = dict(line.split() for line in names_file(arch, library).read_text(encoding="utf-8").splitlines())
    names = dict[str, str]()
    for key in full_shapes(arch):
        module, _, kind = key.rpartition(".")
        if module in modules:
            names[f"{modules[module]}.{kind}"] = key
    return names


@cache
def publishers(arch: str) -> list[str]:
    """Whose names of the tensors of `arch` are known."""
    caffe = [CAFFE] if (NAMES / f"{arch}.{CAFFE}.txt").is_file() else []
    return [*(entry.publisher for entry in RELEASES.get(arch, ())), *caffe]


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
