"""The formats by name. A new one is a file in `formats/` with a `FORMAT`, and a line here. No torch."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from inceptionctl.errors import RequestError

if TYPE_CHECKING:
    from inceptionctl.export.format import Format


class Offer(NamedTuple):
    """`about`: for people; `packages`: of the extra `export` that the format needs."""

    about: str
    packages: tuple[str, ...] = ()


ONNX = ("onnx", "onnxscript", "onnxruntime")
FORMATS = {
    "onnx": Offer("ONNX, batch norm folded and sibling 1x1 convolutions merged; run by onnxruntime", ONNX),
    "safetensors": Offer("our own names, with all that builds the network again"),
    "timm": Offer("a folder that timm.create_model('local-dir:FOLDER') opens and `hf upload` sends"),
    "torchvision": Offer("torchvision's names"),
    "torch": Offer("a program of torch.export, which needs none of our code"),
}


def check_packages(name: str) -> None:
    """Raises RequestError for packages of the format that are not installed."""
    if missing := [package for package in FORMATS[name].packages if find_spec(package) is None]:
        are = "is" if len(missing) == 1 else "are"
        raise RequestError(
            f"format = {name} needs {' and '.join(missing)}, which {are} not installed\n"
            "  pip install 'inceptionctl[export]'"
        )


def format_of(name: str) -> Format:
    """Imports torch, and the packages of the format."""
    found: Format = import_module(f"inceptionctl.export.formats.{name}").FORMAT
    return found
