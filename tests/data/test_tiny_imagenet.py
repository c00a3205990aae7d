"""Tiny ImageNet: the same images by its own name and as an image folder; a scale without a screen of warnings."""

from __future__ import annotations

import pytest
from support.image_folders import fill, settings
from support.tiny_imagenet import WNIDS, write_tiny_imagenet

from inceptionctl.cli import main
from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError


def source(root):
    return parse(compose("train", ["scale=tiny_imagenet", *([f"data.root={root}"] if root else [])])).data


def test_an_image_folder_reads_it_too(tmp_path):
    root = write_tiny_imagenet(tmp_path, 2, 1)
    own, folder = source(root).index(dev=False), settings(root).index(dev=False)
    assert own.classes == WNIDS
    assert (own.fingerprint, own.eval_fingerprint, own.provenance) == (
        folder.fingerprint,
        folder.eval_fingerprint,
        folder.provenance,
    )


@pytest.mark.parametrize("arch", ["inception_v2", "inception_v3", "inception_v4", "inception_resnet_v2"])
def test_its_scale_warns_of_no_kernel(arch, tmp_path, capsys):
    root = write_tiny_imagenet(tmp_path, 44, 1)  # 132 images: 4 do not fill the batch of 128
    assert main(["train", "scale=tiny_imagenet", f"data.root={root}", f"arch={arch}", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "64x64 pixels" in said
    assert "warning" not in said


def test_what_is_refused(tmp_path):
    with pytest.raises(RequestError, match=r"data=tiny_imagenet needs data.root=DIR"):
        source(None).index(dev=False)
    with pytest.raises(RequestError, match="/nowhere is not a folder"):
        source("/nowhere").index(dev=False)
    fill(tmp_path / "train"), fill(tmp_path / "val")
    with pytest.raises(RequestError, match=r"no train/ with val/val_annotations.txt.*\n.*data=imagefolder"):
        source(tmp_path).index(dev=False)
