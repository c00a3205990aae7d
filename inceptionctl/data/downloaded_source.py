"""The settings that data sets which can be downloaded share."""

from __future__ import annotations

from typing import ClassVar

from inceptionctl.data.downloads import default_root
from inceptionctl.data.training_source import TrainingSource
from inceptionctl.settings import AbsolutePath, Flag, section


@section
class DownloadedSource(TrainingSource):
    """Each is a subclass with its own `find`; files and folders are those of torchvision's class of the data set."""

    caches_listing: ClassVar[bool] = False

    root: AbsolutePath | None
    """Folder with the data set in torchvision's layout; null: inceptionctl/data in the user's cache (~/.cache)."""
    download: Flag
    """true: download what is missing in `root` and unpack it; data that is there is left as it is."""

    @property
    def folder(self) -> str:
        return self.root or str(default_root())
