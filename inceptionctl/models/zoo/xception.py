"""Xception (Chollet 2017), Figure 5. "Sep" has no activation between its two steps, batch norm after the second."""

from inceptionctl.models.zoo.architecture import Architecture
from inceptionctl.models.spec.nodes import (
    Act, Conv, Dropout, Linear, Node, Pool, Res, Sep, Seq, conv, global_pool, numbered,
)


YEAR = 2016


def strided(first: int, second: int, *, opens: bool = False) -> Res:
    """Two Seps and a max pool beside a strided 1x1. The first ReLU is left out where the layer before ends in one."""
    steps: dict[str, Node] = {} if opens else {"relu_1": Act()}
    steps |= {
        "sep_1": Sep(first, act=None),
        "relu_2": Act(),
        "sep_2": Sep(second, act=None),
        "pool": Pool("max", stride=2),
    }
    return Res(tuple(steps.items()), relu=False, shortcut=Conv(second, stride=2, act=None))


def middle() -> Res:
    steps: dict[str, Node] = {}
    for i in (1, 2, 3):
        steps |= {f"relu_{i}": Act(), f"sep_{i}": Sep(728, act=None)}
    return Res(tuple(steps.items()), relu=False)


def xception(classes: int = 1000) -> Seq:
    """22,855,952 parameters (Table 3 of the paper) and 8,357,403,496 multiply-adds."""
    return Seq.of(                                    # entry flow, 299x299x3
        stem=Seq.of(
            conv_1a=conv(32, 3, 2, "valid"),          # 149x149x32
            conv_2a=conv(64, 3, 1, "valid"),          # 147x147x64
        ),
        entry_1=strided(128, 128, opens=True),        # 74x74x128
        entry_2=strided(256, 256),                    # 37x37x256
        entry_3=strided(728, 728),                    # 19x19x728
        **numbered("middle_", 8 * [middle()]),        # 19x19x728
        exit_1=strided(728, 1024),                    # 10x10x1024
        exit_2=Sep(1536),                             # 10x10x1536
        exit_3=Sep(2048),                             # 10x10x2048
        pool=global_pool(10),                         # 1x1x2048
        dropout=Dropout(0.5),
        logits=Linear(classes),
    )


NETWORKS = {
    "xception": Architecture(
        spec=xception, blocks=(tuple(f"middle_{i}" for i in range(1, 9)),), has_plain_twin=True,
        about="Xception Figure 5; initialisation not stated, He",
        cell="xception.t1.xception", size="xception.t3.xception",
    ),
}
