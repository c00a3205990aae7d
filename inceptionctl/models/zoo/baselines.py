"""The networks that the papers' tables cite, as torchvision and timm have them, and Network-in-Network.

They are specs like the rest: one builder, one cost, every scale and switch. The libraries are their oracles and the
source of their weights. Epsilons of batch norm are theirs: 1e-5, not the family's 1e-3.
"""

from inceptionctl.models.zoo.architecture import Architecture
from inceptionctl.models.spec.nodes import (
    Conv, Dropout, Linear, Node, Padding, Pool, Res, Sep, Seq, conv, global_pool, halve, linear_conv, numbered,
)


def plain(filters: int, kernel: int = 3, stride: int = 1, padding: Padding = "same") -> Conv:
    return Conv(filters, (kernel, kernel), stride, padding, norm=None, bias=True)


def fully_connected(classes: int) -> dict[str, Node]:
    return {"fc_1": Linear(4096, relu=True), "dropout_1": Dropout(0.5),
            "fc_2": Linear(4096, relu=True), "dropout_2": Dropout(0.5), "logits": Linear(classes)}


def alexnet(classes: int = 1000) -> Seq:
    """torchvision's, which has one column (64 to 256 filters) and no LRN: 61,100,840 parameters."""
    hidden = fully_connected(classes)                 # dropout stands before the hidden layers, not behind
    return Seq.of(
        stem=Seq.of(
            conv_1=plain(64, 11, 4, 2),               # 55x55x64
            pool_1=halve(),                           # 27x27x64
            conv_2=plain(192, 5),                     # 27x27x192
            pool_2=halve(),                           # 13x13x192
        ),
        conv_3=plain(384),                            # 13x13x384
        conv_4=plain(256),                            # 13x13x256
        conv_5=plain(256),                            # 13x13x256
        pool_5=halve(),                               # 6x6x256
        pool=Pool("avg", grid=6),                     # 6x6x256
        dropout_1=hidden["dropout_1"], fc_1=hidden["fc_1"],
        dropout_2=hidden["dropout_2"], fc_2=hidden["fc_2"],
        logits=hidden["logits"],
    )


def vgg(classes: int, repeats: tuple[int, ...]) -> Seq:
    stages: dict[str, Node] = {}
    for i, (filters, n) in enumerate(zip((64, 128, 256, 512, 512), repeats, strict=True), 1):
        stages |= numbered(f"conv_{i}_", n * [plain(filters)])
        stages[f"pool_{i}"] = Pool("max", (2, 2), 2, "valid")  # 112, 56, 28, 14, 7
    return Seq.of(**stages, pool=Pool("avg", grid=7), **fully_connected(classes))


def vgg16(classes: int = 1000) -> Seq:
    """Configuration D: 138,357,544 parameters."""
    return vgg(classes, (2, 2, 3, 3, 3))


def vgg19(classes: int = 1000) -> Seq:
    """Configuration E: 143,667,240 parameters."""
    return vgg(classes, (2, 2, 4, 4, 4))


def bottleneck(filters: int, stride: int, *, widens: bool) -> Res:
    """The stride is on the 3x3, as in both libraries; the original has it on the first 1x1 (architectures.md 9)."""
    steps: dict[str, Node] = {
        "conv_1": conv(filters), "conv_2": conv(filters, 3, stride), "conv_3": Conv(4 * filters, act=None),
    }
    return Res(tuple(steps.items()), shortcut=Conv(4 * filters, stride=stride, act=None) if widens else None)


def resnet(classes: int, depths: tuple[int, ...]) -> Seq:
    stages: dict[str, Node] = {}
    for i, (filters, n) in enumerate(zip((64, 128, 256, 512), depths, strict=True), 1):
        first = bottleneck(filters, 1 if i == 1 else 2, widens=True)
        stages |= numbered(f"layer_{i}_", [first, *(n - 1) * [bottleneck(filters, 1, widens=False)]])
    return Seq.of(
        stem=Seq.of(
            conv_1a=conv(64, 7, 2),                   # 112x112x64
            pool_1=halve("same"),                     # 56x56x64
        ),
        **stages,                                     # 56x56x256, 28x28x512, 14x14x1024, 7x7x2048
        pool=global_pool(7),                          # 1x1x2048
        logits=Linear(classes),
    )


def resnet50(classes: int = 1000) -> Seq:
    """25,557,032 parameters."""
    return resnet(classes, (3, 4, 6, 3))


def resnet101(classes: int = 1000) -> Seq:
    """44,549,160 parameters."""
    return resnet(classes, (3, 4, 23, 3))


