"""Networks made fully convolutional, against the classifier at one position after the other; and the protocol."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.data.view_batches import ViewSample, collate_views, views_of
from inceptionctl.errors import RequestError
from inceptionctl.evaluation.dense import fully_convolutional
from inceptionctl.evaluation.evaluate import Method, Network, evaluate
from inceptionctl.models.torch.build import build
from inceptionctl.models.weights.maps import name_map
from inceptionctl.models.zoo.baselines import resnet
from inceptionctl.planning.checks import check_protocol
from inceptionctl.training.device import ToDevice

NARROW = ("scale=imagenet", "data.root=/data", "arch.width=0.125", "arch.pixels=224")


@cache
def config(*overrides):
    return parse(compose("train", [*NARROW, *overrides]))


@cache
def network(name, *overrides):
    """With ten classes and random weights."""
    torch.manual_seed(0)
    arch = config(f"arch={name}", *overrides).arch
    return build(arch.spec(10), (arch.pixels, arch.pixels)).eval()


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def head_by_head(model, x_NCHW, side):
    """Logits of the ordinary classifier on every window of `side` x `side` positions of the last map, averaged."""
    stages = dict(model.named_children())
    head = [stages.pop(name) for name in list(stages)[list(stages).index("pool") :]]
    for stage in stages.values():
        x_NCHW = stage(x_NCHW)
    h, w = x_NCHW.shape[2:]
    logits = []
    for y in range(h - side + 1):
        for x in range(w - side + 1):
            out = x_NCHW[:, :, y : y + side, x : x + side]
            for layer in head if side > 1 else head[1:]:
                out = layer(out)
            logits.append(out)
    return torch.stack(logits).mean(0)


@torch.no_grad()
@pytest.mark.parametrize("name", ["resnet50", "vgg16"])
def test_on_an_image_of_its_own_size_it_is_the_ordinary_network(name):
    model, images = network(name), noise(2, 3, 224, 224)
    expected = model(images).logits
    found = fully_convolutional(model).eval()(images).logits
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


@torch.no_grad()
@pytest.mark.parametrize(("name", "side"), [("resnet50", 1), ("vgg16", 7)])
@pytest.mark.parametrize("size", [(256, 341), (352, 288), (224, 299)])
def test_on_other_images_it_is_the_mean_of_the_classifier_at_every_position(name, side, size):
    model, images = network(name), noise(1, 3, *size)
    expected = head_by_head(model, images, side)
    found = fully_convolutional(model).eval()(images).logits
    assert (found - expected).abs().max() <= 1e-4 * expected.abs().max()


@torch.no_grad()
def test_resnet_on_other_images_is_torchvision_s_which_averages_maps_of_any_size():
    from torchvision.models.resnet import Bottleneck, ResNet

    torch.manual_seed(0)
    theirs, images = ResNet(Bottleneck, [1, 1, 1, 1], num_classes=10).eval(), noise(1, 3, 256, 341)
    ours = build(resnet(10, (1, 1, 1, 1)), (224, 224), bn_eps=1e-5).eval()
    names = name_map("resnet50", "torchvision")
    ours.load_state_dict({names[name]: value for name, value in theirs.state_dict().items()})
    expected = theirs(images)
    assert (fully_convolutional(ours).eval()(images).logits - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_it_shares_its_weights_and_leaves_the_network_as_it_was():
    model = network("vgg16")
    names, dense = [*model.state_dict()], fully_convolutional(model)
    assert [*model.state_dict()] == names
    own, shared = {id(p) for p in dense.parameters()}, {id(p) for p in model.parameters()}
    assert own == shared


@pytest.mark.parametrize("name", ["inception_v3", "googlenet", "nin"])
def test_other_heads_are_refused(name):
    with pytest.raises(RequestError, match="protocol=dense needs a network with a global average"):
        fully_convolutional(network(name))


def test_other_networks_and_inputs_are_refused_before_an_image_is_seen():
    dense = config("arch=resnet50", "protocol=dense").protocol
    for name in ("resnet50", "resnet101", "resnet152", "vgg16", "vgg19"):
        dense.check(224, name)
    dense.check(79, "resnet50")
    with pytest.raises(RequestError, match=r"is for resnet50, .*vgg19, not for inception_v3"):
        dense.check(299, "inception_v3")
    with pytest.raises(RequestError, match=r"last map of vgg16 to be 7 x 7.*224 to 255, not 299"):
        dense.check(299, "vgg16")
    with pytest.raises(RequestError, match="protocol=dense is for inceptionctl eval"):
        check_protocol(config("arch=resnet50", "protocol=dense"))


def test_scales_are_resnet_s_or_those_that_are_given():
    dense = config("arch=resnet50", "protocol=dense").protocol
    assert dense.with_sizes(224).scales == [224, 256, 384, 480, 640]
    assert (dense.num_views, dense.uniform) == (10, False)
    vgg = config("arch=vgg16", "protocol=dense", "protocol.scales=[256,384,512]").protocol
    assert (vgg.with_sizes(224).scales, vgg.num_views) == ([256, 384, 512], 6)


def test_views_are_the_whole_image_at_each_scale():
    dense = config("arch=vgg16", "protocol=dense", "protocol.scales=[240,256]").protocol
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8))
    views = [transform(image, np.random.default_rng(0)) for transform in dense.transforms(224)]
    expected = [np.asarray(image.resize(size, Image.Resampling.BILINEAR)) for size in ((320, 240), (341, 256))]
    assert all(map(np.array_equal, views, expected))
    assert [crop.box for crop in dense.crops((400, 300), 224)] == [(0, 0, 320, 240), (0, 0, 341, 256)]


@torch.no_grad()
def test_an_evaluation_averages_scales_and_mirror_images_of_images_of_any_shape():
    """Two images of other shapes, two scales: by the engine, and view by view."""
    dense = config("arch=resnet50", "protocol=dense", "protocol.scales=[224,256]").protocol
    model, random = fully_convolutional(network("resnet50")).eval(), np.random.default_rng(0)
    images = [Image.fromarray(random.integers(0, 256, (h, w, 3), dtype=np.uint8)) for h, w in ((60, 90), (80, 64))]
    transforms, to_cpu = dense.transforms(224), ToDevice(torch.device("cpu"))
    samples = [ViewSample(tuple(views_of(t(image, random)) for t in transforms), i) for i, image in enumerate(images)]
    method = Method(
        labels_NL=np.zeros((2, 1), np.int64), n_classes=10, batch_size=100, averaging="softmax", mirrored=True,
        num_views=dense.num_views, uniform=dense.uniform,
    )  # fmt: skip
    assert method.batches == [range(1), range(1, 2)]
    found = evaluate([Network(model, to_cpu, (0, 1))], [collate_views([one]) for one in samples], method)
    for i, sample in enumerate(samples):
        views = [view for (view,) in sample.views for view in (view, view[:, ::-1].copy())]
        floats = [to_cpu.floats(torch.from_numpy(view).permute(2, 0, 1)[None]) for view in views]
        p_K = torch.stack([model(one).logits[0].softmax(0) for one in floats]).mean(0)
        assert found.p_true_N[i] == pytest.approx(p_K[0].item(), rel=1e-5)
        assert found.confidence_N[i] == pytest.approx(p_K.max().item(), rel=1e-5)
