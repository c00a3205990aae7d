"""Inception-v4 and the Inception-ResNets (Szegedy et al. 2017), figures by the numbers of the arXiv version.

Inception-v4 is as released (TF-slim, timm), which is the paper but for the order of the asymmetric layers in the long
branches (architectures.md 5.1). The released Inception-ResNet-v2 is not the network of the figures: both are here.
Average pools leave their padding out, as TF-slim and timm do. The auxiliary heads are TF-slim's; the paper has none.
"""

from inceptionctl.models.zoo import heads
from inceptionctl.models.zoo.architecture import Architecture
from inceptionctl.models.zoo.inception_v3 import STEM_3X3
from inceptionctl.models.spec.nodes import (
    Cat, Dropout, Linear, Node, Res, Seq, Endpoint,
    average_pool, conv, global_pool, halve, linear_conv, numbered,
)

YEAR = 2016
ROW, COLUMN = (1, 7), (7, 1)
SCALES = (0.17, 0.10, 0.20)  # of the residuals on each grid, as released; the paper says 0.1 to 0.3


def pooled(filters: int) -> Seq:
    return average_pool(count_padding=False) >> conv(filters)


STEM = Seq.of(                                        # Figure 3: 299x299x3
    conv_1a=conv(32, 3, 2, "valid"),                  # 149x149x32
    conv_2a=conv(32, 3, 1, "valid"),                  # 147x147x32
    conv_2b=conv(64, 3),                              # 147x147x64
    mixed_3a=Cat.of(pool=halve(), conv=conv(96, 3, 2, "valid")),  # 73x73x160
    mixed_4a=Cat.of(                                  # 71x71x192
        branch3x3=conv(64) >> conv(96, 3, 1, "valid"),
        branch7x7=conv(64) >> conv(64, ROW) >> conv(64, COLUMN) >> conv(96, 3, 1, "valid"),
    ),
    mixed_5a=Cat.of(conv=conv(192, 3, 2, "valid"), pool=halve()),  # 35x35x384
)

STEM_RESNET_V1 = Seq.of(                              # Figure 14: 299x299x3
    conv_1a=conv(32, 3, 2, "valid"),                  # 149x149x32
    conv_2a=conv(32, 3, 1, "valid"),                  # 147x147x32
    conv_2b=conv(64, 3),                              # 147x147x64
    pool_1=halve(),                                   # 73x73x64
    conv_3b=conv(80, 1),                              # 73x73x80
    conv_4a=conv(192, 3, 1, "valid"),                 # 71x71x192
    conv_4b=conv(256, 3, 2, "valid"),                 # 35x35x256
)


def inception_a() -> Cat:                             # Figure 4
    return Cat.of(
        branch1x1=conv(96),
        branch3x3=conv(64) >> conv(96, 3),
        branch3x3dbl=conv(64) >> conv(96, 3) >> conv(96, 3),
        branch_pool=pooled(96),
    )


def inception_b() -> Cat:                             # Figure 5
    return Cat.of(
        branch1x1=conv(384),
        branch7x7=conv(192) >> conv(224, ROW) >> conv(256, COLUMN),
        branch7x7dbl=conv(192) >> conv(192, COLUMN) >> conv(224, ROW) >> conv(224, COLUMN) >> conv(256, ROW),
        branch_pool=pooled(128),
    )


def inception_c() -> Cat:                             # Figure 6
    fork = Cat.of(row=conv(256, (1, 3)), column=conv(256, (3, 1)))
    return Cat.of(
        branch1x1=conv(256),
        branch3x3=conv(384) >> fork,
        branch3x3dbl=conv(384) >> conv(448, (3, 1)) >> conv(512, (1, 3)) >> fork,
        branch_pool=pooled(256),
    )


def reduction_a(k: int, l: int, m: int, n: int) -> Cat:  # noqa: E741  Figure 7, filters by the names of Table 1
    return Cat.of(
        branch3x3=conv(n, 3, 2, "valid"),
        branch3x3dbl=conv(k) >> conv(l, 3) >> conv(m, 3, 2, "valid"),
        branch_pool=halve(),
    )


