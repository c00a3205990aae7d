"""GoogLeNet, "Going deeper with convolutions" (Szegedy et al. 2015), and its batch-normalised relatives.

The paper's network has biases, two LRN layers, true 5x5 branches and two auxiliary heads of weight 0.3 (section 5).
torchvision's and TF-slim's have batch norm and a 3x3 where the paper has the 5x5 (architectures.md 1.1). The first
layer is a plain 7x7 here; the cost printed in Table 1 is that of a separable one (`separable_stem`). Costs:
`computed_costs` of papers.yaml.
"""

from inceptionctl.models.zoo import heads
from inceptionctl.models.zoo.architecture import Architecture
from inceptionctl.models.spec.rewrite import rewritten, swap
from inceptionctl.models.spec.rules import batch_norm, one_3x3
from inceptionctl.models.spec.nodes import (
    LRN, Cat, Dropout, Linear, Pool, Seq, Endpoint, conv, global_pool, halve,
)

YEAR = 2014  # of the arXiv version

STEM = Seq.of(                                        # Table 1: 224x224x3
    conv_1a=conv(64, 7, 2),                           # 112x112x64
    pool_1=halve("ceil"),                             # 56x56x64
    conv_2b=conv(64, 1),                              # 56x56x64
    conv_2c=conv(192, 3),                             # 56x56x192
    pool_2=halve("ceil"),                             # 28x28x192
)

STEM_LRN = Seq.of(                                    # where Figure 3 has the two normalisations
    conv_1a=STEM["conv_1a"], pool_1=STEM["pool_1"], lrn_1=LRN(),
    conv_2b=STEM["conv_2b"], conv_2c=STEM["conv_2c"], lrn_2=LRN(), pool_2=STEM["pool_2"],
)


def module(a: int, b: int, c: int, d: int, e: int, f: int) -> Cat:  # Figure 2b, by the columns of Table 1
    return Cat.of(
        branch1x1=conv(a),
        branch3x3=conv(b) >> conv(c, 3),
        branch5x5=conv(d) >> conv(e, 5),
        branch_pool=Pool("max") >> conv(f),
    )


def bn_googlenet(classes: int = 1000) -> Seq:
    """Row "BN-GoogLeNet" of Rethinking Table 3: true 5x5, batch norm on every convolution (a reading, the paper says
    no more); without its heads 7,005,832 parameters at GoogLeNet's 1,582,671,872 multiply-adds."""
    return Seq.of(
        stem=STEM,                                    #    28x28x192
        inception_3a=module(64, 96, 128, 16, 32, 32),       # 28x28x256
        inception_3b=module(128, 128, 192, 32, 96, 64),     # 28x28x480
        pool_3=halve("ceil"),                               # 14x14x480
        inception_4a=module(192, 96, 208, 16, 48, 64),      # 14x14x512
        aux_4a=Endpoint(heads.googlenet(classes)),
        inception_4b=module(160, 112, 224, 24, 64, 64),     # 14x14x512
        inception_4c=module(128, 128, 256, 24, 64, 64),     # 14x14x512
        inception_4d=module(112, 144, 288, 32, 64, 64),     # 14x14x528
        aux_4d=Endpoint(heads.googlenet(classes)),
        inception_4e=module(256, 160, 320, 32, 128, 128),   # 14x14x832
        pool_4=halve("ceil"),                               # 7x7x832
        inception_5a=module(256, 160, 320, 32, 128, 128),   # 7x7x832
        inception_5b=module(384, 192, 384, 48, 128, 128),   # 7x7x1024
        pool=global_pool(7),                                # 1x1x1024
        dropout=Dropout(0.4),
        logits=Linear(classes),
    )


def googlenet(classes: int = 1000) -> Seq:
    """Table 1 with a plain 7x7: 6,998,552 parameters, 13,378,280 with both heads."""
    return rewritten(swap(bn_googlenet(classes), stem=STEM_LRN), batch_norm(None))


def googlenet_bn(classes: int = 1000) -> Seq:
    """As torchvision ships it: 3x3 for 5x5, last pool 2x2, heads on adaptive pooling: 6,624,904 parameters without
    them. TF-slim's inception_v1 is the same without heads and with shift-only batch norm."""
    head = Endpoint(heads.googlenet_bn(classes))
    return swap(
        rewritten(bn_googlenet(classes), one_3x3),
        aux_4a=head, aux_4d=head, pool_4=Pool("max", (2, 2), 2, "ceil"), dropout=Dropout(0.2),
    )


BLOCKS = (
    ("inception_3a", "inception_3b"),
    ("inception_4a", "inception_4b", "inception_4c", "inception_4d", "inception_4e"),
    ("inception_5a", "inception_5b"),
)

NETWORKS = {
    "googlenet": Architecture(
        spec=googlenet, pixels=224, blocks=BLOCKS, aux_head=heads.googlenet, aux_weight=0.3, init="xavier",
        about="GoogLeNet Table 1: biases, LRN, true 5x5, two auxiliary heads; initialisation not stated, "
        "xavier as in Caffe",
        cell="googlenet.t3.m1c1", size="rethinking.t3.00",
        differs="1.5 G is the cost with a separable 7x7 (ablation=[separable_stem]: 1.499 G)",
    ),
    "bn_googlenet": Architecture(
        spec=bn_googlenet, pixels=224, blocks=BLOCKS, aux_head=heads.googlenet, aux_weight=0.3,
        about="GoogLeNet with batch norm for biases and LRN, true 5x5 (a reading); initialisation not stated, He",
        cell="rethinking.t3.01", size="rethinking.t3.01",
        differs="1.5 G is the cost with a separable 7x7 (ablation=[separable_stem])",
    ),
    "googlenet_bn": Architecture(
        spec=googlenet_bn, pixels=224, blocks=BLOCKS, aux_head=heads.googlenet_bn, aux_weight=0.3,
        init="truncated_normal_0.01",
        about="torchvision's and TF-slim's variant: batch norm, 3x3 in place of 5x5, last pool 2x2; "
        "their initialisation",
    ),
}
