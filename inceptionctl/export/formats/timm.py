"""A folder as timm and the Hugging Face Hub have it: config.json and the weights under timm's names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from inceptionctl.errors import RequestError
from inceptionctl.export.format import Format, Logits
from inceptionctl.export.metadata import metadata, write_json
from inceptionctl.export.trained import Trained
from inceptionctl.export.twin import check_twin, twin_of

LIBRARY, WEIGHTS, CONFIG = "timm", "model.safetensors", "config.json"
OF_THE_NETWORK = ("first_conv", "classifier")  # of timm's own settings; the others tell of weights that are not these


def _check(trained: Trained) -> None:
    check_twin(trained, LIBRARY)
    if trained.preprocessing.channels != "RGB":
        raise RequestError(
            f"format = timm: the input of this network is {trained.preprocessing.channels} (arch.input = "
            f"{trained.arch.input}), and timm's transforms give RGB\n"
            "  formats for this network: onnx, safetensors, torch, all with normalised images as their input"
        )


def _write(trained: Trained, folder: Path) -> None:
    twin = twin_of(trained, LIBRARY)
    state = {name: value.contiguous() for name, value in twin.state(trained).items()}
    save_file(state, folder / WEIGHTS, {"format": "pt"} | metadata(trained))
    write_json(folder / CONFIG, _config(trained, twin.entry.model, twin.model(trained)))


def _config(trained: Trained, architecture: str, model: nn.Module) -> dict[str, Any]:
    """As timm's own `save_for_hf` writes it."""
    how: dict[str, Any] = trained.preprocessing.as_json()
    own: Any = model.pretrained_cfg
    for key in ("channels", "value_range"):
        del how[key]  # those of every model of timm
    return {
        "architecture": architecture,
        "num_classes": trained.n_classes,
        "num_features": model.num_features,
        "label_names": list(trained.classes),
        "pretrained_cfg": {
            **how,
            **{key: own[key] for key in OF_THE_NETWORK if own.get(key)},
            "fixed_input_size": False,
            "num_classes": trained.n_classes,
        },
    }


def _open(trained: Trained, folder: Path) -> Logits:
    import timm

    model: nn.Module = timm.create_model(f"local-dir:{folder}", pretrained=True)
    return model.eval()


def _usage(trained: Trained) -> str:
    return """\
import timm

model = timm.create_model("local-dir:.", pretrained=True).eval()  # "hf-hub:USER/NAME" after `hf upload USER/NAME .`
transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))  # of a PIL image
with torch.no_grad():
    logits_NK = model(images_NCHW)
"""


FORMAT = Format(library=LIBRARY, check=_check, write=_write, open=_open, usage=_usage)