def reduction_b() -> Cat:                             # Figure 8
    return Cat.of(
        branch3x3=conv(192) >> conv(192, 3, 2, "valid"),
        branch7x7x3=conv(256) >> conv(256, ROW) >> conv(320, COLUMN) >> conv(320, 3, 2, "valid"),
        branch_pool=halve(),
    )


def reduction_resnet(b: int, c: int, d: int) -> Cat:  # Figures 12 and 18
    return Cat.of(
        branch3x3_1=conv(256) >> conv(384, 3, 2, "valid"),
        branch3x3_2=conv(256) >> conv(b, 3, 2, "valid"),
        branch3x3dbl=conv(256) >> conv(c, 3) >> conv(d, 3, 2, "valid"),
        branch_pool=halve(),
    )


def residual(filters: int, scale: float, *, relu: bool = True, **branches: Node) -> Res:
    """Branches, a linear 1x1 back to the width of the input, and the sum (Figure 20)."""
    return Res((("branches", Cat.of(**branches)), ("linear", linear_conv(filters))), scale, relu)


def block_a(filters: int, scale: float = SCALES[0], middle: int = 32, last: int = 32) -> Res:  # Figures 10 and 16
    return residual(
        filters, scale,
        branch1x1=conv(32),
        branch3x3=conv(32) >> conv(32, 3),
        branch3x3dbl=conv(32) >> conv(middle, 3) >> conv(last, 3),
    )


def block_b(filters: int, a: int, b: int, c: int, scale: float = SCALES[1]) -> Res:  # Figures 11 and 17
    return residual(filters, scale, branch1x1=conv(a), branch7x7=conv(128) >> conv(b, ROW) >> conv(c, COLUMN))


def block_c(filters: int, b: int, c: int, scale: float = SCALES[2], *, relu: bool = True) -> Res:  # Figures 13 and 19
    branch3x3 = conv(192) >> conv(b, (1, 3)) >> conv(c, (3, 1))
    return residual(filters, scale, relu=relu, branch1x1=conv(192), branch3x3=branch3x3)


def classifier(classes: int) -> dict[str, Node]:
    return {"pool": global_pool(8), "dropout": Dropout(0.2), "logits": Linear(classes)}


def inception_v4(classes: int = 1000) -> Seq:
    """Figure 9: 42,679,816 parameters and 12,253,974,624 multiply-adds without the auxiliary head."""
    return Seq.of(
        stem=STEM,                                                   # 35x35x384
        **numbered("inception_a", 4 * [inception_a()]),              # 35x35x384
        reduction_a=reduction_a(192, 224, 256, 384),                 # 17x17x1024
        **numbered("inception_b", 7 * [inception_b()]),              # 17x17x1024
        aux=Endpoint(heads.inception_v4(classes)),
        reduction_b=reduction_b(),                                   # 8x8x1536
        **numbered("inception_c", 3 * [inception_c()]),              # 8x8x1536
        **classifier(classes),
    )


def inception_resnet_v1(classes: int = 1000) -> Seq:
    """Figures 10 to 15, which only the paper defines: 22,756,328 parameters and 6,206,361,696 multiply-adds."""
    return Seq.of(
        stem=STEM_RESNET_V1,                                         # 35x35x256
        **numbered("block_a", 5 * [block_a(256)]),                   # 35x35x256
        reduction_a=reduction_a(192, 192, 256, 384),                 # 17x17x896
        **numbered("block_b", 10 * [block_b(896, 128, 128, 128)]),   # 17x17x896
        reduction_b=reduction_resnet(256, 256, 256),                 # 8x8x1792
        **numbered("block_c", 5 * [block_c(1792, 192, 192)]),        # 8x8x1792
        **classifier(classes),
    )


