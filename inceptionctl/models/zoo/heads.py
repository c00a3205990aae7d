"""The auxiliary heads of the family: pooling, a 1x1 convolution, a fully connected layer, a classifier.

`fc` is written as a convolution over the whole pooled map, so that it takes batch norm like any other (Rethinking,
Table 3, last row).
"""

from inceptionctl.models.spec.nodes import Conv, Dropout, Linear, Norm, Pool, Seq, conv
from inceptionctl.models.spec.rewrite import swap

POOL = Pool("avg", (5, 5), 3, "valid", shrink_to_map=True)


def googlenet(classes: int) -> Seq:
    """GoogLeNet, section 5, on 14x14x512 and 14x14x528."""
    return Seq.of(
        pool=POOL,  # 4x4
        conv=conv(128),  # 4x4x128
        fc=Conv(1024, (4, 4), padding="valid", norm=None, bias=True, global_=True),  # 1x1x1024
        dropout=Dropout(0.7),
        logits=Linear(classes),
    )


def googlenet_bn(classes: int) -> Seq:
    """The same on adaptive pooling, as torchvision has it."""
    return swap(googlenet(classes), pool=Pool("avg", grid=4))


def bn_inception(classes: int) -> Seq:
    """A reading: the paper describes none, but one of this kind on 14x14x576 gives its 13.6 million parameters."""
    return Seq.of(
        pool=POOL,  # 4x4
        conv=conv(128),  # 4x4x128
        fc=Conv(768, (4, 4), padding="valid", norm=None, bias=True, global_=True),  # 1x1x768
        logits=Linear(classes),
    )


def inception_v2(classes: int, norm: Norm = None) -> Seq:
    """Rethinking, Figure 8. Without its norm `fc` has no bias either, and keeps its ReLU (architectures.md 0.1)."""
    return Seq.of(  # 17x17x768
        pool=POOL,  # 5x5x768
        conv=conv(128),  # 5x5x128
        fc=Conv(768, (5, 5), padding="valid", norm=norm, global_=True, init=0.01),  # 1x1x768
        logits=Linear(classes, init=0.001),
    )


def inception_v3(classes: int) -> Seq:
    return inception_v2(classes, norm="full")


def inception_v4(classes: int) -> Seq:
    """TF-slim's, on the last 17x17 map."""
    return Seq.of(
        pool=POOL,  # 5x5
        conv=conv(128),  # 5x5x128
        fc=Conv(768, (5, 5), padding="valid", global_=True),  # 1x1x768
        logits=Linear(classes),
    )
