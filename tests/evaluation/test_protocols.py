"""Evaluation protocols: their pixels against torchvision and timm, refusals, what training is monitored with."""

from __future__ import annotations

import pickle
from dataclasses import asdict
from functools import cache

import numpy as np
import pytest
from PIL import Image
from support.shared_data import shared_data
from torchvision import transforms

from inceptionctl.config.compose import compose, groups
from inceptionctl.config.validate import parse
from inceptionctl.data.decode import decode
from inceptionctl.errors import DataError, RequestError
from inceptionctl.evaluation.protocols import PROTOCOLS

SIZES = [(500, 375), (375, 500), (301, 301), (1000, 333), (257, 799), (17, 23), (40, 9), (1, 1), (256, 256), (299, 342)]
RANDOM = np.random.default_rng(0)
UNIFORM = [name for name in PROTOCOLS if name != "dense"]  # tests/evaluation/test_dense.py


@cache
def protocol(*overrides):
    return parse(compose("train", list(overrides))).protocol


def noise(size):
    """Of one value a channel at the least, so that every pixel that is off by one shows."""
    width, height = size
    return Image.fromarray(np.random.default_rng(size).integers(0, 256, (height, width, 3), dtype=np.uint8))


def views(settings, image, pixels):
    return settings.transform(pixels)(image, RANDOM)


def photographs():
    """Six, portrait ones among them."""
    return [decode(path) for path in sorted(shared_data("imagenet_sample").rglob("*.JPEG"))[::40]]


def resize_and_centre(side, pixels, method=transforms.InterpolationMode.BILINEAR):
    return transforms.Compose([transforms.Resize(side, method), transforms.CenterCrop(pixels)])


def timm_pixels(image, pixels, crop_pct, interpolation):
    """timm's own evaluation transform, before its values are normalised."""
    from timm.data import create_transform

    transform = create_transform(
        (3, pixels, pixels), is_training=False, use_prefetcher=True, interpolation=interpolation, crop_pct=crop_pct
    )
    return np.asarray(transform(image)).transpose(1, 2, 0)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("pixels", "side"), [(299, 342), (224, 256)])
def test_torchvision_is_torchvision_s_resize_and_centre_crop(size, pixels, side):
    image = noise(size)
    expected = np.asarray(resize_and_centre(side, pixels)(image))
    assert np.array_equal(views(protocol("protocol=torchvision"), image, pixels), expected)


@pytest.mark.parametrize("network", ["inception_v3", "googlenet", "resnet50", "vgg16"])
def test_torchvision_scales_as_torchvision_evaluates_its_own_networks(network):
    from torchvision.models import get_model_weights

    theirs = get_model_weights(network)["IMAGENET1K_V1"].transforms()
    ours = protocol("protocol=torchvision").with_sizes(theirs.crop_size[0])
    assert [ours.resize] == theirs.resize_size
    assert ours.interpolation == theirs.interpolation.value


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize(("pixels", "share"), [(299, 0.875), (299, 0.8975), (224, 0.875), (224, 1.0)])
def test_timm_is_timm_s_evaluation_transform(size, interpolation, pixels, share):
    image = noise(size)
    settings = protocol("protocol=timm", f"protocol.crop_pct={share}", f"protocol.interpolation={interpolation}")
    assert np.array_equal(views(settings, image, pixels), timm_pixels(image, pixels, share, interpolation))


@pytest.mark.parametrize("model", ["inception_v3.tf_in1k", "inception_v3.tv_in1k", "inception_v4.tf_in1k"])
def test_timm_has_the_values_that_timm_has_for_the_family(model):
    import timm

    theirs, ours = timm.get_pretrained_cfg(model), protocol("protocol=timm")
    assert (ours.interpolation, ours.crop_pct) == (theirs.interpolation, theirs.crop_pct)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("pixels", [299, 224, 79])