def resnet152(classes: int = 1000) -> Seq:
    """60,192,808 parameters."""
    return resnet(classes, (3, 8, 36, 3))


def mobilenet_v1(classes: int = 1000) -> Seq:
    """timm's mobilenetv1_100: 4,231,976 parameters."""
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    return Seq.of(
        stem=Seq.of(conv_1a=Conv(32, (3, 3), 2, act="relu6")),  # 112x112x32
        **numbered("sep_", [
            Sep(filters, stride=stride, act="relu6", between="relu6", norm_between="full") for filters, stride in plan
        ]),                                           # 112, 56, 56, 28, 28, 14 (six), 7, 7
        pool=global_pool(7),                          # 1x1x1024
        logits=Linear(classes),
    )


def nin(classes: int = 1000) -> Seq:
    """The public Caffe model for ImageNet, by remembered widths; the paper has no ImageNet result. 7,595,176."""
    return Seq.of(
        stem=Seq.of(
            conv_1=plain(96, 11, 4, "valid"),         # 54x54x96
            cccp_1=plain(96, 1), cccp_2=plain(96, 1),
            pool_1=halve("ceil"),                     # 27x27x96
            conv_2=plain(256, 5),                     # 27x27x256
            cccp_3=plain(256, 1), cccp_4=plain(256, 1),
            pool_2=halve("ceil"),                     # 13x13x256
        ),
        conv_3=plain(384),                            # 13x13x384
        cccp_5=plain(384, 1), cccp_6=plain(384, 1),
        pool_3=halve("ceil"),                         # 6x6x384
        dropout=Dropout(0.5),
        conv_4=plain(1024),                           # 6x6x1024
        cccp_7=plain(1024, 1),
        logits=linear_conv(classes),                  # 6x6x1000, one map a class
        pool=global_pool(6),                          # 1x1x1000
    )


def _stages(prefix: str, *counts: int) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(f"{prefix}_{i}_{j + 1}" for j in range(n)) for i, n in enumerate(counts, 1))


FIRST_STRIDE = "the original has the stride of a bottleneck on its first 1x1"

NETWORKS = {
    "alexnet": Architecture(
        spec=alexnet, pixels=224, input="imagenet",
        about="AlexNet with one column and no LRN, as torchvision; He's initialisation",
        cell="alexnet.t2.1cnn", size="mobilenet.t9.alexnet",
        differs="60 million is the two-column network of the paper",
    ),
    "vgg16": Architecture(
        spec=vgg16, pixels=224, input="imagenet", bn_eps=1e-5, blocks=_stages("conv", 2, 2, 3, 3, 3),
        about="VGG configuration D; He's initialisation",
        cell="resnet.release.vgg-16", size="mobilenet.t8.vgg_16",
    ),
    "vgg19": Architecture(
        spec=vgg19, pixels=224, input="imagenet", bn_eps=1e-5, blocks=_stages("conv", 2, 2, 4, 4, 4),
        about="VGG configuration E; He's initialisation",
        cell="vgg.t3.E.256",
    ),
    "resnet50": Architecture(
        spec=resnet50, pixels=224, input="imagenet", bn_eps=1e-5, blocks=_stages("layer", 3, 4, 6, 3),
        about="ResNet-50, stride on the 3x3 as torchvision and timm",
        cell="resnet.release.resnet-50", size="resnet.t1.flops.resnet-50", differs=FIRST_STRIDE,
    ),
    "resnet101": Architecture(
        spec=resnet101, pixels=224, input="imagenet", bn_eps=1e-5, blocks=_stages("layer", 3, 4, 23, 3),
        about="ResNet-101, likewise",
        cell="resnet.release.resnet-101", size="resnet.t1.flops.resnet-101", differs=FIRST_STRIDE,
    ),
    "resnet152": Architecture(
        spec=resnet152, pixels=224, input="imagenet", bn_eps=1e-5, blocks=_stages("layer", 3, 8, 36, 3),
        about="ResNet-152, likewise",
        cell="resnet.release.resnet-152", size="resnet.t1.flops.resnet-152", differs=FIRST_STRIDE,
    ),
    "mobilenet_v1": Architecture(
        spec=mobilenet_v1, pixels=224, bn_eps=1e-5, blocks=(tuple(f"sep_{i}" for i in range(7, 12)),),
        about="MobileNet-v1 1.0, as timm; He's initialisation",
        cell="mobilenet.t8.1.0_mobilenet-224", size="mobilenet.t8.1.0_mobilenet-224",
    ),
    "nin": Architecture(
        spec=nin, pixels=224,
        about="Network-in-Network, the public Caffe model by remembered widths; He's initialisation",
        cell="nin.imagenet", size="nin.params",
    ),
}
