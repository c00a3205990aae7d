"""BN-Inception, the network of "Batch Normalization" (Ioffe and Szegedy 2015), appendix, Figure 5.

Every 5x5 of GoogLeNet is two 3x3, and 3c and 4e reduce the grid themselves. The printed projections of 4c and 4d (128)
do not add up to the printed width of 576: TF-slim takes 96, the Caffe and PyTorch port 128 (architectures.md 2.1).
"""

from dataclasses import replace
from typing import Literal

from inceptionctl.models.zoo import heads
from inceptionctl.models.zoo.architecture import Architecture
from inceptionctl.models.spec.nodes import (
    Cat, Conv, Dropout, Linear, Pool, Sep, Seq, average_pool, conv, global_pool, halve,
)

YEAR = 2015

STEM = Seq.of(                                        # 224x224x3
    conv_1a=Sep(64, (7, 7), 2, multiplier=8, init=1.0),  # 112x112x64
    pool_1=halve("ceil"),                             # 56x56x64
    conv_2b=conv(64, 1),                              # 56x56x64
    conv_2c=conv(192, 3),                             # 56x56x192
    pool_2=halve("ceil"),                             # 28x28x192
)


def reduce(filters: int) -> Conv:
    return replace(conv(filters), init=0.09)          # the deviations of TF-slim's inception_v2


def project(filters: int) -> Conv:
    return replace(conv(filters), init=0.1)


def module(a: int, b: int, c: int, d: int, e: int, kind: Literal["avg", "max"], f: int) -> Cat:
    pool = average_pool(count_padding=False) if kind == "avg" else Pool("max")
    return Cat.of(
        branch1x1=conv(a),
        branch3x3=reduce(b) >> conv(c, 3),
        branch3x3dbl=reduce(d) >> conv(e, 3) >> conv(e, 3),
        branch_pool=pool >> project(f),
    )


def reduction(b: int, c: int, d: int, e: int) -> Cat:
    return Cat.of(
        branch3x3=reduce(b) >> conv(c, 3, 2),
        branch3x3dbl=reduce(d) >> conv(e, 3) >> conv(e, 3, 2),
        branch_pool=halve("tensorflow"),              # beside strided convolutions, whatever the grid
    )


def bn_inception(classes: int = 1000, projection: int = 96) -> Seq:
    """96-wide projections in 4c and 4d: 11,188,288 parameters and 1,934,857,216 multiply-adds."""
    return Seq.of(
        stem=STEM,                                                # 28x28x192
        inception_3a=module(64, 64, 64, 64, 96, "avg", 32),       # 28x28x256
        inception_3b=module(64, 64, 96, 64, 96, "avg", 64),       # 28x28x320
        inception_3c=reduction(128, 160, 64, 96),                 # 14x14x576
        inception_4a=module(224, 64, 96, 96, 128, "avg", 128),    # 14x14x576
        inception_4b=module(192, 96, 128, 96, 128, "avg", 128),   # 14x14x576
        inception_4c=module(160, 128, 160, 128, 160, "avg", projection),  # 14x14x576
        inception_4d=module(96, 128, 192, 160, 192, "avg", projection),   # 14x14x576
        inception_4e=reduction(128, 192, 192, 256),               # 7x7x1024
        inception_5a=module(352, 192, 320, 160, 224, "avg", 128),  # 7x7x1024
        inception_5b=module(352, 192, 320, 192, 224, "max", 128),  # 7x7x1024
        pool=global_pool(7),                                      # 1x1x1024
        dropout=Dropout(0.2),                                     # TF-slim's; the paper removes it in BN-x5 and BN-x30
        logits=Linear(classes),
    )


def bn_inception_128(classes: int = 1000) -> Seq:
    """The table as printed, 608, 608 and 1056 channels after 4c, 4d and 4e: 11,278,528 parameters."""
    return bn_inception(classes, projection=128)


BLOCKS = (
    ("inception_3a", "inception_3b"),
    ("inception_4a", "inception_4b", "inception_4c", "inception_4d"),
    ("inception_5a", "inception_5b"),
)

NETWORKS = {
    "bn_inception": Architecture(
        spec=bn_inception, pixels=224, blocks=BLOCKS, aux_head=heads.bn_inception,
        about="Batch Normalization, Figure 5, with the 96-wide projections that its widths need; initialisation not "
        "stated, that of TF-slim's inception_v2, which is this network",
        cell="bn.f4.bn-inception_single_crop", size="bn.base",
        differs="13.6 million is met by one auxiliary head on 14x14x576 (ablation=[bn_inception_auxiliary]; a reading)",
    ),
    "bn_inception_128": Architecture(
        spec=bn_inception_128, pixels=224, blocks=BLOCKS, aux_head=heads.bn_inception,
        about="the same with the printed 128-wide projections in 4c and 4d (the Caffe and PyTorch port)",
        cell="bn.f4.bn-inception_single_crop", size="bn.base",
        differs="with one auxiliary head the 96-wide network comes to 13.60 million, this one to 13.70",
    ),
}