def test_crops10_are_torchvision_s_ten_crops(size, pixels):
    """Theirs are the five of the image, then the five of its mirror image: our mirrored crops in another order. Half a
    pixel beside the centre falls to the other side in their mirror image, so where the width leaves one their mirrored
    centre is one pixel beside ours."""
    image, settings = noise(size), protocol("protocol=crops10")
    resized = transforms.Resize(*settings.sides(pixels))(image)
    theirs = [np.asarray(crop) for crop in transforms.TenCrop(pixels)(resized)]
    ours = views(settings, image, pixels)
    mirrored = ours[:, :, ::-1]
    assert np.array_equal(ours, theirs[:5])
    assert np.array_equal(mirrored[[1, 0, 3, 2]], theirs[5:9])
    if (resized.width - pixels) % 2 == 0:
        assert np.array_equal(mirrored[4], theirs[9])


@pytest.mark.parametrize("pixels", [224, 299])
def test_protocols_have_the_libraries_pixels_on_photographs(pixels):
    ours = [protocol("protocol=torchvision"), protocol("protocol=timm"), protocol("protocol=crops10")]
    for image in photographs():
        resized = transforms.Resize(*ours[2].sides(pixels))(image)
        assert np.array_equal(views(ours[0], image, pixels), transforms.CenterCrop(pixels)(resized))
        assert np.array_equal(views(ours[1], image, pixels), timm_pixels(image, pixels, 0.875, "bicubic"))
        assert np.array_equal(views(ours[2], image, pixels), transforms.FiveCrop(pixels)(resized))


@pytest.mark.parametrize("name", [*UNIFORM, "whole"])
@pytest.mark.parametrize("pixels", [79, 224, 299])
def test_every_protocol_has_as_many_views_as_it_says(name, pixels):
    settings = protocol(f"protocol={name}")
    found = views(settings, noise((90, 60)), pixels)
    assert found.dtype == np.uint8
    assert found.shape == ((settings.num_crops,) if settings.num_crops > 1 else ()) + (pixels, pixels, 3)
    assert settings.num_views == settings.num_crops * (1 + settings.mirrored)
    assert (settings.averaging is None) == (settings.num_views == 1)


def test_names_say_how_many_views_there_are():
    numbers = {name: protocol(f"protocol={name}").num_views for name in PROTOCOLS}
    several = {"flip": 2, "crops10": 10, "crops12": 12, "crops144": 144, "dense": 10}
    assert numbers == {name: several.get(name, 1) for name in PROTOCOLS}
    for reading in ("centre_square", "squeezed", "scales_and_squares"):
        assert protocol("protocol=crops12", f"protocol.reading={reading}").num_views == 12


