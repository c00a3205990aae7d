"""Inception-v2 and Inception-v3 of "Rethinking the Inception Architecture" (Szegedy et al. 2016).

The body is the released one (TF-slim, torchvision, timm); filter counts inside modules are not in the paper. Table 3
is read as in architectures.md 4.3: Inception-v2 opens with GoogLeNet's stem around a plain 7x7, and the row
"Factorized 7x7" exchanges the stem as a whole; both stems end in 35x35x192. Costs: `computed_costs` of papers.yaml.
Average pools count their padding, as torchvision and timm do; TF-slim does not (arch.rewrites.count_padding).
"""

from inceptionctl.models.zoo import heads
from inceptionctl.models.zoo.architecture import Architecture
from inceptionctl.models.spec.rewrite import swap
from inceptionctl.models.spec.nodes import (
    Cat, Dropout, Linear, Seq, Endpoint, average_pool, conv, global_pool, halve,
)

YEAR = 2015

STEM_7X7 = Seq.of(                                    # GoogLeNet Table 1, unpadded: 299x299x3
    conv_1a=conv(64, 7, 2, "valid"),                  # 147x147x64
    pool_1=halve(),                                   # 73x73x64
    conv_2b=conv(64, 1),                              # 73x73x64
    conv_2c=conv(192, 3, 1, "valid"),                 # 71x71x192
    pool_2=halve(),                                   # 35x35x192
)

STEM_3X3 = Seq.of(                                    # Table 1 as released: 299x299x3
    conv_1a=conv(32, 3, 2, "valid"),                  # 149x149x32
    conv_2a=conv(32, 3, 1, "valid"),                  # 147x147x32
    conv_2b=conv(64, 3),                              # 147x147x64
    pool_1=halve(),                                   # 73x73x64
    conv_3b=conv(80, 1),                              # 73x73x80
    conv_4a=conv(192, 3, 1, "valid"),                 # 71x71x192
    pool_2=halve(),                                   # 35x35x192
)

STEM_TABLE_1 = Seq.of(                                # Table 1 as printed: 299x299x3
    conv_1a=conv(32, 3, 2, "valid"),                  # 149x149x32
    conv_2a=conv(32, 3, 1, "valid"),                  # 147x147x32
    conv_2b=conv(64, 3),                              # 147x147x64
    pool_1=halve(),                                   # 73x73x64
    conv_3b=conv(80, 3, 1, "valid"),                  # 71x71x80
    conv_4a=conv(192, 3, 2, "valid"),                 # 35x35x192
    conv_4b=conv(288, 3),                             # 35x35x288, padded though the table does not say so
)


def module_a(pool_filters: int) -> Cat:               # Figure 5, with the release's 5x5 beside the double 3x3
    return Cat.of(
        branch1x1=conv(64),
        branch5x5=conv(48) >> conv(64, 5),
        branch3x3dbl=conv(64) >> conv(96, 3) >> conv(96, 3),
        branch_pool=average_pool() >> conv(pool_filters),
    )


def module_b(c: int) -> Cat:                          # Figure 6, n = 7
    return Cat.of(
        branch1x1=conv(192),
        branch7x7=conv(c) >> conv(c, (1, 7)) >> conv(192, (7, 1)),
        branch7x7dbl=conv(c) >> conv(c, (7, 1)) >> conv(c, (1, 7)) >> conv(c, (7, 1)) >> conv(192, (1, 7)),
        branch_pool=average_pool() >> conv(192),
    )


def module_c() -> Cat:                                # Figure 7
    fork = Cat.of(row=conv(384, (1, 3)), column=conv(384, (3, 1)))
    return Cat.of(
        branch1x1=conv(320),
        branch3x3=conv(384) >> fork,
        branch3x3dbl=conv(448) >> conv(384, 3) >> fork,
        branch_pool=average_pool() >> conv(192),
    )


def reduction_a() -> Cat:                             # Figure 10
    return Cat.of(
        branch3x3=conv(384, 3, 2, "valid"),
        branch3x3dbl=conv(64) >> conv(96, 3) >> conv(96, 3, 2, "valid"),
        branch_pool=halve(),
    )


