"""CIFAR-10: 50,000 images to train on, 10,000 to evaluate on, 10 classes, 32 x 32 pixels."""

from __future__ import annotations

from typing import Literal

from inceptionctl.data.cifar import Cifar, find_cifar
from inceptionctl.data.downloaded_source import DownloadedSource
from inceptionctl.data.downloads import Archive
from inceptionctl.data.found import Found
from inceptionctl.settings import section

# Address, names and checksums: torchvision.datasets.CIFAR10.
FOLDER = "cifar-10-batches-py"
TRAIN = (
    ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
    ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
    ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
    ("data_batch_4", "634d18415352ddfa80567beed471001a"),
    ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
)
TEST = (("test_batch", "40351d587109b95175f43aff81a1287e"),)
META = ("batches.meta", "5ff9c542aee3614f3951f8cda6e48888")
FACTS = Cifar(
    title="CIFAR-10",
    folder=FOLDER,
    archive=Archive(
        name="cifar-10-python.tar.gz",
        md5="c58f30108f718f92721af3b95e74349a",
        size=170_498_071,
        urls=("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
        files=tuple(f"{FOLDER}/{name}" for name, _ in (*TRAIN, *TEST, META)),
    ),
    train=TRAIN,
    test=TEST,
    meta=META,
    labels_key=b"labels",
    names_key=b"label_names",
)


@section
class Settings(DownloadedSource):
    """CIFAR-10 in the files of its authors."""

    title = "CIFAR-10"
    hub_id = "uoft-cs/cifar10"

    name: Literal["cifar10"]

    def find(self) -> Found:
        return find_cifar(FACTS, self.folder, self.download)
