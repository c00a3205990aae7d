"""Normalisations against torchvision's transforms and plain NumPy."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2.functional import normalize

from inceptionctl.data.normalise import IMAGENET_DEVIATION, IMAGENET_MEAN, NORMALISATIONS

LAYOUTS = [torch.contiguous_format, torch.channels_last]


@pytest.fixture
def images_NCHW():
    """Every byte in every channel."""
    bytes_C = [np.random.default_rng(c).permutation(256).astype(np.uint8) for c in range(3)]
    return torch.from_numpy(np.stack(bytes_C).reshape(1, 3, 16, 16))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_inception_is_minus_one_to_one_bit_for_bit(images_NCHW, layout):
    found = NORMALISATIONS["inception"](images_NCHW, layout)
    assert torch.equal(found, images_NCHW.to(torch.float32).div_(127.5).sub_(1.0))
    assert (found.min(), found.max()) == (-1.0, 1.0)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_imagenet_is_torchvision_s(images_NCHW, layout):
    expected = normalize(images_NCHW.double() / 255, list(IMAGENET_MEAN), list(IMAGENET_DEVIATION))
    assert torch.allclose(NORMALISATIONS["imagenet"](images_NCHW, layout).double(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_caffe_is_blue_first_without_its_mean(images_NCHW, layout):
    rgb = images_NCHW.numpy().astype(np.float32)
    expected = np.stack([rgb[:, 2] - 104, rgb[:, 1] - 117, rgb[:, 0] - 123], axis=1)
    assert np.array_equal(NORMALISATIONS["caffe"](images_NCHW, layout).numpy(), expected)


@pytest.mark.parametrize("name", NORMALISATIONS)
def test_the_bytes_stay_and_the_layout_is_the_one_asked_for(images_NCHW, name):
    before = images_NCHW.clone()
    found = NORMALISATIONS[name](images_NCHW, torch.channels_last)
    assert found.dtype == torch.float32
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images_NCHW, before)