def reduction_b() -> Cat:                             # Figure 10, with the asymmetric layers of Figure 6
    return Cat.of(
        branch3x3=conv(192) >> conv(320, 3, 2, "valid"),
        branch7x7x3=conv(192) >> conv(192, (1, 7)) >> conv(192, (7, 1)) >> conv(192, 3, 2, "valid"),
        branch_pool=halve(),
    )


# The repeated modules of each grid, which `blocks` counts; the reductions always stay.
BLOCKS = (
    ("mixed_5b", "mixed_5c", "mixed_5d"),
    ("mixed_6b", "mixed_6c", "mixed_6d", "mixed_6e"),
    ("mixed_7b", "mixed_7c"),
)


def inception_v2(classes: int = 1000) -> Seq:
    """Row "Inception-v2" of Table 3: 23,786,632 parameters and 5,155,055,808 multiply-adds without auxiliary head."""
    return Seq.of(
        stem=STEM_7X7,                                # 35x35x192
        mixed_5b=module_a(32),                        # 35x35x256
        mixed_5c=module_a(64),                        # 35x35x288
        mixed_5d=module_a(64),                        # 35x35x288
        mixed_6a=reduction_a(),                       # 17x17x768
        mixed_6b=module_b(128),                       # 17x17x768
        mixed_6c=module_b(160),                       # 17x17x768
        mixed_6d=module_b(160),                       # 17x17x768
        mixed_6e=module_b(192),                       # 17x17x768
        aux=Endpoint(heads.inception_v2(classes)),
        mixed_7a=reduction_b(),                       # 8x8x1280
        mixed_7b=module_c(),                          # 8x8x2048
        mixed_7c=module_c(),                          # 8x8x2048
        pool=global_pool(8),                          # 1x1x2048
        dropout=Dropout(0.2),                         # TF-slim keeps 0.8; not stated in the paper
        logits=Linear(classes),
    )


def inception_v3(classes: int = 1000) -> Seq:
    """The last row of Table 3: 23,834,568 parameters and 5,713,216,096 multiply-adds without auxiliary head."""
    return swap(inception_v2(classes), stem=STEM_3X3, aux=Endpoint(heads.inception_v3(classes)))


def inception_v2_table1(classes: int = 1000) -> Seq:
    """Table 1 to the letter up to the first module, which gets 35x35x288: 24,410,696 parameters, 6,045,493,856
    multiply-adds. The modules are the released ones, five blocks at 17x17 with the reduction (architectures.md 4.2)."""
    return swap(inception_v3(classes), stem=STEM_TABLE_1, mixed_5b=module_a(64))


INIT = "initialisation not stated, TF-slim's"
UNPRINTED = "the paper does not print the filters inside its modules; the released ones"

NETWORKS = {
    "inception_v2": Architecture(
        spec=inception_v2, blocks=BLOCKS, aux_head=heads.inception_v2,
        about="Rethinking Table 3, row Inception-v2: released body, GoogLeNet stem with a plain 7x7 (a reading); "
        + INIT,
        cell="rethinking.t3.03", size="rethinking.t3.03", differs=f"{UNPRINTED} do not come to 3.8 G",
    ),
    "inception_v2_table1": Architecture(
        spec=inception_v2_table1, blocks=BLOCKS, aux_head=heads.inception_v3,
        about="Rethinking Table 1 as printed: its stem ends in 35x35x288 (a reading closer to the paper); " + INIT,
        cell="rethinking.t3.07", size="rethinking.t3.07", differs=f"{UNPRINTED} do not come to 4.8 G",
    ),
    "inception_v3": Architecture(
        spec=inception_v3, blocks=BLOCKS, aux_head=heads.inception_v3,
        about="Rethinking Table 3, last row, as released: three 3x3 in the stem, batch-normalised auxiliary head; "
        + INIT,
        cell="rethinking.t3.07", size="rethinking.t3.07",
        differs=f"{UNPRINTED} do not come to 4.8 G, but to fewer than the 25 million parameters it states",
    ),
}
