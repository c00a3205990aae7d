"""Files of weights that torchvision and timm made, evaluated by `eval`: each logit is that of the library's own model
behind the library's own preprocessing."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import torchvision.models as tv
from PIL import Image
from support.image_folders import smooth
from support.shared_data import shared_data

from inceptionctl.config.compose import composer_for
from inceptionctl.config.hydra_main import Request
from inceptionctl.evaluation.evaluate import logits_of
from inceptionctl.planning.evaluation.plan import plan_evaluation
from inceptionctl.scheduling.evaluation.folders import open_folder
from inceptionctl.worker.evaluation import EvaluationJob, assemble

SIZES = [(400, 300), (300, 451), (513, 512), (120, 90)]  # landscape, portrait, nearly square, small


def torchvision_googlenet():
    model = tv.googlenet(weights=None, aux_logits=False, init_weights=False, transform_input=True)
    return model, tv.GoogLeNet_Weights.IMAGENET1K_V1.transforms()


def torchvision_inception_v3():
    model = tv.inception_v3(weights=None, init_weights=False, transform_input=True)
    return model, tv.Inception_V3_Weights.IMAGENET1K_V1.transforms()


def timm_inception_v3():
    model = timm.create_model("inception_v3.tf_in1k", pretrained=False)
    config = timm.data.resolve_data_config(model.pretrained_cfg)
    return model, timm.data.create_transform(**config, is_training=False)


LIBRARIES = {
    "torchvision googlenet": (torchvision_googlenet, 224, ["arch=googlenet_bn", "protocol=torchvision"]),
    "torchvision inception_v3": (torchvision_inception_v3, 299, ["arch=inception_v3", "protocol=torchvision"]),
    "timm inception_v3": (timm_inception_v3, 299, ["arch=inception_v3", "protocol=timm"]),
}


def with_statistics(model: torch.nn.Module, pixels: int) -> torch.nn.Module:
    """Batch norm with the statistics of noise: with those that it begins with, signals vanish or grow without end."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model.train()(torch.randn(4, 3, pixels, pixels))
    return model.eval()


def images(folder: Path) -> list[Path]:
    """In a folder for a class of ImageNet: some of noise, and real ones where they are at hand."""
    (folder / "n01440764").mkdir(parents=True)
    for i, size in enumerate(SIZES):
        smooth(i, size).save(folder / "n01440764" / f"{i}.png")
    with suppress(pytest.skip.Exception):  # the images made here are enough, these are more like those of a user
        real = sorted(shared_data("imagenet_sample").rglob("*.JPEG"))[:4]
        for path in real:
            (folder / "n01440764" / f"real-{path.name}").symlink_to(path)
    return sorted((folder / "n01440764").iterdir())


def job_of(words: list[str], tmp_path: Path) -> EvaluationJob:
    others = ["data.workers=0", "launch.device=cpu", f"outputs={tmp_path}/outputs"]
    plan = plan_evaluation(Request.compose("eval", [*words, *others], composer_for(None)))
    job = assemble(open_folder(plan, 1, torch.get_num_threads()))
    assert isinstance(job, EvaluationJob)
    return job


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_logit_is_the_librarys(library, tmp_path):
    torch.manual_seed(0)
    make, pixels, words = LIBRARIES[library]
    model, transform = make()
    torch.save(with_statistics(model, pixels).state_dict(), tmp_path / "w.pth")
    files = images(tmp_path / "images")
    job = job_of([*words, f"weights={tmp_path}/w.pth", f"data.root={tmp_path}/images"], tmp_path)
    (batch,) = job.loader.evaluation(job.images, [range(len(files))])
    theirs = torch.stack([transform(Image.open(path).convert("RGB")) for path in files])
    with torch.no_grad():
        ours_NK = logits_of(job.networks[0], batch.views[0], mirrored=False, batch_size=100)[:, 0]
        theirs_NK = model(theirs)
    scale = float(theirs_NK.std(dim=1).mean())
    assert scale > 1e-3
    assert np.allclose(ours_NK.numpy() / scale, theirs_NK.numpy() / scale, rtol=0, atol=1e-4)
