"""The contract of the data: what a set of images answers to, and what a data set (`data/sources/NAME.py`) provides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol

import numpy as np
from pydantic import Field

from inceptionctl.data.index import Index
from inceptionctl.data.lazy_image import LazyImage
from inceptionctl.data.variation import AnyCrop
from inceptionctl.errors import DataError
from inceptionctl.settings import Integer, section

if TYPE_CHECKING:
    from PIL import Image

    from inceptionctl.data.listing import Listing

IGNORED = -100  # the label that torch's cross entropy passes over

# To a network's input: an image, or uint8, (height, width, 3) for one view and (views, height, width, 3) for several.
Transform = Callable[["Image.Image", np.random.Generator], "Image.Image | np.ndarray"]
# Of training images: uint8, (height, width, 3), or the crop that becomes one on the device.
Augment = Callable[[LazyImage, np.random.Generator], "np.ndarray | AnyCrop"]
Input = np.ndarray | tuple[np.ndarray, ...] | AnyCrop  # of one network, of each member of an ensemble, or of the device


class Images(Protocol):
    """A set of images. `labels_N`: class of each; `groups_N`: source of each, where several images share one."""

    @property
    def labels_N(self) -> np.ndarray: ...

    @property
    def groups_N(self) -> np.ndarray: ...

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """An image in messages."""
        ...

    def image(self, epoch: int, index: int) -> Input:
        """uint8, (height, width, 3), or (views, height, width, 3) of a transform with several views, or a tuple of such
        (`open_eval`), or the crop of a training image; the same for the same arguments. Raises DataError for one that
        cannot be read, and Unreadable where the work goes on."""


class Unreadable(DataError):
    """An image that cannot be read. `image`, uint8 and of the same shape, replaces it, with `label`: the replacement's
    own; or IGNORED, and it counts for nothing; or, with `wrong`, the image's true label, and the image counts as one
    whose class is not among the likeliest, whatever a network says of the replacement."""

    def __init__(self, message: str, image: Input, label: int, wrong: bool = False) -> None:
        super().__init__(message)
        self.image, self.label, self.wrong = image, label, wrong


@dataclass(frozen=True)
class DataSplits:
    """To train on, to monitor training on, and to evaluate on."""

    train: Images
    monitor: Images
    eval: Images


@dataclass(frozen=True)
class Views:
    """How images reach the network's input, `pixels` x `pixels`: `train` varies them, `eval` does not; `monitor`: for
    looking on while training (None: as `eval`)."""

    pixels: int
    train: Augment
    eval: Transform
    monitor: Transform | None = None


@section
class DataSource(ABC):
    """What every data set has: each is a subclass with exactly its own settings.

    `index` lists the images once, when a run is planned. The index is stored with the run; every rank of every start
    opens the images from it: `open` never lists a folder.
    """

    title: ClassVar[str]
    """The name of the data set, for people."""
    hub_id: ClassVar[str | None] = None
    """What the Hugging Face Hub calls it, for model cards."""
    drawn: ClassVar[bool] = False
    """Whether images are drawn at the size of the network's input, and not decoded. Those to train on and to monitor
    training on are then used as they are drawn, so that `augment` has no effect; those to evaluate on are cropped and
    resized as `Views` says."""
    modules: ClassVar[tuple[str, ...]] = ()
    """What `open` imports that takes long, for a launcher to load once."""
    trains: ClassVar[bool] = True
    """Whether there are images to train on. Otherwise `index` has evaluation files alone, with `n_train` = 0."""
    as_published: ClassVar[bool] = True
    """Whether evaluation images are as they were published. Errors on others are not compared with a paper's."""

    name: str
    eval_split: Literal["test", "dev"]
    """Images to evaluate on: the test split, or a dev split taken from the training images, to choose settings by."""
    workers: Annotated[Integer, Field(ge=0, le=256)]
    """Processes of each rank that read images; 0: the rank reads them itself."""

    @property
    def augments_on_device(self) -> bool:
        """Whether training images reach the rank as crops."""
        return False

    @property
    def decodes_on_device(self) -> bool:
        """Whether crops of plain JPEG files reach the rank encoded."""
        return False

    @property
    def image_set(self) -> str:
        """The images to evaluate on, in the names of evaluations. Sets that differ by settings alone differ in name, or
        the evaluation of one would be written over that of another."""
        return self.eval_split

    @property
    def shown_title(self) -> str:
        """What a report calls these images: `title`, or that of the data set which they were made from."""
        return self.title

    @abstractmethod
    def index(self, dev: bool) -> Index:
        """Lists the training and evaluation images; `dev` as in `Index`. Raises RequestError for data that is missing
        or cannot be used."""

    def cache_note(self, index: Index) -> str:
        """Whether the decoded images of `index` are held in memory, and why; "" where there is nothing to choose."""
        return ""

    def listings(self) -> Mapping[str, Listing]:
        """The images of each split as they lie there, "train" and "eval", or "all" before they are divided: what `data
        check` looks at. A data set may list what `index` would refuse. Raises RequestError for data that is missing."""
        from inceptionctl.data.listing import Listing

        index = self.index(dev=False)
        return {split: Listing(files, index.classes, {}) for split, files in index.files.items()}

    @abstractmethod
    def open(self, index: Index, views: Views, seed: int) -> DataSplits:
        """The images of `index`; `seed` varies the training images alone. Raises RequestError where files are gone."""