def inception_resnet_v2(classes: int = 1000) -> Seq:
    """As released (TF-slim, Keras, timm), 10/20/10 blocks on 320/1088/2080 channels behind the stem of Inception-v3:
    55,843,464 parameters and 13,155,794,016 multiply-adds without the auxiliary head."""
    return Seq.of(
        stem=STEM_3X3,                                               # 35x35x192
        mixed_5b=Cat.of(                                             # 35x35x320
            branch1x1=conv(96),
            branch5x5=conv(48) >> conv(64, 5),
            branch3x3dbl=conv(64) >> conv(96, 3) >> conv(96, 3),
            branch_pool=pooled(64),
        ),
        **numbered("block_a", 10 * [block_a(320, middle=48, last=64)]),  # 35x35x320
        reduction_a=reduction_a(256, 256, 384, 384),                 # 17x17x1088
        **numbered("block_b", 20 * [block_b(1088, 192, 160, 192)]),  # 17x17x1088
        aux=Endpoint(heads.inception_v4(classes)),
        reduction_b=reduction_resnet(288, 288, 320),                 # 8x8x2080
        **numbered("block_c", 9 * [block_c(2080, 224, 256)]),        # 8x8x2080
        block_c_last=block_c(2080, 224, 256, 1.0, relu=False),       # 8x8x2080
        conv_7b=conv(1536),                                          # 8x8x1536
        **classifier(classes),
    )


def inception_resnet_v2_paper(classes: int = 1000) -> Seq:
    """By the figures, 5/10/5 blocks on 384/1152/2144 channels behind the stem of Inception-v4 (the printed 1154 and
    2048 do not fit their inputs): 32,433,928 parameters and 9,257,953,632 multiply-adds."""
    return Seq.of(
        stem=STEM,                                                   # 35x35x384
        **numbered("block_a", 5 * [block_a(384, middle=48, last=64)]),  # 35x35x384
        reduction_a=reduction_a(256, 256, 384, 384),                 # 17x17x1152
        **numbered("block_b", 10 * [block_b(1152, 192, 160, 192)]),  # 17x17x1152
        reduction_b=reduction_resnet(288, 288, 320),                 # 8x8x2144
        **numbered("block_c", 5 * [block_c(2144, 224, 256)]),        # 8x8x2144
        **classifier(classes),
    )


def _named(kind: str, *counts: int) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(f"{kind}_{grid}{i + 1}" for i in range(n)) for grid, n in zip("abc", counts, strict=True))


NETWORKS = {
    "inception_v4": Architecture(
        spec=inception_v4, blocks=_named("inception", 4, 7, 3), aux_head=heads.inception_v4,
        about="Inception-v4 Figure 9, as released; initialisation not stated, TF-slim's He as for Inception-v3",
        cell="inceptionv4.single.inception-v4",
    ),
    "inception_resnet_v1": Architecture(
        spec=inception_resnet_v1, blocks=_named("block", 5, 10, 5), aux_head=heads.inception_v4, has_plain_twin=True,
        about="Inception-ResNet-v1 by the figures; residual scales as released for v2; initialisation not stated, He",
        cell="inceptionv4.single.inception-resnet-v1",
    ),
    "inception_resnet_v2": Architecture(
        spec=inception_resnet_v2, blocks=_named("block", 10, 20, 9), aux_head=heads.inception_v4, has_plain_twin=True,
        about="Inception-ResNet-v2 as released: 10/20/10 blocks; initialisation not stated, TF-slim's He",
        cell="inceptionv4.single.inception-resnet-v2",
    ),
    "inception_resnet_v2_paper": Architecture(
        spec=inception_resnet_v2_paper, blocks=_named("block", 5, 10, 5), aux_head=heads.inception_v4,
        has_plain_twin=True,
        about="Inception-ResNet-v2 by the figures: 5/10/5 blocks; residual scales as released; initialisation not "
        "stated, He",
        cell="inceptionv4.single.inception-resnet-v2",
        differs="the paper says it costs as much as Inception-v4 (12.25 G): only the released 10/20/10 comes near",
    ),
}
