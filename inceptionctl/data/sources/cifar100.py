"""CIFAR-100 with its fine labels: 50,000 images to train on, 10,000 to evaluate on, 100 classes, 32 x 32 pixels."""

from __future__ import annotations

from typing import Literal

from inceptionctl.data.cifar import Cifar, find_cifar
from inceptionctl.data.downloaded_source import DownloadedSource
from inceptionctl.data.downloads import Archive
from inceptionctl.data.found import Found
from inceptionctl.settings import section

# Address, names and checksums: torchvision.datasets.CIFAR100.
FOLDER = "cifar-100-python"
TRAIN = (("train", "16019d7e3df5f24257cddd939b257f8d"),)
TEST = (("test", "f0ef6b0ae62326f3e7ffdfab6717acfc"),)
META = ("meta", "7973b15100ade9c7d40fb424638fde48")
FACTS = Cifar(
    title="CIFAR-100",
    folder=FOLDER,
    archive=Archive(
        name="cifar-100-python.tar.gz",
        md5="eb9058c3a382ffc7106e4002c42a8d85",
        size=169_001_437,
        urls=("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",),
        files=tuple(f"{FOLDER}/{name}" for name, _ in (*TRAIN, *TEST, META)),
    ),
    train=TRAIN,
    test=TEST,
    meta=META,
    labels_key=b"fine_labels",
    names_key=b"fine_label_names",
)


@section
class Settings(DownloadedSource):
    """CIFAR-100 in the files of its authors."""

    title = "CIFAR-100"
    hub_id = "uoft-cs/cifar100"

    name: Literal["cifar100"]

    def find(self) -> Found:
        return find_cifar(FACTS, self.folder, self.download)