def test_every_option_is_of_its_name_and_every_class_has_one():
    options = groups("train")["protocol"]
    assert {protocol(f"protocol={option}").name for option in options} == PROTOCOLS.keys() <= set(options)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_single_has_the_pixels_that_it_always_had(size):
    """Written out: the bits of evaluations made before there were other protocols."""
    image, side = noise(size), 0.875 * min(size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    expected = image.resize((299, 299), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    assert np.array_equal(views(protocol("protocol=single"), image, 299), np.asarray(expected))


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("size", [(90, 60), (60, 90), (64, 64)], ids=str)
def test_training_is_monitored_with_one_view(name, size):
    settings, image = protocol(f"protocol={name}"), noise(size)
    monitored = settings.monitor_transform(79)(image, RANDOM)
    one = settings if settings.num_views == 1 else protocol("protocol=single")
    assert np.array_equal(monitored, views(one, image, 79))


@pytest.mark.parametrize("name", UNIFORM)
def test_transforms_reach_the_processes_that_read_images(name):
    settings, image = protocol(f"protocol={name}"), noise((90, 60))
    for transform in (settings.transform(79), settings.monitor_transform(79)):
        assert np.array_equal(pickle.loads(pickle.dumps(transform))(image, RANDOM), transform(image, RANDOM))


@pytest.mark.parametrize("name", UNIFORM)
def test_with_sizes_states_what_null_and_names_stand_for(name):
    settings, image = protocol(f"protocol={name}"), noise((90, 60))
    stated = settings.with_sizes(299)
    assert None not in asdict(stated).values()
    assert stated.with_sizes(299) == stated
    assert stated.crops((90, 60), 299) == settings.crops((90, 60), 299)
    assert np.array_equal(views(stated, image, 299), views(settings, image, 299))


def test_each_size_is_resized_to_once(monkeypatch):
    """Of the 72 crops at 224: four sizes, and the whole of three squares at each; at 256, none is cut by a resize."""
    calls = []
    resize = Image.Image.resize
    monkeypatch.setattr(Image.Image, "resize", lambda *args, **more: calls.append(args) or resize(*args, **more))
    views(protocol("protocol=crops144"), noise((100, 80)), 224)
    assert len(calls) == 4 + 4 * 3
    calls.clear()
    views(protocol("protocol=crops144"), noise((80, 80)), 224)  # its three squares coincide
    assert len(calls) == 4 + 4
    calls.clear()
    views(protocol("protocol=crops10"), noise((256, 256)), 224)
    assert calls == []


def test_an_image_so_narrow_that_it_would_grow_without_bounds_cannot_be_read():
    with pytest.raises(DataError, match=r"1 x 20000 would be resized to 342 x 6840000"):
        views(protocol("protocol=torchvision"), Image.new("RGB", (1, 20_000)), 299)


REFUSED = [
    (["protocol=torchvision", "protocol.resize=298"], r"protocol.resize = 298 .*at least 299"),
    (["protocol=squeezed", "protocol.resize=298"], r"protocol.resize = 298 .*at least 299"),
    (["protocol=crops10", "protocol.resize=298"], r"protocol.resize = 298 .*at least 299"),
    (["protocol=timm", "protocol.crop_pct=0.001"], r"protocol.crop_pct = 0.001 .*299,000 pixels.* at most 8,192"),
    (["protocol=crops144", "protocol.scales=[320,352,384,200]"], r"protocol.scales = .*to 200 pixels.*at least 299"),
    (["protocol=crops144", "protocol.scales=[320,352]"], r"protocol=crops144 takes 4 scales"),
    (["protocol=crops144", "protocol.scales=[]"], r"protocol=crops144 takes 4 scales"),
    (["protocol=crops144", "protocol.scales=320"], r"scaled or public_script, or a list"),
    (["protocol=crops144", "protocol.scales=[320,352,384,a]"], r"scaled or public_script, or a list"),
    (["protocol=crops144", "protocol.scales=[320,352,384,9000]"], r"from 1 to 8,192"),
    (["protocol=crops12", "protocol.scales=[320,352]"], r"protocol.reading=centre_square takes 1 scale$"),
    (
        ["protocol=crops12", "protocol.reading=scales_and_squares", "protocol.scales=[320]"],
        r"protocol.reading=scales_and_squares takes 4 scales",
    ),
    (["protocol=crops10", "protocol.averaging=null"], r"'softmax', 'logits' or 'maximum'"),
    (["protocol=single", "protocol.averaging=softmax"], r"protocol.averaging is a setting of protocol=flip"),
]


@pytest.mark.parametrize(("overrides", "message"), REFUSED, ids=[" ".join(case[0]) for case in REFUSED])
def test_what_cannot_be_is_refused_before_an_image_is_seen(overrides, message):
    with pytest.raises(RequestError, match=message):
        protocol(*overrides).check(299)


def test_the_public_script_has_sizes_for_its_own_inputs_alone():
    settings = protocol("protocol=crops144", "protocol.scales=public_script")
    assert settings.with_sizes(299).scales == [320, 352, 384, 416]
    assert settings.with_sizes(235).scales == [270, 300, 330, 360]
    assert settings.with_sizes(224).scales == protocol("protocol=crops144").with_sizes(224).scales
    assert protocol("protocol=crops12", "protocol.scales=public_script").with_sizes(299).scales == [320]
    with pytest.raises(RequestError, match="no sizes for an input of 79 pixels, only for 224, 235, 299, 320"):
        settings.check(79)


def test_scaled_sizes_are_those_of_the_reference():
    assert protocol("protocol=crops144").with_sizes(299).scales == [342, 384, 427, 470]
    assert protocol("protocol=crops144").with_sizes(224).scales == [256, 288, 320, 352]
