"""The input ranges that networks are trained on, by the names of `arch.input`. No torch."""

from __future__ import annotations

# Red, green, blue, as shares of 255: the constants of torchvision's and timm's releases.
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Blue, green, red, of 255: `mean_value` of BVLC Caffe's bvlc_googlenet/train_val.prototxt. The port of BN-Inception
# has 128 for red (papers.yaml).
CAFFE_MEAN = (104.0, 117.0, 123.0)

DESCRIBED = {
    "inception": "to [-1, 1]: mean 0.5 and deviation 0.5 of each channel, red first, values from 0 to 1",
    "imagenet": f"mean {IMAGENET_MEAN} and deviation {IMAGENET_DEVIATION}, red first, values from 0 to 1",
    "caffe": f"mean {CAFFE_MEAN} subtracted, blue first, values from 0 to 255",
}


def describe_input(name: str, pixels: int) -> str:
    """Such as "299x299 pixels, arch.input=inception, to [-1, 1]: ..."."""
    return f"{pixels}x{pixels} pixels, arch.input={name}, {DESCRIBED[name]}"
